/**
 * Types of parameters and members that several endpoints of the owner API share, the parts of lists, and the values of examples.
 *
 * @module
 */
import { Effect, Option, Result, Schema } from "effect"
import * as Fault from "../../platform/contract/Fault.ts"
import * as Field from "../../platform/contract/Field.ts"
import { isCanonicalUuid, parseUuid, WebsiteConfigId } from "../../platform/Id.ts"
import * as Calendar from "../../platform/text/Calendar.ts"
import * as Cursor from "../../platform/text/Cursor.ts"
import * as MailAddress from "../../platform/text/MailAddress.ts"
import * as Site from "../Site.ts"

/** The maximum `limit` of a list. */
export const maxLimit = 100

/** The maximum number of items in one part of a list. */
export const limit = Schema.optionalKey(
  Field.custom<number, string>(
    {
      type: "integer",
      minimum: 1,
      maximum: maxLimit,
      default: 50,
      description: "The maximum number of items in the response"
    },
    (input) =>
      typeof input === "string" && /^[1-9][0-9]{0,2}$/.test(input) && Number(input) <= maxLimit
        ? Result.succeed(Number(input))
        : Field.fail("value_error", `Value error, a whole number from 1 to ${maxLimit} is expected`),
    String
  )
)

export const defaultLimit = 50

/** The cursor of a list whose items have ids of this form. */
export const cursorOf = (isId: (id: string) => boolean) =>
  Schema.optionalKey(
    Field.custom<Cursor.Position, string>(
      { type: "string", description: "The `next` of the part before; absent for the first part" },
      (input) =>
        Option.match(typeof input === "string" ? Cursor.parse(input, isId) : Option.none(), {
          onNone: () => Field.fail("value_error", "Value error, the `next` of an earlier response is expected"),
          onSome: Result.succeed
        }),
      Cursor.format
    )
  )

/** The cursor of a list whose items have UUIDs. */
export const cursor = cursorOf(isCanonicalUuid)

/** The `next` of an answer. */
export const next = Schema.NullOr(Schema.String).annotate({
  description:
    "The `cursor` of the next part; null after the last one. A part may have fewer items than `limit`, even none, and still a `next`"
})

