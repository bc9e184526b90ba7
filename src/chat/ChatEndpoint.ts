/**
 * Sends a question of any client API to the instance's agent, and the answer as a stream or whole. All APIs share the limits on
 * open streams, and the responses to a question that gets no answer.
 *
 * @module
 */
import { Context, type Duration, Effect, Layer, Option, type Scope } from "effect"
import { HttpServerResponse } from "effect/http"
import type { ValidationError } from "../platform/contract/Errors.ts"
import { conversationName } from "../platform/contract/Headers.ts"
import { Received } from "../platform/contract/Received.ts"
import * as Body from "../platform/http/Body.ts"
import * as ErrorResponses from "../platform/http/ErrorResponses.ts"
import { refusal } from "../platform/http/ErrorResponses.ts"
import { clientKey } from "../platform/limits/ClientAddress.ts"
import type { LimitHeaders } from "../platform/limits/RateLimit.ts"
import * as Slots from "../platform/limits/Slots.ts"
import { Decisions } from "../sites/Decisions.ts"
import * as ErrorMapping from "../sites/ErrorMapping.ts"
import { AgentFailures, failed } from "./AgentFailures.ts"
import type { AgentRefusal } from "./AgentStream.ts"
import * as ChatResponse from "./ChatResponse.ts"
import { ConversationStore } from "./ConversationStore.ts"
import { Drain } from "./RunningAnswers.ts"
import type { Question } from "./SendQuestion.ts"
import * as SendQuestion from "./SendQuestion.ts"
import type * as ChatStream from "./stream/ChatStream.ts"
import { type Failure, sentences, UiMessageStream } from "./stream/ChatStream.ts"
import { Admitted } from "./WidgetApi.ts"

type Headers = Readonly<Record<string, string>>

/** 429: the instance has used its daily tokens; the day ends in `seconds`. */
const dailyTokensUsed = (seconds: number, headers?: Headers): HttpServerResponse.HttpServerResponse =>
  refusal(429, "The assistant has reached its limit for today. Please come back tomorrow.", {
    ...headers,
    "retry-after": String(seconds)
  })

/** 503: the agent accepts no requests for `seconds`. */
const agentBusy = (seconds: number, headers?: Headers): HttpServerResponse.HttpServerResponse =>
  // Visitors may see this sentence, but not the header `Retry-After`.
  refusal(503, `The assistant is busy. Please try again in ${seconds} ${seconds === 1 ? "second" : "seconds"}.`, {
    ...headers,
    "retry-after": String(seconds)
  })

