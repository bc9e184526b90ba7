/**
 * The error responses. The `detail` of each JSON body is a text, or for a 422 a list of `ValidationError`s.
 *
 * @module
 */

import { randomUUID } from "node:crypto"
import { Cause, Effect, Option, Schema } from "effect"
import { HttpServerResponse } from "effect/http"
import { HTTPValidationError, type ValidationError } from "../contract/Errors.ts"

type Headers = Readonly<Record<string, string>>

const json = (status: number, body: unknown, headers?: Headers): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.text(JSON.stringify(body), {
    status,
    contentType: "application/json",
    ...(headers === undefined ? {} : { headers })
  })

/** An error response. `detail` is one or two sentences with the next step for the reader. */
export const refusal = (status: number, detail: string, headers?: Headers): HttpServerResponse.HttpServerResponse =>
  json(status, { detail }, headers)

/** The response to an unknown path. */
export const unknownPath = refusal(404, "There is nothing at this address. /docs lists the endpoints.")

/** The maximum length of each part of an error's `loc`; a `msg` may be twice as long. In UTF-16 code units. */
const maxEcho = 200

/** Shortens the texts of an error, which may repeat parts of the request. */
export const bounded = (error: ValidationError): ValidationError => ({
  ...error,
  loc: error.loc.map((part) => (typeof part === "string" && part.length > maxEcho ? part.slice(0, maxEcho) : part)),
  msg: error.msg.length > 2 * maxEcho ? error.msg.slice(0, 2 * maxEcho) : error.msg
})

/** 422 with a list of faults. */
export const invalid = (
  errors: ReadonlyArray<ValidationError>,
  headers?: Headers
): HttpServerResponse.HttpServerResponse => json(422, { detail: errors.map(bounded) }, headers)

/** 404: no published website has the id. */
export const unknownSite = (headers?: Headers): HttpServerResponse.HttpServerResponse =>
  refusal(404, "No published website has this site_id. Copy the id again from the website's settings.", headers)

/** 404: the instance has no such conversation, or does not store conversations. */
export const unknownConversation = (headers?: Headers): HttpServerResponse.HttpServerResponse =>
  refusal(404, "This instance keeps no conversation with this id. Begin one with a message to /chat.", headers)

/** 404: the conversation has no such answer. */
export const unknownAnswer = (headers?: Headers): HttpServerResponse.HttpServerResponse =>
  refusal(404, "This conversation has no answer with this message_id. Send the id of an assistant's message.", headers)

/** 401, the same for every cause. */
export const unauthorized = (headers?: Headers): HttpServerResponse.HttpServerResponse =>
  refusal(401, "The X-Widget-Token header holds no valid token for this instance. Issue a new token for it.", headers)

/** 403: the request comes from a page whose origin the owner did not allow. */
export const foreignOrigin = (
  what: "website" | "assistant",
  headers?: Headers
): HttpServerResponse.HttpServerResponse =>
  refusal(
    403,
    what === "website"
      ? "This website may not be used from this page's origin. Its owner can name the origin with `hydracore site update`."
      : "This assistant may not be used from this page's origin. Its owner can name the origin with `hydracore instance update`.",
    headers
  )

/** 413. */
export const tooLarge = (maxBytes: number): HttpServerResponse.HttpServerResponse =>
  refusal(413, `The body is larger than ${maxBytes} bytes. Send a smaller one.`)

/** 413; closes the connection, because the body is not read to its end. */
export const fragmentedBody: HttpServerResponse.HttpServerResponse = refusal(
  413,
  "The body comes in too many small pieces. Send it in chunks of 128 bytes or more.",
  { connection: "close" }
)

/** 429; `headers` include `Retry-After`. */
export const overLimit = (headers: Headers): HttpServerResponse.HttpServerResponse =>
  refusal(429, "Too many requests from this address. Wait as many seconds as Retry-After says.", headers)

/** 429: the maximum number of chat streams is open. */
export const tooManyStreams = (name: "address" | "instance", headers: Headers): HttpServerResponse.HttpServerResponse =>
  refusal(
    429,
    name === "address"
      ? "Too many answers are being streamed to this address. Wait until one ends, or as many seconds as Retry-After says."
      : "The assistant is answering as many people as it can. Wait as many seconds as Retry-After says.",
    { ...headers, "retry-after": "5" }
  )

