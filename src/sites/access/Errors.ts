/**
 * Every response of the owner API that is not a success, as a tagged error with the response's headers.
 *
 * @module
 */
import { Predicate, Schema } from "effect"
import {
  type ApiError,
  commonWith,
  error,
  HTTPValidationError,
  refusal,
  type ValidationError
} from "../../platform/contract/Errors.ts"
import * as Headers from "../../platform/contract/Headers.ts"
import type { LimitReached, ReportTimeout, ReportTooLarge, StorageUnavailable } from "../../platform/Storage.ts"
import * as Maximums from "../Maximums.ts"
import type * as Access from "./Access.ts"

const challenge = {
  "www-authenticate": Schema.optionalKey(Schema.String.annotate({ description: "The scheme to authenticate with" }))
}

/** The errors for requests that do not reach a handler, for bodies that cannot be read, and for failures. */
export const common = commonWith({})

/** By tag, so that browsers need not load the services. */
const isLimitReached = (input: unknown): input is LimitReached => Predicate.isTagged(input, "LimitReached")
const isReportTimeout = (input: unknown): input is ReportTimeout => Predicate.isTagged(input, "ReportTimeout")
const isReportTooLarge = (input: unknown): input is ReportTooLarge => Predicate.isTagged(input, "ReportTooLarge")
export const isStorageUnavailable = (input: unknown): input is StorageUnavailable =>
  Predicate.isTagged(input, "StorageUnavailable")

export type ValidationFailed = ApiError<"ValidationFailed", ReadonlyArray<ValidationError>, object>

/** A fault of the body. `expected` follows "Value error, ". */
const fault = (loc: ReadonlyArray<string>, expected: string): ValidationError => ({
  loc,
  msg: `Value error, ${expected}`,
  type: "value_error"
})

const faultOf = (refused: LimitReached | ReportTooLarge): ValidationError =>
  refused._tag === "LimitReached"
    ? fault(["body"], Maximums.message(refused.maximum))
    : fault(
        ["body", "dimensions"],
        `the report needs more than ${refused.limit}; choose fewer days or dimensions, or add filters`
      )

const refusedOf = (refused: LimitReached | ReportTooLarge): ValidationFailed => ({
  _tag: "ValidationFailed",
  detail: [faultOf(refused)],
  headers: {}
})

/** The request is invalid, would create more than a maximum allows, or asks for a report that is too large. */
export const ValidationFailed = error(
  "ValidationFailed",
  HTTPValidationError,
  {},
  {
    is: (input) => isLimitReached(input) || isReportTooLarge(input),
    answer: (refused: LimitReached | ReportTooLarge) => refusedOf(refused)
  }
)

export const Unauthorized = refusal(401, "Unauthorized", "The request has no valid key, session or secret", challenge)
export const Forbidden = refusal(403, "Forbidden", "The shared dashboard has a password, which was not given yet", {})
export const NotFound = refusal(
  404,
  "NotFound",
  "What the request names does not exist, or the caller has no access to it",
  {}
)
export const Conflict = refusal(409, "Conflict", "The resource's current state does not allow the operation", {})
export const PreconditionFailed = refusal(
  412,
  "PreconditionFailed",
  "The resource does not exist, or exists already; see If-Match and If-None-Match",
  {}
)
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

export type TooManyRequests = (typeof TooManyRequests)["Type"]

/** A 429 with the milliseconds after which the request may be sent again. */
export const tooMany = (detail: string, waitMillis: number): TooManyRequests => ({
  _tag: "TooManyRequests",
  detail,
  headers: { "retry-after": Math.max(1, Math.ceil(waitMillis / 1000)) }
})

export type ServiceUnavailable = ApiError<"ServiceUnavailable", string, { readonly "retry-after"?: number }>

/** The store is unavailable. */
export const unavailable: ServiceUnavailable = {
  _tag: "ServiceUnavailable",
  detail: "The service cannot reach its database now. Send the request again after Retry-After seconds.",
  headers: { "retry-after": 5 }
}

/** The service cannot answer now, mostly because its store does not. */
export const ServiceUnavailable = refusal(
  503,
  "ServiceUnavailable",
  "The service cannot answer now; see Retry-After",
  Headers.retryAfter,
  {
    is: isStorageUnavailable,
    answer: () => unavailable
  }
)
const timeoutOf = ({ limit }: ReportTimeout): ApiError<"GatewayTimeout", string, object> => ({
  _tag: "GatewayTimeout",
  detail: `The report takes longer than the limit of ${limit}. Choose fewer days, or remove filters.`,
  headers: {}
})

export const GatewayTimeout = refusal(
  504,
  "GatewayTimeout",
  "The report takes longer than is allowed",
  {},
  {
    is: isReportTimeout,
    answer: (late) => timeoutOf(late)
  }
)

/** A failure of services as a client gets it from the API; any other error as it is. */
export const sent = <E extends { readonly _tag: string }>(error: E) =>
  isLimitReached(error) || isReportTooLarge(error)
    ? refusedOf(error)
    : isReportTimeout(error)
      ? timeoutOf(error)
      : error

/** An error without headers. `detail` is one or two sentences with the next step for the reader. */
export const make = <const Tag extends string>(tag: Tag, detail: string): ApiError<Tag, string, object> => ({
  _tag: tag,
  detail,
  headers: {}
})

/** The caller may not use an endpoint whose path names no website. */
export const withoutScope = (scope: Access.Scope) =>
  make("NotFound", `The scope of this request does not include this operation, which needs the scope ${scope}.`)

/** A 422 about a member of the body, or about the whole body for null. `expected` follows "Value error, ". */
export const invalid = (member: string | null, expected: string): ValidationFailed => ({
  _tag: "ValidationFailed",
  detail: [fault(member === null ? ["body"] : ["body", member], expected)],
  headers: {}
})

/** The response for a key or a session that does not exist, or that the caller may not manage. */
export const unmanaged = make(
  "NotFound",
  "There is no such key or session, or its access exceeds that of this request."
)

/** The response of what needs a mail server, while there is none. */
export const noMail = invalid(
  null,
  "this service sends no mail until its operator sets SMTP_URL, MAIL_FROM, PUBLIC_URL and SECRETS_KEY"
)

/** The response for a website that does not exist, or that the caller does not reach. */
export const unknownSite = make(
  "NotFound",
  "Your access includes no website with this site_id, or its scope does not allow this request. GET /v1/owner/sites lists the websites."
)

/** The response of what only the console needs, while it is off. */
export const noConsole = make("NotFound", "There is no console at this address. CONSOLE=on turns it on.")
