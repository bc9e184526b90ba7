/**
 * The types of fields that the published endpoints and the owner API share. Pure.
 *
 * @module
 */
import { Effect, Predicate, Result, Schema, SchemaAST, SchemaTransformation } from "effect"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import { isCanonicalUuid, parseUuid } from "../Id.ts"
import * as Fault from "./Fault.ts"

/** Counts only up to `max`. */
export const hasMoreCodePointsThan = (text: string, max: number): boolean => {
  if (text.length <= max) return false
  if (text.length > 2 * max) return true
  let count = 0
  for (const _ of text) if (++count > max) return true
  return false
}

/** A check that ends the decoding of its value, with a fault and the keywords of JSON Schema that describe it. */
export const check = <A>(
  accepts: (value: A) => boolean,
  fault: Fault.Fault,
  jsonSchema: Record<string, unknown> = {}
) => Schema.makeFilter<A>(accepts, { ...Fault.annotation(fault), toJsonSchema: () => jsonSchema }, true)

export const isWellFormed = check<string>((text) => text.isWellFormed(), Fault.notUnicode)

export const isNotEmpty = check<string>((text) => text !== "", Fault.tooShort, { minLength: 1 })

/** In Unicode code points. */
export const isAtMost = (maxLength: number) =>
  check<string>((text) => !hasMoreCodePointsThan(text, maxLength), Fault.tooLong(maxLength), { maxLength })

/** A check that reports the faults of the parts of its value. */
export const rule = <A>(find: (value: A) => ReadonlyArray<Fault.Fault>, annotations?: Schema.Annotations.Filter) =>
  Schema.makeFilter<A>((value) => {
    const faults = find(value)
    return faults.length === 0 ? undefined : Fault.issue(...faults)
  }, annotations)

/**
 * Decodes an input with `schema` only after `refuse` has found no fault in it, so that no input costs more than its maximums
 * allow. `keywords` describe these maximums in the documents.
 */
const guarded = <S extends Schema.Constraint>(
  schema: S,
  refuse: (input: unknown) => ReadonlyArray<Fault.Fault>,
  keywords: Record<string, unknown>
) =>
  (
    Schema.Any.check(
      rule(refuse, {
        representation: { id: "hydracore/guarded", payload: null, schemas: [SchemaAST.toEncoded(schema.ast)] },
        toJsonSchema: ({ schemas }) => ({ ...schemas[0], ...keywords })
      })
    ) as unknown as Schema.Codec<S["Encoded"]>
  ).pipe(Schema.decodeTo(schema))

/** A list of `min` to `max` items. The items of another list, or of one that `refuse` finds faults in, are not decoded. */
export const List = <S extends Schema.Constraint>(
  item: S,
  {
    max,
    min = 0,
    refuse = () => []
  }: {
    readonly min?: number
    readonly max: number
    readonly refuse?: (items: ReadonlyArray<unknown>) => ReadonlyArray<Fault.Fault>
  }
) =>
  guarded(
    Schema.Array(item),
    (input) => {
      if (!Array.isArray(input)) return [Fault.notAList]
      if (input.length < min) return [Fault.listTooShort(min, input.length)]
      return input.length > max ? [Fault.listTooLong(max, input.length)] : refuse(input)
    },
    { ...(min === 0 ? {} : { minItems: min }), maxItems: max }
  )

const notAnInteger: Fault.Fault = { type: "int_type", msg: "Input should be a valid integer" }

/** A whole number of JSON from `min` to `max`. */
export const Integer = ({ max, min }: { readonly min: number; readonly max: number }) =>
  Schema.Number.annotate(Fault.annotation(notAnInteger)).check(
    Schema.isInt({ ...Fault.annotation(notAnInteger) }).abort(),
    check<number>(
      (value) => value >= min,
      { type: "greater_than_equal", msg: `Input should be greater than or equal to ${min}` },
      { minimum: min }
    ),
    check<number>(
      (value) => value <= max,
      { type: "less_than_equal", msg: `Input should be less than or equal to ${max}` },
      { maximum: max }
    )
  )