/** 503: whether the data is stored is unknown, and the client may send it again. */
export const unavailable = (headers?: Headers): HttpServerResponse.HttpServerResponse =>
  refusal(503, "The service cannot confirm now that this is stored. Send it again after Retry-After seconds.", {
    ...headers,
    "retry-after": "5"
  })

/** 503: the database cannot be used, so the request is not answered. */
export const withoutDatabase = (headers?: Headers): HttpServerResponse.HttpServerResponse =>
  refusal(503, "The service cannot use its database now. Please try again in a few seconds.", {
    ...headers,
    "retry-after": "5"
  })

/** 429: the address's share for incomplete bodies is used up; closes the connection without reading the rest of the body. */
export const addressOverloaded: HttpServerResponse.HttpServerResponse = refusal(
  429,
  "Too much is being sent from this address at once. Send it again after Retry-After seconds.",
  { "retry-after": "5", connection: "close" }
)

/**
 * 503: the memory for incomplete bodies, or for waiting requests, is used up; closes the connection without reading the rest
 * of an incomplete body.
 */
export const overloaded: HttpServerResponse.HttpServerResponse = refusal(
  503,
  "The service is receiving as much data as it can hold. Send it again after Retry-After seconds.",
  { "retry-after": "5", connection: "close" }
)

/** 422: the store refuses the record permanently. */
export const notStorable = (headers?: Headers): HttpServerResponse.HttpServerResponse =>
  invalid([{ loc: ["body"], msg: "Value error, this cannot be stored as it is", type: "value_error" }], headers)

/** Answers a defect with 500 and logs it. If the cause is only an interruption, fails with the cause. */
export const ofDefect = (cause: Cause.Cause<unknown>): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
  // The client has disconnected, or the server is closing.
  if (Cause.hasInterruptsOnly(cause)) {
    return Effect.failCause(Cause.fromReasons(cause.reasons.filter(Cause.isInterruptReason)))
  }
  const id = randomUUID()
  return Effect.as(
    Effect.annotateLogs(Effect.logError("A request failed with a defect; it got a 500", cause), { "error.id": id }),
    refusal(500, "Internal Server Error", { "x-error-id": id })
  )
}

const Refusal = Schema.Struct({ detail: Schema.String })

const decode = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Union([Refusal, HTTPValidationError])))

/** Pydantic's prefix of the messages that an application writes. */
const prefix = "Value error, "

/** The sentence of a fault, for clients that show the body of an error as it is. */
export const sentenceOfFault = ({ msg }: Pick<ValidationError, "msg">): string => {
  const text = msg.startsWith(prefix) ? msg.slice(prefix.length) : msg
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`
}

type Response = HttpServerResponse.HttpServerResponse

/** The `detail` of a response of `ErrorResponses`: a sentence, or the faults of a 422. Empty for any other response. */
export const detailOf = ({ body }: Response): string | ReadonlyArray<ValidationError> =>
  body._tag === "Uint8Array"
    ? Option.match(decode(Buffer.from(body.body).toString()), { onNone: () => "", onSome: ({ detail }) => detail })
    : ""

/** The sentence of a response of `ErrorResponses`; for a 422, the sentence of its first fault. Empty for any other response. */
export const sentenceOf = (response: Response): string => {
  const detail = detailOf(response)
  return typeof detail === "string" ? detail : sentenceOfFault(detail[0] ?? { msg: "" })
}

/** Replaces the body, its headers and, if `options` has one, the status. All other headers stay. */
export const withBody = (
  { headers, status }: Response,
  body: string,
  options: { readonly contentType: string; readonly status?: number }
): Response => {
  const { "content-length": _, "content-type": __, ...others } = headers
  return HttpServerResponse.text(body, { status, headers: others, ...options })
}

/** The response with its sentence as a `text/plain` body. All other headers stay. */
export const asText = (response: Response): Response =>
  withBody(response, sentenceOf(response), { contentType: "text/plain" })
