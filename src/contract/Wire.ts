/**
 * The field types of the published contract, as schemas: accepted values, OpenAPI descriptions and errors. Pure.
 *
 * A field is a function from the input to a value or an error, and its schema is built around that function. So the types and
 * messages of errors, on which clients rely, are in one place and independent of Effect's formatters.
 *
 * @module
 */
import { Effect, Option, Predicate, Result, Schema, SchemaIssue, SchemaTransformation } from "effect"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import { isCanonicalUuid, parseUuid } from "../core/text/Uuid.ts"
import { parseInteger } from "./Integer.ts"

/** An error of a field: an item of a 422's `detail` without its `loc`. */
export interface FieldError {
  readonly type: string
  readonly msg: string
  /** The errors of the field's members, which replace the error of the field. */
  readonly members?: ReadonlyArray<FieldError & { readonly loc: ReadonlyArray<string> }> | undefined
}

export interface Field<A, E> extends Schema.Codec<A, E> {}

export type ReadField<A> = (input: unknown) => Result.Result<A, FieldError>

/** A member of a body, read without the schema's interpreter. */
export interface Member {
  readonly read: ReadField<unknown>
  readonly optional: boolean
}

const members = new WeakMap<object, Member>()

/** Undefined for a schema of another module. */
export const memberOf = (schema: object): Member | undefined => members.get(schema)

const errorKey = "~hydracore/fieldError"

/** The error of an issue, if a field of this module reported it. */
export const fieldErrorOf = (issue: SchemaIssue.Issue): Option.Option<FieldError> =>
  issue._tag === "InvalidValue"
    ? Option.fromNullishOr(issue.annotations?.[errorKey] as FieldError | undefined)
    : Option.none()

/**
 * A schema around a function. The encoded type `E` and `jsonSchema` describe what clients should send; `read` may accept
 * more.
 */
export const field = <A, E = A>(jsonSchema: Record<string, unknown>, read: ReadField<A>): Field<A, E> => {
  const encoded = Schema.Any.check(
    Schema.makeFilter(() => true, { toJsonSchema: () => jsonSchema })
  ) as unknown as Schema.Codec<E>
  const made = encoded.pipe(
    Schema.decodeTo(
      Schema.Any as Schema.Codec<A>,
      SchemaTransformation.transformEffect<A, E>({
        decode: (input, options) =>
          Result.match(read(input), {
            onFailure: (error) =>
              Effect.fail(new SchemaIssue.InvalidValue({ message: error.msg, [errorKey]: error }, input, options)),
            onSuccess: Effect.succeed
          }),
        encode: (value) => Effect.succeed(value as unknown as E)
      })
    )
  )
  members.set(made, { read, optional: false })
  return made
}

export const fail = (type: string, msg: string): Result.Result<never, FieldError> => Result.fail({ type, msg })

/** Counts only up to `max`. */
export const hasMoreCodePointsThan = (text: string, max: number): boolean => {
  if (text.length <= max) return false
  if (text.length > 2 * max) return true
  let count = 0
  for (const _ of text) if (++count > max) return true
  return false
}

export interface TextOptions {
  /** In Unicode code points. */
  readonly maxLength?: number | undefined
  /** 1 rejects the empty text. */
  readonly minLength?: 1 | undefined
  /** Whether NUL is rejected, because the text is stored unchanged in a column that cannot hold it. */
  readonly refuseNul?: boolean | undefined
}

export const readText =
  (options: TextOptions = {}): ReadField<string> =>
  (input) => {
    if (typeof input !== "string") return fail("string_type", "Input should be a valid string")
    if (!input.isWellFormed()) {
      return fail("string_unicode", "Input should be a valid string, unable to parse raw data as a unicode string")
    }
    if (options.minLength !== undefined && input === "") {
      return fail("string_too_short", "String should have at least 1 character")
    }
    if (options.maxLength !== undefined && hasMoreCodePointsThan(input, options.maxLength)) {
      return fail("string_too_long", `String should have at most ${options.maxLength} characters`)
    }
    if (options.refuseNul === true && input.includes("\0")) {
      return fail("value_error", "Value error, a NUL character cannot be stored; remove it and send again")
    }
    return Result.succeed(input)
  }

