/**
 * Error responses in the form of OpenAI's API, so that its clients throw their typed errors.
 *
 * @module
 */
import { HttpServerResponse } from "effect/http"
import type { ValidationError } from "../platform/contract/Errors.ts"
import * as ErrorResponses from "../platform/http/ErrorResponses.ts"
import type { SendError } from "./ChatRefusals.ts"
import type { OpenAiError } from "./OpenAiApi.ts"

type Response = HttpServerResponse.HttpServerResponse
type Kind = readonly [type: string, code: string | null]

/** The `type` and `code` of an error, by status. */
const kinds: Readonly<Record<number, Kind>> = {
  400: ["invalid_request_error", null],
  401: ["invalid_request_error", "invalid_api_key"],
  403: ["invalid_request_error", "origin_not_allowed"],
  404: ["invalid_request_error", null],
  405: ["invalid_request_error", "method_not_supported"],
  413: ["invalid_request_error", "request_too_large"],
  429: ["rate_limit_error", "rate_limit_exceeded"]
}

const invalidKey = "The API key is not a valid widget token of this instance. Issue a new token for it."

/** The path of the first invalid member of the body; null if there is none. */
const paramOf = (response: Response): string | null => {
  const detail = ErrorResponses.detailOf(response)
  const fault: ValidationError | undefined = typeof detail === "string" ? undefined : detail[0]
  return fault === undefined || fault.type === "json_invalid" || fault.loc.length < 2
    ? null
    : fault.loc.slice(1).join(".")
}

/** In seconds. OpenAI's clients ignore a longer `Retry-After` and would send the request again within seconds. */
const maxRetryAfter = 59

const withError = (response: Response, status: number, error: OpenAiError["error"]): Response =>
  ErrorResponses.withBody(response, JSON.stringify({ error } satisfies OpenAiError), {
    contentType: "application/json",
    status
  })

/** A response of `ErrorResponses` in OpenAI's form. A 422 becomes a 400. */
export const from = (response: Response): Response => {
  const status = response.status === 422 ? 400 : response.status
  const message = status === 401 ? invalidKey : ErrorResponses.sentenceOf(response)
  const [type, code] = kinds[status] ?? ["server_error", null]
  const converted = withError(response, status, { message, type, code, param: paramOf(response) })
  return Number(response.headers["retry-after"]) > maxRetryAfter ? withoutRetry(converted) : converted
}

/** The response with a header that keeps OpenAI's clients from sending the request again by themselves. */
export const withoutRetry = (response: Response): Response =>
  HttpServerResponse.setHeader(response, "x-should-retry", "false")

/** 404 for the name of a model. */
export const unknownModel = (headers: Readonly<Record<string, string>>): Response =>
  withError(ErrorResponses.refusal(404, "", headers), 404, {
    message: "This instance has no such model. Its only model is `assistant`.",
    type: "invalid_request_error",
    code: "model_not_found",
    param: "model"
  })

/** The statuses with which an agent refuses what a request contains, and would refuse it again. */
const invalidRequests: ReadonlySet<number> = new Set([400, 413, 422])

/** The statuses below 500 that do not depend on the request or on the settings of the instance. */
const temporary: ReadonlySet<number> = new Set([408, 409, 425])

const refusedRequest =
  "The assistant refuses this request, and would refuse it again. Change the request; the log of the service has the reason."

const refusedBySettings =
  "The assistant cannot answer until the settings of its instance are changed. The log of the service has the reason."

/**
 * The response to an error of a question. `response` is the one of `ErrorResponses`. If the agent would refuse the same request
 * again, OpenAI's clients do not send it again: because of its content, it is a 400; because of the instance's settings, it
 * keeps its status.
 */
export const of = (response: Response, error: SendError): Response => {
  if (error._tag !== "AgentRefused") return from(response)
  const { isKeyLocked, missingKey, status = 0 } = error
  if (invalidRequests.has(status)) {
    return withError(response, 400, {
      message: refusedRequest,
      type: "invalid_request_error",
      code: "agent_refused",
      param: null
    })
  }
  const isRefusedByAgent = status >= 300 && status < 500 && !temporary.has(status)
  if (!isRefusedByAgent && isKeyLocked !== true && missingKey === undefined) return from(response)
  return withoutRetry(
    withError(response, response.status, {
      message: refusedBySettings,
      type: "server_error",
      code: "agent_refused",
      param: null
    })
  )
}
