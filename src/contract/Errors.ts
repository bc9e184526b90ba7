/**
 * The bodies of every answer that is not a success.
 *
 * @module
 */
import { Schema } from "effect"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"

/** One fault of a request: where it is and what it is. An answer's item may also carry `ctx`. */
export const ValidationError = Schema.Struct({
  loc: Schema.Array(Schema.Union([Schema.String, Schema.Int])).annotate({ title: "Location" }),
  msg: Schema.String.annotate({ title: "Message" }),
  type: Schema.String.annotate({ title: "Error Type" })
}).annotate({ identifier: "ValidationError", title: "ValidationError" })

export type ValidationError = typeof ValidationError.Type

/** 422: a body, a path or a header that does not validate, with every fault. */
export const HTTPValidationError = Schema.Struct({
  detail: Schema.Array(ValidationError).annotate({ title: "Detail" })
})
  .annotate({ identifier: "HTTPValidationError", title: "HTTPValidationError", description: "Validation Error" })
  .pipe(HttpApiSchema.status(422))

export type HTTPValidationError = typeof HTTPValidationError.Type

/** Every other refusal: a sentence that tells the reader what to do next. */
const refusal = (status: number, identifier: string, description: string) =>
  Schema.Struct({ detail: Schema.String.annotate({ title: "Detail" }) })
    .annotate({ identifier, title: identifier, description })
    .pipe(HttpApiSchema.status(status))

export const Unauthorized = refusal(401, "Unauthorized", "The widget token is missing or not valid for this instance")
export const Forbidden = refusal(403, "Forbidden", "A browser on an origin that is not allowed")
export const NotFound = refusal(404, "NotFound", "No such website")
export const PayloadTooLarge = refusal(413, "PayloadTooLarge", "The body is too large")
export const TooManyRequests = refusal(429, "TooManyRequests", "Over the rate limit; see Retry-After")
export const BadGateway = refusal(502, "BadGateway", "The agent refused or could not be reached")
export const ServiceUnavailable = refusal(503, "ServiceUnavailable", "Not known to be stored; see Retry-After")
export const GatewayTimeout = refusal(504, "GatewayTimeout", "The agent did not answer in time")