const readUuid: ReadField<string> = (input) => {
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

const readInteger: ReadField<number> = (input) =>
  Result.mapError(parseInteger(input), (type) => ({ type, msg: integerMessages[type] }))

const readObject =
  (options: { readonly maxProperties: number }): ReadField<Record<string, unknown>> =>
  (input) => {
    if (!Predicate.isObject(input)) return fail("dict_type", "Input should be a valid dictionary")
    const count = Object.keys(input).length
    if (count > options.maxProperties) {
      return fail(
        "too_long",
        `Dictionary should have at most ${options.maxProperties} items after validation, not ${count}`
      )
    }
    return Result.succeed(input)
  }

const readNullable =
  <A>(read: ReadField<A>): ReadField<A | null> =>
  (input) =>
    input === null ? Result.succeed(null) : read(input)

/** A required text. */
export const Text = (options: TextOptions & { readonly title: string; readonly description?: string }) =>
  field<string>(
    {
      type: "string",
      title: options.title,
      ...(options.minLength === undefined ? {} : { minLength: options.minLength }),
      ...(options.maxLength === undefined ? {} : { maxLength: options.maxLength }),
      ...(options.description === undefined ? {} : { description: options.description })
    },
    readText(options)
  )

/** The id in the examples of the documents. */
export const exampleUuid = "6f1f4c1e-9b0b-4a4e-8d5f-0a6f5d2b7c11"

/** A required UUID in any accepted form, decoded to the canonical one. */
export const Uuid = (options: { readonly title: string; readonly description?: string }) =>
  field<string>({ type: "string", format: "uuid", examples: [exampleUuid], ...options }, readUuid)

/** A required text that is one of `choices`. */
export const Choice = <const A extends string>(choices: ReadonlyArray<A>, options: { readonly title: string }) =>
  field<A>({ type: "string", enum: choices, ...options }, (input) => {
    const chosen = choices.find((choice) => choice === input)
    return chosen === undefined
      ? fail("literal_error", `Input should be ${choices.map((choice) => `'${choice}'`).join(" or ")}`)
      : Result.succeed(chosen)
  })

/** A required object with any values. */
export const JsonObject = (options: { readonly title: string; readonly maxProperties: number }) =>
  field<Record<string, unknown>>(
    { type: "object", additionalProperties: true, maxProperties: options.maxProperties, title: options.title },
    readObject(options)
  )

/** A field that may be absent or null. */
export const optional = <A>(title: string, jsonSchema: Record<string, unknown>, read: ReadField<A>) => {
  const nullable = readNullable(read)
  const made = Schema.optionalKey(field<A | null, A | null>({ anyOf: [jsonSchema, { type: "null" }], title }, nullable))
  members.set(made, { read: nullable, optional: true })
  return made
}

/** A text that may be absent or null. */
export const OptionalText = (options: TextOptions & { readonly title: string }) =>
  optional(options.title, { type: "string" }, readText(options))

/** An integer that may be absent or null, in every form that Pydantic accepts. */
export const OptionalInteger = (options: { readonly title: string }) =>
  optional(options.title, { type: "integer" }, readInteger)

const readBoolean: ReadField<boolean> = (input) =>
  typeof input === "boolean" ? Result.succeed(input) : fail("bool_type", "Input should be a valid boolean")

/** A boolean that may be absent or null. */
export const OptionalBoolean = (options: { readonly title: string; readonly description?: string }) =>
  optional(options.title, { type: "boolean", ...options }, readBoolean)

/** The JSON of `body` with the media type `text/plain`, which beacons use to avoid a CORS preflight. */
export const asBeacon = <S extends Schema.Top>(body: S): S["Rebuild"] =>
  body.pipe(HttpApiSchema.asJson({ contentType: "text/plain" }))
