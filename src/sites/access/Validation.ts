/**
 * Answers an invalid request to the owner API with a 422 that lists its faults, logs that the store is unavailable, and names the
 * span of each endpoint.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import type { HttpServerResponse } from "effect/http"
import { HttpApiSchemaError } from "effect/http-api/HttpApiError"
import type { unhandled } from "effect/Types"
import type { ValidationError } from "../../platform/contract/Errors.ts"
import * as Fault from "../../platform/contract/Fault.ts"
import * as ErrorResponses from "../../platform/http/ErrorResponses.ts"
import * as ServiceSpans from "../../platform/telemetry/ServiceSpans.ts"
import * as ErrorMapping from "../ErrorMapping.ts"
import { Validation } from "./AuthenticationApi.ts"
import * as Errors from "./Errors.ts"

/** A 422. The texts that its errors repeat from the request are shortened. */
export const failed = (faults: ReadonlyArray<ValidationError>): Errors.ValidationFailed => ({
  _tag: "ValidationFailed",
  detail: faults.map(ErrorResponses.bounded),
  headers: {}
})

/** Replaces the plain text of the 415 with which `HttpApiBuilder` answers a body whose content type is not JSON. */
export const withJsonErrors = (response: HttpServerResponse.HttpServerResponse) =>
  response.status === 415
    ? ErrorResponses.refusal(415, "The body must be JSON. Send it with Content-Type: application/json.")
    : response

const locations = { Params: "path", Headers: "header", Query: "query", Payload: "body" } as const

const notJson: ValidationError = { loc: ["body"], msg: "JSON decode error", type: "json_invalid" }

/** The faults of a request; undefined for a response that cannot be encoded, which is a defect of the service. */
const faultsOf = ({ cause: { issue }, kind }: HttpApiSchemaError): ReadonlyArray<ValidationError> | undefined => {
  if (kind === "Body" || kind === "ResponseHeaders") return undefined
  // `HttpApiBuilder` reports a body that cannot be parsed as an invalid value without further information.
  return kind === "Payload" && issue._tag === "InvalidValue" ? [notJson] : Fault.fromIssue(issue, [locations[kind]])
}

const failedOr = (error: unknown): Effect.Effect<never, Errors.ValidationFailed | unhandled> => {
  const faults = HttpApiSchemaError.is(error) ? faultsOf(error) : undefined
  if (faults !== undefined) return Effect.fail(failed(faults))
  // `Errors.ServiceUnavailable` sends it as a 503.
  const logged = Errors.isStorageUnavailable(error) ? ErrorMapping.logUnavailable(error) : Effect.void
  return Effect.andThen(logged, Effect.fail(error as unhandled))
}

export const layer: Layer.Layer<Validation> = Layer.succeed(Validation, (handler, options) =>
  ServiceSpans.ofEndpoint(Effect.catch(handler, failedOr), options)
)
