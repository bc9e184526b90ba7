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

/** The errors for requests that do not reach a handler, for bodies that cannot be read, and for failures. */
export const common = commonWith({})

export const ValidationFailed = error("ValidationFailed", HTTPValidationError, {})
export const Unauthorized = refusal(401, "Unauthorized", "The request has no valid key, session or secret", challenge)
export const NotFound = refusal(
  404,
  "NotFound",
  "What the request names does not exist, or the caller has no access to it",
  {}
)
export const Conflict = refusal(409, "Conflict", "The resource's current state does not allow the operation", {})
export const UnsupportedMediaType = refusal(415, "UnsupportedMediaType", "The body is not JSON", {})
export const TooManyRequests = refusal(
  429,
  "TooManyRequests",
  "Over the rate limit, or over another limit of the operation; see Retry-After",
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
