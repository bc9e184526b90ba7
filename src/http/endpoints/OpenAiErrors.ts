/**
 * Error responses in the form of OpenAI's API, so that its clients throw their typed errors.
 *
 * @module
 */
import { HttpServerResponse } from "effect/http"
import type { OpenAiError } from "../../contract/chat/OpenAi.ts"
import type { ValidationError } from "../../contract/Errors.ts"
import * as ErrorSentence from "../request/ErrorSentence.ts"

type Response = HttpServerResponse.HttpServerResponse

/** The `type` and `code` of an error, by status. */
const kinds: Readonly<Record<number, readonly [type: string, code: string | null]>> = {
  400: ["invalid_request_error", null],
  401: ["invalid_request_error", "invalid_api_key"],
  403: ["invalid_request_error", "origin_not_allowed"],
  413: ["invalid_request_error", "request_too_large"],
  429: ["rate_limit_error", "rate_limit_exceeded"]
}

const invalidKey = "The API key is not a valid widget token of this instance. Issue a new token for it."

/** The path of the first invalid member of the body; null if there is none. */
const paramOf = (response: Response): string | null => {
  const detail = ErrorSentence.detailOf(response)
  const fault: ValidationError | undefined = typeof detail === "string" ? undefined : detail[0]
  return fault === undefined || fault.type === "json_invalid" || fault.loc.length < 2
    ? null
    : fault.loc.slice(1).join(".")
}

/** In seconds. OpenAI's clients ignore a longer `Retry-After` and would send the request again within seconds. */
const maxRetryAfter = 59

/** A response of `ErrorResponses` in OpenAI's form. A 422 becomes a 400. */
export const from = (response: Response): Response => {
  const status = response.status === 422 ? 400 : response.status
  const message = status === 401 ? invalidKey : ErrorSentence.of(response)
  const [type, code] = kinds[status] ?? ["server_error", null]
  const body: OpenAiError = { error: { message, type, code, param: paramOf(response) } }
  const converted = ErrorSentence.withBody(response, JSON.stringify(body), { contentType: "application/json", status })
  return Number(response.headers["retry-after"]) > maxRetryAfter ? withoutRetry(converted) : converted
}

/** The response with a header that keeps OpenAI's clients from sending the request again by themselves. */
export const withoutRetry = (response: Response): Response =>
  HttpServerResponse.setHeader(response, "x-should-retry", "false")