/** Whether a text is a date in the year 1 or later: PostgreSQL has no year 0. */
const isDate = (text: string): boolean =>
  /^(?!0000)[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(text) && new Date(`${text}T00:00:00Z`).toJSON()?.startsWith(text) === true

/** A date, which may be absent. */
export const date = (description: string) =>
  Schema.optionalKey(
    Field.custom<string>({ type: "string", format: "date", description }, (input) =>
      typeof input === "string" && isDate(input)
        ? Result.succeed(input)
        : Field.fail("value_error", "Value error, a date such as 2026-01-31 is expected")
    )
  )

/** A day, or a time that is decoded to ISO 8601 in UTC. It may be absent. */
export const bound = (description: string) =>
  Schema.optionalKey(
    Field.custom<string>(
      {
        anyOf: [
          { type: "string", format: "date" },
          { type: "string", format: "date-time" }
        ],
        description: `${description}, or a time such as 2026-01-31T08:00:00Z`
      },
      (input) => {
        if (typeof input === "string" && isDate(input)) return Result.succeed(input)
        const time = typeof input === "string" ? Calendar.parseTimestamp(input) : Option.none()
        return Option.isSome(time)
          ? Result.succeed(Calendar.iso(time.value))
          : Field.fail("value_error", "Value error, a date such as 2026-01-31 or a time with a time zone is expected")
      }
    )
  )

/** A text, not empty and without NUL, that may be absent. */
export const text = (options: { readonly title: string; readonly description: string; readonly maxLength: number }) =>
  Schema.optionalKey(Field.Text({ ...options, minLength: 1, refuseNul: true }))

/** One of `choices`, which may be absent. */
export const choice = <const A extends string>(
  choices: ReadonlyArray<A>,
  options: { readonly title: string; readonly description?: string }
) => Schema.optionalKey(Field.Choice(choices, options))

/** The maximum number of ids of a selection. */
export const maxSelected = 100

/** Reads a text with `parse`. `expected` follows "Value error, " in the error. */
export const readParsed =
  <A>(parse: (text: string) => Option.Option<A>, expected: string): Field.Read<A> =>
  (input) =>
    Option.match(typeof input === "string" ? parse(input) : Option.none(), {
      onNone: () => Field.fail("value_error", `Value error, ${expected}`),
      onSome: Result.succeed
    })

/** A text that `parse` reads. `expected` follows "Value error, " in the error. */
export const parsed = <A>(
  jsonSchema: Record<string, unknown>,
  parse: (text: string) => Option.Option<A>,
  expected: string,
  encode?: (value: A) => string
) => Field.custom<A, string>(jsonSchema, readParsed(parse, expected), encode)

export const readName = readParsed(Site.parseName, `a text of 1 to ${Site.maxName} characters is expected`)

/** A name or a label. */
export const name = (title: string) =>
  Field.custom<string>({ type: "string", title, minLength: 1, maxLength: Site.maxName }, readName)

export const expectedEmail = "an email address such as ada@example.com is expected"

/** An address to which mail can be sent. */
export const email = (description: string) =>
  parsed(
    { type: "string", format: "email", description },
    (text) => Option.liftPredicate(text.trim(), MailAddress.isAddress),
    expectedEmail
  )

/** Origins that may use a website's or an instance's ids in a browser. */
export const origins = (description: string) =>
  Field.custom<ReadonlyArray<string>>(
    { type: "array", items: { type: "string" }, maxItems: Site.maxOrigins, description },
    (input) => {
      if (!Array.isArray(input)) return Field.fail("list_type", "Input should be a valid list")
      if (input.length > Site.maxOrigins) {
        return Field.fail("value_error", `Value error, at most ${Site.maxOrigins} origins are possible`)
      }
      const accepted = new Set<string>()
      for (const [index, text] of input.entries()) {
        const origin = typeof text === "string" ? Site.parseOrigin(text) : Option.none()
        if (Option.isNone(origin)) {
          const expected = Fault.value("origins such as https://www.example.com, without a path, are expected")
          return Result.fail({ ...expected, path: [index] })
        }
        accepted.add(origin.value)
      }
      return Result.succeed([...accepted])
    }
  )

/** When something expires: an ISO 8601 time, decoded to milliseconds since 1970. */
export const expiry = (description: string) =>
  parsed(
    { type: "string", format: "date-time", description },
    Calendar.parseTimestamp,
    "a time such as 2030-01-31 or 2030-01-31T08:00:00Z is expected",
    Calendar.iso
  )

/** Reads the ids of a selection, without duplicates. */
export const readSelection =
  <I extends string>(kind: { readonly make: (uuid: string) => I }): Field.Read<ReadonlyArray<I>> =>
  (input) => {
    if (!Array.isArray(input)) return Field.fail("list_type", "Input should be a valid list")
    if (input.length < 1 || input.length > maxSelected) {
      return Field.fail("value_error", `Value error, 1 to ${maxSelected} ids are expected`)
    }
    const ids = new Set<I>()
    for (const id of input) {
      const result = typeof id === "string" ? parseUuid(id) : Result.fail("")
      if (Result.isFailure(result)) return Field.fail("uuid_parsing", "Input should be a list of valid UUIDs")
      ids.add(kind.make(result.success))
    }
    return Result.succeed([...ids])
  }

/** The ids of a selection. */
export const selection = <I extends string>(kind: { readonly make: (uuid: string) => I }, title: string) =>
  Field.custom<ReadonlyArray<I>>(
    { type: "array", title, items: { type: "string", format: "uuid" }, minItems: 1, maxItems: maxSelected },
    readSelection(kind)
  )

export const boolean = (title: string) =>
  Field.custom<boolean>({ type: "boolean", title }, (input) =>
    typeof input === "boolean" ? Result.succeed(input) : Field.fail("bool_type", "Input should be a valid boolean")
  )

/** An ISO 8601 time in an answer. */
export const time = Schema.String.annotate({ format: "date-time" })

export const nullableTime = Schema.NullOr(time)

export const uuid = Schema.String.annotate({ format: "uuid" })

interface ListRange {
  readonly cursor?: Cursor.Position
  readonly limit?: number
}

/** The part of a list that is requested. */
export const rangeOf = ({ cursor, limit = defaultLimit }: ListRange) => ({ after: cursor ?? null, limit })

/** The part of a list of keys or sessions that is requested, and the website that they must reach. */
export const reachingRangeOf = ({
  site_id: reaching,
  ...range
}: ListRange & { readonly site_id?: WebsiteConfigId }) => ({
  ...rangeOf(range),
  reaching: reaching ?? null
})

export const formatNext = (next: Cursor.Position | null): string | null => (next === null ? null : Cursor.format(next))

/** Reads a part of a list with its `next`. One item more than are requested shows whether there is another part. */
export const readPart = <Query extends { readonly limit: number }, A, E, R>(
  query: Query,
  read: (query: Query) => Effect.Effect<ReadonlyArray<A>, E, R>,
  positionOf: (item: A) => Cursor.Position
): Effect.Effect<{ readonly items: ReadonlyArray<A>; readonly next: string | null }, E, R> =>
  Effect.map(read({ ...query, limit: query.limit + 1 }), (found) => {
    const { items, next } = Cursor.partOf(found, query.limit, positionOf)
    return { items, next: formatNext(next) }
  })

export const exampleSiteId = WebsiteConfigId.make("0f8fad5b-d9cb-469f-a165-70867728950e")

export const exampleId = Field.exampleUuid

export const exampleTime = "2026-11-25T09:00:00.000Z"