/** For a text that is stored as it is, in a column that cannot hold NUL. */
const isStorable = check<string>(
  (text) => !text.includes("\0"),
  Fault.value("a NUL character cannot be stored; remove it and send again")
)

export interface TextOptions {
  readonly title: string
  readonly description?: string
  /** In Unicode code points. */
  readonly maxLength?: number
  /** 1 refuses the empty text. */
  readonly minLength?: 1
  /** Whether NUL is refused. */
  readonly refuseNul?: boolean
}

const describedBy = ({ description, title }: { readonly title: string; readonly description?: string }) => ({
  title,
  ...(description === undefined ? {} : { description })
})

const checked = ({ maxLength, minLength, refuseNul }: Omit<TextOptions, "title">) =>
  Schema.String.check(
    isWellFormed,
    ...(minLength === undefined ? [] : [isNotEmpty]),
    ...(maxLength === undefined ? [] : [isAtMost(maxLength)]),
    ...(refuseNul === true ? [isStorable] : [])
  )

/** A required text. */
export const Text = (options: TextOptions) => checked(options).annotate(describedBy(options))

/** A field that may be absent or null. */
export const optional = <S extends Schema.Constraint>(
  schema: S,
  annotations: { readonly title?: string; readonly description?: string } = {}
) => Schema.optionalKey(Schema.NullOr(schema).annotate(annotations))

/** A text that may be absent or null. */
export const OptionalText = (options: TextOptions) => optional(checked(options), describedBy(options))

/** A boolean that may be absent or null. */
export const OptionalBoolean = (options: { readonly title: string; readonly description?: string }) =>
  optional(Schema.Boolean, options)

const notAUuid: Fault.Fault = { type: "uuid_type", msg: "UUID input should be a string, bytes or UUID object" }

const readUuid: Read<string, string> = (text) =>
  isCanonicalUuid(text)
    ? Result.succeed(text)
    : text.isWellFormed()
      ? Result.mapError(parseUuid(text), (reason) => ({
          type: "uuid_parsing",
          msg: `Input should be a valid UUID, ${reason}`
        }))
      : Result.fail(Fault.notUnicode)

/** A function from an input to a value or its faults. */
export type Read<A, E = unknown> = (input: E) => Result.Result<A, Fault.Fault | ReadonlyArray<Fault.Fault>>

export const fail = (type: string, msg: string): Result.Result<never, Fault.Fault> => Result.fail({ type, msg })

const transformation = <A, E>(read: Read<A, E>, encode: (value: A) => E) =>
  SchemaTransformation.transformEffect<A, E>({
    decode: (input) => {
      const result = read(input)
      return Result.isSuccess(result)
        ? Effect.succeed(result.success)
        : Effect.fail(Fault.issue(...[result.failure].flat()))
    },
    encode: (value) => Effect.succeed(encode(value))
  })

/** The id in the examples of the documents. */
export const exampleUuid = "6f1f4c1e-9b0b-4a4e-8d5f-0a6f5d2b7c11"

/** A required UUID in any accepted form, decoded to the canonical one. */
export const Uuid = (options: { readonly title: string; readonly description?: string }) =>
  Schema.String.annotate({
    ...Fault.annotation(notAUuid),
    ...describedBy(options),
    format: "uuid",
    examples: [exampleUuid]
  }).pipe(
    Schema.decodeTo(
      Schema.String,
      transformation<string, string>(readUuid, (id) => id)
    )
  )

/** A required id, a UUID in any accepted form. */
export const Id = <I extends string>(
  id: Schema.Codec<I, string>,
  options: { readonly title: string; readonly description?: string }
) => Uuid(options).pipe(Schema.decodeTo(id))

