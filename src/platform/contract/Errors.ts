/**
 * The error responses of the public API, as tagged errors with the response's headers, and the functions that make them for
 * both APIs; also as pages, for browsers that send a form without a script.
 *
 * @module
 */

import { Predicate, Schema, SchemaGetter } from "effect"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as Headers from "./Headers.ts"

/** One error of a request. In a response, the error may also have a member `ctx`. */
export const ValidationError = Schema.Struct({
  loc: Schema.Array(Schema.Union([Schema.String, Schema.Int])).annotate({ title: "Location" }),
  msg: Schema.String.annotate({ title: "Message" }),
  type: Schema.String.annotate({ title: "Error Type" })
}).annotate({ identifier: "ValidationError" })

export type ValidationError = typeof ValidationError.Type

/** The body of a 422: the errors of the request. */
export const HTTPValidationError = Schema.Struct({
  detail: Schema.Array(ValidationError).annotate({ title: "Detail" })
})
  .annotate({ identifier: "HTTPValidationError", description: "Validation Error" })
  .pipe(HttpApiSchema.status(422))

export type HTTPValidationError = typeof HTTPValidationError.Type

/** An error as a client reads it; its `headers` are those of the response. */
export interface ApiError<Tag extends string, Detail, Headers> {
  readonly _tag: Tag
  readonly detail: Detail
  readonly headers: Headers
}

/** A failure of services that is sent as an error of the API. */
export interface Failing<Failure, Detail, Headers> {
  readonly is: (input: unknown) => input is Failure
  readonly answer: (failure: Failure) => { readonly detail: Detail; readonly headers: Headers }
}

/**
 * A schema of an error whose body is `{ detail }`, tagged with its name. A handler may also fail with what is `failing`, which is sent
 * as this error.
 */
export const error = <const Tag extends string, Detail, Fields extends Schema.Struct.Fields, Failure = never>(
  tag: Tag,
  body: Schema.Codec<{ readonly detail: Detail }>,
  headers: Fields,
  failing?: Failing<Failure, Detail, Schema.Struct<Fields>["Type"]>
) => {
  type Own = ApiError<Tag, Detail, Schema.Struct<Fields>["Type"]>
  type Sent = Own | Failure
  type Pair = Schema.Struct.Type<{ readonly body: typeof body; readonly headers: Schema.Struct<Fields> }>
  const isSent = (input: unknown): input is Sent => Predicate.isTagged(input, tag) || failing?.is(input) === true
  return Schema.declare(isSent).pipe(
    HttpApiSchema.encodeToWithHeaders(
      { body, headers },
      {
        decode: ({ body, headers }: Pair): Sent => ({ _tag: tag, detail: body.detail, headers }),
        encode: (sent) => {
          const { detail, headers } = failing?.is(sent) === true ? failing.answer(sent) : (sent as Own)
          return { body: { detail }, headers }
        }
      }
    )
  )
}

/** The body of an error: a sentence with the next step for the reader. */
const sentence = (status: number, tag: string, description: string) =>
  Schema.Struct({ detail: Schema.String.annotate({ title: "Detail" }) })
    .annotate({ identifier: tag, title: tag, description })
    .pipe(HttpApiSchema.status(status))

/** An error whose body holds a sentence with the next step for the reader. */
export const refusal = <const Tag extends string, Fields extends Schema.Struct.Fields, Failure = never>(
  status: number,
  tag: Tag,
  description: string,
  headers: Fields,
  failing?: Failing<Failure, string, Schema.Struct<Fields>["Type"]>
) => error(tag, sentence(status, tag, description), headers, failing)

const limitAndDecision = { ...Headers.rateLimit, ...Headers.decision }

export const ValidationFailed = error("ValidationFailed", HTTPValidationError, limitAndDecision)

export const Unauthorized = refusal(
  401,
  "Unauthorized",
  "The widget token is missing or not valid for this instance",
  Headers.rateLimit
)
export const Forbidden = refusal(403, "Forbidden", "A browser on an origin that is not allowed", limitAndDecision)
export const NotFound = refusal(404, "NotFound", "No such website, conversation or answer", limitAndDecision)
const tooMany = sentence(429, "TooManyRequests", "Over the rate limit; see Retry-After")
const tooManyHeaders = { ...limitAndDecision, ...Headers.retryAfter }
export const TooManyRequests = error("TooManyRequests", tooMany, tooManyHeaders)

const unavailable = sentence(
  503,
  "ServiceUnavailable",
  "The service cannot answer now, and may not have stored the data; see Retry-After"
)
const unavailableHeaders = { ...limitAndDecision, ...Headers.retryAfter }
export const ServiceUnavailable = error("ServiceUnavailable", unavailable, unavailableHeaders)

const unanswered = { ...Headers.rateLimit, ...Headers.conversation }

/** The errors of a message to an agent that may have begun a conversation. */
export const ofChat = [
  error("TooManyRequests", tooMany, { ...tooManyHeaders, ...Headers.conversation }),
  refusal(502, "BadGateway", "The agent refused or could not be reached", unanswered),
  error("ServiceUnavailable", unavailable, { ...unavailableHeaders, ...Headers.conversation }),
  refusal(504, "GatewayTimeout", "The agent did not answer in time", unanswered)
] as const

const unreadableWith = <Fields extends Schema.Struct.Fields>(headers: Fields) =>
  [
    refusal(400, "BadRequest", "The request is not valid HTTP, or its body did not arrive whole", headers),
    refusal(413, "PayloadTooLarge", "The body is too large", headers)
  ] as const

const unhandledWith = <Fields extends Schema.Struct.Fields>(headers: Fields) =>
  [
    refusal(405, "MethodNotAllowed", "The path has other methods; see Allow", { ...Headers.allow, ...headers }),
    refusal(408, "RequestTimeout", "The request did not arrive in time", headers),
    refusal(417, "ExpectationFailed", "The Expect header has a value other than 100-continue", headers),
    refusal(431, "RequestHeaderFieldsTooLarge", "The head of the request is too large", headers),
    refusal(500, "InternalServerError", "The service failed; X-Error-Id names the failure in its log", Headers.errorId)
  ] as const

/**
 * The errors of all endpoints: for requests that do not reach the endpoint, for a body that cannot be read, and for failures.
 * `headers` are the headers of the first two kinds.
 */
export const commonWith = <Fields extends Schema.Struct.Fields>(headers: Fields) =>
  [...unreadableWith(headers), ...unhandledWith(headers)] as const

/** The errors of the public API for requests that do not reach the endpoint, and for failures. */
export const unhandled = unhandledWith(Headers.decision)

/** The errors of `unhandled`, and those for a body that cannot be read. */
export const common = commonWith(Headers.decision)

/**
 * Declares that an endpoint responds to an invalid request with a 422 that lists its errors. `platform/http/Validation.ts` implements
 * this.
 */
export class Validation extends HttpApiMiddleware.Service<Validation>()("hydracore/platform/contract/Validation", {
  error: ValidationFailed
}) {}

export const HtmlPage = Schema.String.annotate({ title: "Page" }).pipe(
  Schema.decodeTo(Schema.TaggedStruct("Page", { html: Schema.String }), {
    decode: SchemaGetter.transform((html: string) => ({ _tag: "Page" as const, html })),
    encode: SchemaGetter.transform(({ html }) => html)
  }),
  HttpApiSchema.asText({ contentType: "text/html" })
)

export const errorPage = (status: number) => HtmlPage.pipe(HttpApiSchema.status(status))
