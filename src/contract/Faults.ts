/**
 * Turns what a schema says of a value into the contract's list of faults. Pure.
 *
 * @module
 */
import { Option, Result, Schema, type SchemaIssue } from "effect"
import type { ValidationError } from "./Errors.ts"
import { type Fault, faultOf, isJsonObject, type Member, memberOf } from "./Wire.ts"

/** A place in a request: `body`, `path`, `query` or `header`, then the way to the field. */
export type Location = ReadonlyArray<string | number>

const at = (loc: Location, fault: Fault): ValidationError => ({ loc, msg: fault.msg, type: fault.type })

const missing: Fault = { type: "missing", msg: "Field required" }
const notAnObject: Fault = {
  type: "model_attributes_type",
  msg: "Input should be a valid dictionary or object to extract fields from"
}

const key = (segment: PropertyKey): string | number => (typeof segment === "number" ? segment : String(segment))

/** Every fault that an issue holds, each with its place beneath `loc`. */
export const fromIssue = (issue: SchemaIssue.Issue, loc: Location): ReadonlyArray<ValidationError> => {
  switch (issue._tag) {
    case "Pointer":
      return fromIssue(issue.issue, [...loc, ...issue.path.map(key)])
    case "Composite":
    case "AnyOf":
      return issue.issues.flatMap((child) => fromIssue(child, loc))
    case "Encoding":
    case "Filter":
      return fromIssue(issue.issue, loc)
    case "MissingKey":
      return [at(loc, missing)]
    default:
      return [
        at(
          loc,
          Option.getOrElse(faultOf(issue), () => ({ type: "value_error", msg: "Value error, not a valid value" }))
        )
      ]
  }
}

type Reader<A> = (body: unknown) => Result.Result<A, ReadonlyArray<ValidationError>>

const anObject =
  <A>(read: (body: Record<string, unknown>) => Result.Result<A, ReadonlyArray<ValidationError>>): Reader<A> =>
  (body) =>
    isJsonObject(body)
      ? read(body)
      : Result.fail([at(["body"], body === undefined || body === null ? missing : notAnObject)])

/**
 * Makes a function that reads a body as a schema says: the value, or every fault in it. The fast decode runs first and
 * stops at the first fault; only when it has failed is the body read again for the rest.
 */
export const schemaReader = <A>(schema: Schema.Codec<A, unknown>): Reader<A> => {
  const decode = Schema.decodeUnknownResult(schema)
  const decodeAll = Schema.decodeUnknownResult(schema, { errors: "all" })
  return anObject((body) => {
    const decoded = decode(body)
    if (Result.isSuccess(decoded)) return Result.succeed(decoded.success)
    return Result.mapError(decodeAll(body), (error) => fromIssue(error.issue, ["body"]))
  })
}

/** The members of a struct of which each is a field of `contract/Wire`; none if one of them is something else. */
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
 * The same function as `schemaReader`'s, of one pass and without the schema's interpreter where the schema is a struct of
 * this contract's fields: each field is a function already.
 */
export const bodyReader = <A>(schema: Schema.Codec<A, unknown>): Reader<A> => {
  const members = membersOf(schema)
  if (members === undefined) return schemaReader(schema)
  return anObject((body) => {
    const value: Record<string, unknown> = {}
    const faults: Array<ValidationError> = []
    for (const [name, { optional, read }] of members) {
      const given = body[name]
      if (given === undefined && !Object.hasOwn(body, name)) {
        if (!optional) faults.push(at(["body", name], missing))
        continue
      }
      const result = read(given)
      if (Result.isSuccess(result)) value[name] = result.success
      else faults.push(at(["body", name], result.failure))
    }
    return faults.length === 0 ? Result.succeed(value as A) : Result.fail(faults)
  })
}