/** A required text that is one of `choices`. */
export const Choice = <const A extends string>(
  choices: ReadonlyArray<A>,
  options: { readonly title?: string; readonly description?: string } = {}
) =>
  // A union of one literal would have another JSON Schema.
  (choices.length === 1 ? Schema.Literal(choices[0]!) : Schema.Literals(choices)).annotate({
    ...Fault.annotation(Fault.notOneOf(choices)),
    ...options
  }) as Schema.Codec<A>

/**
 * A field whose accepted values JSON Schema cannot describe, such as a whole number in a text. `jsonSchema` describes what clients
 * should send, which has the type `E`; `read` may accept more. `encode` writes what a client sends; without it, values are sent as
 * they are.
 */
export const custom = <A, E = A>(
  jsonSchema: Record<string, unknown>,
  read: Read<A>,
  encode: (value: A) => E = (value) => value as unknown as E
): Schema.Codec<A, E> =>
  (
    Schema.Any.check(Schema.makeFilter(() => true, { toJsonSchema: () => jsonSchema })) as unknown as Schema.Codec<E>
  ).pipe(Schema.decodeTo(Schema.Any as Schema.Codec<A>, transformation<A, E>(read, encode)))

/** A required object with any values, which is decoded to itself. */
export const JsonObject = (options: { readonly title: string; readonly maxProperties: number }) =>
  custom<Record<string, unknown>>({ type: "object", additionalProperties: true, ...options }, (input) => {
    if (!Predicate.isObject(input)) return Result.fail(Fault.notAnObject)
    const count = Object.keys(input).length
    return count > options.maxProperties
      ? Result.fail(Fault.tooManyProperties(options.maxProperties, count))
      : Result.succeed(input)
  })

/** The maximum number of digits that Python converts. */
const maxDigits = 4300

const tooLarge: Fault.Fault = {
  type: "int_parsing_size",
  msg: "Unable to parse input string as an integer, exceeded maximum size"
}

/** Allows surrounding white space, a sign, leading zeros, single underscores between digits and a fraction of zeros. */
const integerOf: Read<number, string> = (input) => {
  const text = input.trim().replace(/\.0*$/, "")
  if (!/^[+-]?[0-9]+(?:_[0-9]+)*$/.test(text)) {
    return Result.fail({
      type: "int_parsing",
      msg: "Input should be a valid integer, unable to parse string as an integer"
    })
  }
  const digits = text.replaceAll("_", "").replace(/^([+-]?)0+(?=[0-9])/, "$1")
  return digits.length > maxDigits ? Result.fail(tooLarge) : Result.succeed(Number(digits))
}

/** Reads an integer as Pydantic's lax mode does, which the published contract requires. `true` is 1 and `false` is 0. */
export const readInteger: Read<number> = (input) => {
  switch (typeof input) {
    case "number":
      if (!Number.isFinite(input)) return Result.fail(Fault.notFinite)
      if (!Number.isInteger(input)) {
        return Result.fail({
          type: "int_from_float",
          msg: "Input should be a valid integer, got a number with a fractional part"
        })
      }
      return input > -(2 ** 63) && input < 2 ** 63 ? Result.succeed(input) : Result.fail(tooLarge)
    case "string":
      return integerOf(input)
    case "boolean":
      return Result.succeed(input ? 1 : 0)
    default:
      return Result.fail(notAnInteger)
  }
}

/** An integer that may be absent or null. */
export const OptionalInteger = ({ title }: { readonly title: string }) =>
  Schema.optionalKey(
    custom<number | null>({ anyOf: [{ type: "integer" }, { type: "null" }], title }, (input) =>
      input === null ? Result.succeed(null) : readInteger(input)
    )
  )

/** The JSON of `body` with the media type `text/plain`, which beacons use to avoid a CORS preflight. */
export const asBeacon = <S extends Schema.Top>(body: S): S["Rebuild"] =>
  body.pipe(HttpApiSchema.asJson({ contentType: "text/plain" }))