/** An agent's refusal; `chat/ChatResponse` has logged it. `headers` are those of the rate limit. */
export const refusalOfAgent = (error: AgentRefusal, headers: Headers) => {
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
export const failedResponse = (failure: Failure, headers?: Headers): HttpServerResponse.HttpServerResponse => {
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

/** `None` means no limit. */
export interface SlotOptions {
  readonly perAddress: Option.Option<number>
  readonly perInstance: Option.Option<number>
}

type SlotName = "address" | "instance"

/** The slots for answers, and for resumed streams. */
const makeSlots = ({ perAddress, perInstance }: SlotOptions) => {
  const slots = Slots.make()
  const limitOf = (name: SlotName, id: string, limit: Option.Option<number>) =>
    Option.toArray(Option.map(limit, (limit) => ({ name, key: `${name} ${id}`, limit })))
  const ofAddress = (address: string) => limitOf("address", clientKey(address), perAddress)
  return {
    openAnswer: (address: string, instanceId: string) =>
      slots.open([...ofAddress(address), ...limitOf("instance", instanceId, perInstance)]),
    openReader: (address: string) => slots.open(ofAddress(address))
  }
}

type Response = HttpServerResponse.HttpServerResponse

/** A started chat, or a whole response. */
export type Answer = Response | ChatResponse.StartedChat

/** Makes the response for an answer that has begun. `headers` are those of the rate limit. */
export type Respond = (
  answer: SendQuestion.OpenedAnswer,
  headers: LimitHeaders
) => Effect.Effect<Answer, AgentRefusal, Scope.Scope>

/** Begins the event stream of an answer in the client's protocol. A stream that is silent for `heartbeat` gets a comment. */
export type Stream = (
  dialect: (answer: SendQuestion.OpenedAnswer) => ChatStream.Dialect,
  heartbeat?: Duration.Input
) => (
  answer: SendQuestion.OpenedAnswer,
  headers: LimitHeaders
) => Effect.Effect<ChatResponse.StartedChat, AgentRefusal, Scope.Scope>

/** The published protocol. */
export const uiMessageStream = ({
  answerId,
  conversationId,
  hasMemory
}: SendQuestion.OpenedAnswer): ChatStream.Dialect =>
  new UiMessageStream({ messageId: answerId, conversationId, memory: hasMemory })

/** Gives a client's form to the response to an error of a question. */
export type ToRefusal = (response: Response, error: SendQuestion.SendError) => Response

export class ChatEndpoint extends Context.Service<
  ChatEndpoint,
  {
    /** Answers a question. The scope is the request's: it closes when the visitor has the whole answer or disconnects. */
    readonly answer: (
      question: Question,
      respond: Respond,
      toRefusal?: ToRefusal
    ) => Effect.Effect<Response, never, Admitted | Received | Scope.Scope>
    readonly stream: Stream
    /** Takes a slot for a resumed stream, which the caller must release. */
    readonly openReader: (address: string) => Slots.Opening<SlotName>
  }
>()("hydracore/chat/ChatEndpoint") {}

export interface Options {
  readonly slots: SlotOptions
  /** How long a visitor may take to read pending frames. */
  readonly readTimeout: Duration.Input
  /** The maximum duration of one stream. */
  readonly maxDuration: Duration.Input
  /** The maximum length of the text of one stream, in bytes. */
  readonly maxBytes: number
}

/** The answer as the platform's response. */
const toResponse = (answer: Answer): Effect.Effect<Response> =>
  HttpServerResponse.isHttpServerResponse(answer) ? Effect.succeed(answer) : ChatResponse.toResponse(answer)

/** Names the conversation that a question began, for the response to an error. The other clients know its id. */
const conversationOf = (
  { conversationId, hasMemory }: SendQuestion.OpenedAnswer,
  question: Question
): Readonly<Record<string, string>> =>
  hasMemory && !question.conversationId ? { [conversationName]: conversationId } : {}

/** How often a comment is sent on a silent stream, so that no proxy closes it as idle. */
const defaultHeartbeat = "15 seconds"

/** The response to an error before the answer begins. */
const refusalOf = (error: SendQuestion.SendError, headers: LimitHeaders): Effect.Effect<Response> => {
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
      return refusalOfAgent(error, headers)
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

export const layer = (options: Options) =>
  Layer.effect(
    ChatEndpoint,
    Effect.gen(function* () {
      const begin = yield* Effect.flatMap(Drain, (drain) => ChatResponse.make(drain.expired))
      const slots = makeSlots(options.slots)
      const store = yield* ConversationStore
      const sendQuestion = yield* SendQuestion.make
      const decisions = yield* Decisions
      const failures = yield* AgentFailures

      /** Records the refusal of a request that exceeds a limit, for the website of the instance. */
      const recordLimited = (instanceId: string, refusal: Response): Effect.Effect<Response> =>
        Effect.as(decisions.record({ _tag: "Claimed", by: "instance-id", id: instanceId }, "chat-limited"), refusal)

      const stream: Stream =
        (dialect, heartbeat = defaultHeartbeat) =>
        (answer, headers) =>
          begin(answer.events, {
            instanceId: answer.instance.instance_id,
            messageId: answer.answerId,
            dialect: dialect(answer),
            heartbeat,
            readTimeout: options.readTimeout,
            maxDuration: options.maxDuration,
            maxBytes: options.maxBytes,
            headers,
            isMeasured: answer.isDirect
          })

      const answer = (
        question: Question,
        respond: Respond,
        toRefusal: ToRefusal = (response) => response
      ): Effect.Effect<Response, never, Admitted | Received | Scope.Scope> =>
        Effect.withFiber((fiber) => {
          const { headers, instance } = Context.getUnsafe(fiber.context, Admitted)
          const received = Context.getUnsafe(fiber.context, Received)
          const { head } = received
          const refuse = (error: SendQuestion.SendError, headers: LimitHeaders): Effect.Effect<Response> =>
            Effect.flatMap(refusalOf(error, headers), (response) => {
              const refusal = toRefusal(response, error)
              return error._tag === "DailyTokensUsed"
                ? Effect.andThen(
                    failures.record(instance.instance_id, failed(error)),
                    recordLimited(instance.instance_id, refusal)
                  )
                : Effect.succeed(refusal)
            })
          return Effect.flatMap(
            store.hashKey,
            (hashKey): Effect.Effect<Answer, SendQuestion.SendError, Scope.Scope> => {
              const slot = slots.openAnswer(head.address, instance.instance_id)
              return slot._tag === "Full"
                ? recordLimited(instance.instance_id, ErrorResponses.tooManyStreams(slot.name, headers))
                : Effect.flatMap(sendQuestion(head, instance, question, hashKey, slot.release), (answer) =>
                    respond(answer, headers).pipe(
                      Effect.tap(() => Effect.sync(() => Body.release(received))),
                      Effect.catch((error) => refuse(error, { ...headers, ...conversationOf(answer, question) }))
                    )
                  )
            }
          ).pipe(
            Effect.catch((error) => refuse(error, headers)),
            Effect.flatMap(toResponse)
          )
        })

      return ChatEndpoint.of({ answer, stream, openReader: slots.openReader })
    })
  )
