/**
 * Answers an invalid request to the owner API with a 422 that lists its faults.
 *
 * @module
 */
import { Effect, type Layer } from "effect"
import type { HttpServerResponse } from "effect/http"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import type { ValidationError } from "../../contract/Errors.ts"
import type { ValidationFailed } from "../../contract/owner/Errors.ts"
import { Validation } from "../../contract/owner/Validation.ts"
import * as Fault from "../../platform/api/Fault.ts"
import * as ErrorResponses from "../request/ErrorResponses.ts"

/** A 422. The texts that its errors repeat from the request are shortened. */
export const failed = (faults: ReadonlyArray<ValidationError>): (typeof ValidationFailed)["Type"] => ({
  _tag: "ValidationFailed",
  detail: faults.map(ErrorResponses.bounded),
  headers: {}
})

/** Replaces the plain text of the 415 with which `HttpApiBuilder` answers a body whose content type is not JSON. */
export const withJsonErrors = (response: HttpServerResponse.HttpServerResponse) =>
  response.status === 415
    ? ErrorResponses.refusal(415, "The body must be JSON. Send it with Content-Type: application/json.")
    : response

/** A 422 about the member `expires_at` of the body. */
export const invalidExpiry = (expected: string) =>
  failed([{ loc: ["body", "expires_at"], msg: `Value error, ${expected} is expected`, type: "value_error" }])

const locations = { Params: "path", Headers: "header", Query: "query", Payload: "body" } as const

const notJson: ValidationError = { loc: ["body"], msg: "JSON decode error", type: "json_invalid" }

export const layer: Layer.Layer<Validation> = HttpApiMiddleware.layerSchemaErrorTransform(Validation, (error) => {
  // A response that cannot be encoded is a defect of the service, not a fault of the request.
  if (error.kind === "Body" || error.kind === "ResponseHeaders") return Effect.fail(error)
  const { issue } = error.cause
  // `HttpApiBuilder` reports a body that cannot be parsed as an invalid value without further information.
  const isUnparsed = error.kind === "Payload" && issue._tag === "InvalidValue"
  return Effect.fail(failed(isUnparsed ? [notJson] : Fault.fromIssue(issue, [locations[error.kind]])))
})
