/**
 * Every response of the owner API that is not a success, as a tagged error with the response's headers.
 *
 * @module
 */
import { Schema } from "effect"
import { type ApiError, commonWith, error, HTTPValidationError, refusal } from "../Errors.ts"
import * as Headers from "../Headers.ts"

const challenge = {
  "www-authenticate": Schema.optionalKey(Schema.String.annotate({ description: "The scheme to authenticate with" }))
}

/** The errors of requests that do not reach a handler, and of failures. */
export const common = commonWith({})

export const ValidationFailed = error("ValidationFailed", HTTPValidationError, {})
export const Unauthorized = refusal(401, "Unauthorized", "The request has no valid key", challenge)
export const NotFound = refusal(404, "NotFound", "The key does not reach this, or it does not exist", {})
export const UnsupportedMediaType = refusal(415, "UnsupportedMediaType", "The body is not JSON", {})
export const TooManyRequests = refusal(
  429,
  "TooManyRequests",
  "Over the rate limit, or over the bound of searches and exports at once; see Retry-After",
  {
    ...Headers.rateLimit,
    ...Headers.retryAfter
  }
)
export const ServiceUnavailable = refusal(
  503,
  "ServiceUnavailable",
  "The service cannot answer now; see Retry-After",
  Headers.retryAfter
)
export const GatewayTimeout = refusal(504, "GatewayTimeout", "The report takes longer than is allowed", {})

/** An error without headers. `detail` is one or two sentences with the next step for the reader. */
export const make = <const Tag extends string>(tag: Tag, detail: string): ApiError<Tag, string, object> => ({
  _tag: tag,
  detail,
  headers: {}
})
