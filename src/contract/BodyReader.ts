/**
 * Decodes the bodies of requests and reports every fault. Pure.
 *
 * @module
 */
import { Result, Schema } from "effect"
import * as Fault from "../platform/api/Fault.ts"
import type { ValidationError } from "./Errors.ts"

/** A reader of bodies. It decodes a body up to the first fault, which is faster, and again to collect all faults. */
export const make = <A>(
  schema: Schema.Codec<A, unknown>
): ((body: unknown) => Result.Result<A, ReadonlyArray<ValidationError>>) => {
  const decode = Schema.decodeUnknownResult(schema)
  const decodeAll = Schema.decodeUnknownResult(schema, Fault.options)
  return (body) => {
    const decoded = decode(body)
    if (Result.isSuccess(decoded)) return Result.succeed(decoded.success)
    return Result.mapError(decodeAll(body), (error) => Fault.fromIssue(error.issue, ["body"]))
  }
}
