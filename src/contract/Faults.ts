/**
 * Turns what a schema says of a value into the contract's list of faults. Pure.
 *
 * @module
 */
import { Option, Result, Schema, type SchemaIssue } from "effect"
import type { ValidationError } from "./Errors.ts"
import { type Fault, faultOf, isJsonObject } from "./Wire.ts"

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

/**
 * Compiles a schema into a function that reads a body: the value, or every fault in it. The fast decode runs first and
 * stops at the first fault; only when it has failed is the body read again for the rest.
 */
export const bodyReader = <A>(schema: Schema.Codec<A, unknown>) => {
  const decode = Schema.decodeUnknownResult(schema)
  const decodeAll = Schema.decodeUnknownResult(schema, { errors: "all" })
  return (body: unknown): Result.Result<A, ReadonlyArray<ValidationError>> => {
    if (!isJsonObject(body)) {
      return Result.fail([at(["body"], body === undefined || body === null ? missing : notAnObject)])
    }
    const decoded = decode(body)
    if (Result.isSuccess(decoded)) return Result.succeed(decoded.success)
    return Result.mapError(decodeAll(body), (error) => fromIssue(error.issue, ["body"]))
  }
}
