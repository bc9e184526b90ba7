/**
 * Decodes the bodies of requests and reports every error. Pure.
 *
 * @module
 */
import { Predicate, Result, Schema } from "effect"
import type { ValidationError } from "./Errors.ts"
import { allAt, at, fromIssue, missing } from "./ValidationErrors.ts"
import { type FieldError, type Member, memberOf } from "./Wire.ts"

type BodyReader<A> = (body: unknown) => Result.Result<A, ReadonlyArray<ValidationError>>

const notAnObject: FieldError = {
  type: "model_attributes_type",
  msg: "Input should be a valid dictionary or object to extract fields from"
}

const anObject =
  <A>(read: (body: Record<string, unknown>) => Result.Result<A, ReadonlyArray<ValidationError>>): BodyReader<A> =>
  (body) =>
    Predicate.isObject(body)
      ? read(body)
      : Result.fail([at(["body"], body === undefined || body === null ? missing : notAnObject)])

/**
 * A reader for any schema. It decodes a body up to the first error, which is faster. If there is one, it decodes the body again
 * to collect all errors.
 */
export const interpreted = <A>(schema: Schema.Codec<A, unknown>): BodyReader<A> => {
  const decode = Schema.decodeUnknownResult(schema)
  const decodeAll = Schema.decodeUnknownResult(schema, { errors: "all" })
  return anObject((body) => {
    const decoded = decode(body)
    if (Result.isSuccess(decoded)) return Result.succeed(decoded.success)
    return Result.mapError(decodeAll(body), (error) => fromIssue(error.issue, ["body"]))
  })
}

/** The members of a struct whose fields are all made by `contract/Wire`; undefined for any other schema. */
const membersOf = (schema: object): ReadonlyArray<readonly [name: string, member: Member]> | undefined => {
  if (!("fields" in schema)) return undefined
  const members: Array<readonly [string, Member]> = []
  for (const [name, field] of Object.entries(schema.fields as Record<string, object>)) {
    const member = memberOf(field)
    if (member === undefined) return undefined
    members.push([name, member])
  }
  return members
}

/**
 * A reader with the same results as `interpreted`. For a struct whose fields are made by `contract/Wire`, it calls their
 * functions in one pass, without the schema interpreter.
 */
export const make = <A>(schema: Schema.Codec<A, unknown>): BodyReader<A> => {
  const members = membersOf(schema)
  if (members === undefined) return interpreted(schema)
  return anObject((body) => {
    const value: Record<string, unknown> = {}
    const errors: Array<ValidationError> = []
    for (const [name, { optional, read }] of members) {
      const input = body[name]
      if (input === undefined && !Object.hasOwn(body, name)) {
        if (!optional) errors.push(at(["body", name], missing))
        continue
      }
      const result = read(input)
      if (Result.isSuccess(result)) value[name] = result.success
      else errors.push(...allAt(["body", name], result.failure))
    }
    return errors.length === 0 ? Result.succeed(value as A) : Result.fail(errors)
  })
}
