/**
 * The responses to a question that gets no answer.
 *
 * @module
 */
import { Effect } from "effect"
import type { HttpServerResponse } from "effect/http"
import type { ValidationError } from "../platform/contract/Errors.ts"
import * as ErrorResponses from "../platform/http/ErrorResponses.ts"
import { refusal } from "../platform/http/ErrorResponses.ts"
import type { RecordRefused, StorageUnavailable } from "../platform/Storage.ts"
import * as ErrorMapping from "../sites/ErrorMapping.ts"
import type { AgentRefusal } from "./AgentStream.ts"
import { type Failure, sentences } from "./ChatStream.ts"
import type { ConversationFull, NothingToRegenerate } from "./ConversationStore.ts"
import { Admitted } from "./WidgetApi.ts"

export type SendError = AgentRefusal | StorageUnavailable | RecordRefused | ConversationFull | NothingToRegenerate

type Response = HttpServerResponse.HttpServerResponse
type Headers = Readonly<Record<string, string>>

/** 429: the instance has used its daily tokens; the day ends in `seconds`. */
const dailyTokensUsed = (seconds: number, headers?: Headers): Response =>
  refusal(429, "The assistant has reached its limit for today. Please come back tomorrow.", {
    ...headers,
    "retry-after": String(seconds)
  })

/** 503: the agent accepts no requests for `seconds`. */
const agentBusy = (seconds: number, headers?: Headers): Response =>
  // Visitors may see this sentence, but not the header `Retry-After`.
  refusal(503, `The assistant is busy. Please try again in ${seconds} ${seconds === 1 ? "second" : "seconds"}.`, {
    ...headers,
    "retry-after": String(seconds)
  })

/** An agent's refusal; `chat/ChatResponse` has logged it. `headers` are those of the rate limit. */
export const ofAgent = (error: AgentRefusal, headers: Headers) => {
  switch (error._tag) {
    case "AgentRefused":
      return Effect.succeed(refusal(502, "The assistant cannot be reached now. Please try again later.", headers))
    case "AgentBusy":
      return Effect.succeed(agentBusy(error.retryAfter, headers))
    case "DailyTokensUsed":
      return Effect.succeed(dailyTokensUsed(error.retryAfter, headers))
    case "AgentTimeout":
      return Effect.succeed(refusal(504, "The assistant did not answer in time. Please try again.", headers))
  }
}

/** The response if an answer failed before any of it was sent. */
export const ofFailure = (failure: Failure, headers?: Headers): Response => {
  const status = failureStatuses[failure]
  // The contract declares no headers of a limit for a 500.
  if (status === 500) return refusal(status, sentences[failure])
  return refusal(status, sentences[failure], status === 503 ? { ...headers, "retry-after": "5" } : headers)
}

const failureStatuses: Readonly<Record<Failure, number>> = {
  "agent-timeout": 504,
  "agent-broken": 502,
  "agent-empty": 502,
  "agent-declined": 502,
  "too-long": 504,
  "too-much": 502,
  unread: 502,
  "shutting-down": 503,
  internal: 500
}

/** The response to an error before the answer begins. */
export const of = (error: SendError, headers: Headers): Effect.Effect<Response> => {
  switch (error._tag) {
    case "StorageUnavailable":
      return ErrorMapping.ofUnavailable(error, headers)
    case "RecordRefused":
      // The instance was deleted a moment ago.
      return Effect.succeed(ErrorResponses.unauthorized(headers))
    case "ConversationFull":
      return Effect.succeed(ErrorResponses.invalid([conversationFull], headers))
    case "NothingToRegenerate":
      return Effect.succeed(ErrorResponses.invalid([nothingToRegenerate], headers))
    default:
      return ofAgent(error, headers)
  }
}

const conversationFull: ValidationError = {
  type: "value_error",
  loc: ["body", "conversation_id"],
  msg: "Value error, this conversation is full; begin a new one"
}

const nothingToRegenerate: ValidationError = {
  type: "value_error",
  loc: ["body", "conversation_id"],
  msg: "Value error, this conversation has no message to answer again"
}

/** The response to a body whose newest message has no text, or too much. */
export const invalid = (faults: ReadonlyArray<ValidationError>): Effect.Effect<Response, never, Admitted> =>
  Effect.map(Admitted, ({ headers }) => ErrorResponses.invalid(faults, headers))
