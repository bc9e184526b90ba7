/**
 * The kinds of fields of the published contract, as schemas: what each reads, how it describes itself in OpenAPI, and the
 * fault that it reports when it cannot read. Pure.
 *
 * A field is one function from what was sent to a value or a fault. The schema is made around that function, so that the
 * types and words of the faults, which clients rely on, stand in one place and depend on no formatter.
 *
 * @module
 */
import { Effect, Option, Result, Schema, SchemaIssue, SchemaTransformation } from "effect"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import { isCanonicalUuid, parseUuid } from "../core/text/Uuid.ts"
import { parseInteger } from "./Integer.ts"

/** A fault at a place: what stands in a list item of a 422 besides `loc`. */
export interface Fault {
  readonly type: string
  readonly msg: string
}

export interface Field<A, E> extends Schema.Codec<A, E> {}

/** The function from what was sent to a value or a fault. */
export type Read<A> = (input: unknown) => Result.Result<A, Fault>

/** How a member of an object is read, without its schema. */
export interface Member {
  readonly read: Read<unknown>
  readonly optional: boolean
}

const members = new WeakMap<object, Member>()

/** How the field of this schema is read; none if this module did not make the schema. */
export const memberOf = (schema: object): Member | undefined => members.get(schema)

const faultKey = "~hydracore/fault"

/** The fault that an issue carries, if a field of this module made it. */
export const faultOf = (issue: SchemaIssue.Issue): Option.Option<Fault> =>
  issue._tag === "InvalidValue"
    ? Option.fromNullishOr(issue.annotations?.[faultKey] as Fault | undefined)
    : Option.none()

/**
 * A schema around a reading function. Its encoded side is typed as what clients should send and described by
 * `jsonSchema`; what is really accepted is what `read` accepts.
 */
const field = <A, E = A>(jsonSchema: Record<string, unknown>, read: Read<A>): Field<A, E> => {
  const encoded = Schema.Any.check(
    Schema.makeFilter(() => true, { toJsonSchema: () => jsonSchema })
  ) as unknown as Schema.Codec<E>
  const made = encoded.pipe(
    Schema.decodeTo(
      Schema.Any as Schema.Codec<A>,
      SchemaTransformation.transformEffect<A, E>({
        decode: (input, options) =>
          Result.match(read(input), {
            onFailure: (fault) =>
              Effect.fail(new SchemaIssue.InvalidValue({ message: fault.msg, [faultKey]: fault }, input, options)),
            onSuccess: Effect.succeed
          }),
        encode: (value) => Effect.succeed(value as unknown as E)
      })
    )
  )
  members.set(made, { read, optional: false })
  return made
}

const fail = (type: string, msg: string): Result.Result<never, Fault> => Result.fail({ type, msg })

/** Counts Unicode code points, and stops beyond `max`. */
const hasMoreCodePointsThan = (text: string, max: number): boolean => {
  if (text.length <= max) return false
  if (text.length > 2 * max) return true
  let count = 0
  for (const _ of text) if (++count > max) return true
  return false
}

export interface TextOptions {
  /** The greatest length, in Unicode code points. */
  readonly maxLength?: number | undefined
  /** Whether the text is kept as it is in a column that cannot hold NUL, so that one with a NUL must be refused. */
  readonly refuseNul?: boolean | undefined
}

const readText =
  (options: TextOptions = {}): Read<string> =>
  (input) => {
    if (typeof input !== "string") return fail("string_type", "Input should be a valid string")
    if (!input.isWellFormed()) {
      return fail("string_unicode", "Input should be a valid string, unable to parse raw data as a unicode string")
    }
    if (options.maxLength !== undefined && hasMoreCodePointsThan(input, options.maxLength)) {
      return fail("string_too_long", `String should have at most ${options.maxLength} characters`)
    }
    if (options.refuseNul === true && input.includes("\0")) {
      return fail("value_error", "Value error, a NUL character cannot be stored; remove it and send again")
    }
    return Result.succeed(input)
  }

const readUuid: Read<string> = (input) => {
  if (typeof input !== "string") return fail("uuid_type", "UUID input should be a string, bytes or UUID object")
  if (isCanonicalUuid(input)) return Result.succeed(input)
  if (!input.isWellFormed()) {
    return fail("string_unicode", "Input should be a valid string, unable to parse raw data as a unicode string")
  }
  return Result.mapError(parseUuid(input), (reason) => ({
    type: "uuid_parsing",
    msg: `Input should be a valid UUID, ${reason}`
  }))
}

const integerMessages = {
  int_type: "Input should be a valid integer",
  int_parsing: "Input should be a valid integer, unable to parse string as an integer",
  int_parsing_size: "Unable to parse input string as an integer, exceeded maximum size",
  int_from_float: "Input should be a valid integer, got a number with a fractional part",
  finite_number: "Input should be a finite number"
}

const readInteger: Read<number> = (input) =>
  Result.mapError(parseInteger(input), (type) => ({ type, msg: integerMessages[type] }))

/** Whether a JSON value is an object: neither null nor an array. */
export const isJsonObject = (input: unknown): input is Record<string, unknown> =>
  typeof input === "object" && input !== null && !Array.isArray(input)

const readObject =
  (options: { readonly maxProperties: number }): Read<Record<string, unknown>> =>
  (input) => {
    if (!isJsonObject(input)) return fail("dict_type", "Input should be a valid dictionary")
    const count = Object.keys(input).length
    if (count > options.maxProperties) {
      return fail(
        "too_long",
        `Dictionary should have at most ${options.maxProperties} items after validation, not ${count}`
      )
    }
    return Result.succeed(input)
  }

/** Reads `null` as null and everything else as `read` does. */
const readNullable =
  <A>(read: Read<A>): Read<A | null> =>
  (input) =>
    input === null ? Result.succeed(null) : read(input)

/** A required text. */
export const Text = (options: TextOptions & { readonly title: string; readonly description?: string }) =>
  field<string>(
    {
      type: "string",
      title: options.title,
      ...(options.maxLength === undefined ? {} : { maxLength: options.maxLength }),
      ...(options.description === undefined ? {} : { description: options.description })
    },
    readText(options)
  )

/** A required UUID, read in any of its spellings and given in the canonical one. */
export const Uuid = (options: { readonly title: string; readonly description?: string }) =>
  field<string>({ type: "string", format: "uuid", ...options }, readUuid)

/** A required object with any values. */
export const JsonObject = (options: { readonly title: string; readonly maxProperties: number }) =>
  field<Record<string, unknown>>(
    { type: "object", additionalProperties: true, maxProperties: options.maxProperties, title: options.title },
    readObject(options)
  )

const optional = <A>(title: string, jsonSchema: Record<string, unknown>, read: Read<A>) => {
  const nullable = readNullable(read)
  const made = Schema.optionalKey(field<A | null, A | null>({ anyOf: [jsonSchema, { type: "null" }], title }, nullable))
  members.set(made, { read: nullable, optional: true })
  return made
}

/** A text that may be absent or null. */
export const OptionalText = (options: TextOptions & { readonly title: string }) =>
  optional(options.title, { type: "string" }, readText(options))

/** An integer that may be absent or null. It is read as leniently as Pydantic reads one. */
export const OptionalInteger = (options: { readonly title: string }) =>
  optional(options.title, { type: "integer" }, readInteger)

/** The same JSON under `text/plain`, as a beacon sends it: a browser then needs no CORS preflight. */
export const asBeacon = <S extends Schema.Top>(body: S): S["Rebuild"] =>
  body.pipe(HttpApiSchema.asJson({ contentType: "text/plain" }))
