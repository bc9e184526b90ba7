/**
 * `POST /v1/public/widget/{instance_id}/chat`: reads a message, counts it against the limit, checks the token and the
 * page's origin, and streams the agent's answer.
 *
 * An instance with `memory: "edge"` answers with the earlier turns of the conversation, and keeps this one.
 *
 * @module
 */
import { randomBytes, randomUUID } from "node:crypto"
import { Context, type Duration, Effect, Layer, Option, Result, Scope, type Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { Api } from "../../contract/Api.ts"
import * as BodyReader from "../../contract/BodyReader.ts"
import type { ValidationError } from "../../contract/Errors.ts"
import { ChatPayload } from "../../contract/Widget.ts"
import type { AgentEvent } from "../../core/chat/Agent.ts"
import * as ConversationHash from "../../core/chat/ConversationHash.ts"
import * as ConversationId from "../../core/chat/ConversationId.ts"
import * as History from "../../core/chat/History.ts"
import type { Instance } from "../../core/chat/Instance.ts"
import { UiMessageStream } from "../../core/chat/UiMessageStream.ts"
import type { RateLimitPolicy } from "../../core/limits/RateLimit.ts"
import { type AgentError, type AgentRefusal, AgentStream } from "../../services/chat/AgentStream.ts"
import {
  type ConversationFull,
  ConversationStore,
  type NothingToRegenerate
} from "../../services/chat/ConversationStore.ts"
import { WidgetTokens } from "../../services/chat/WidgetTokens.ts"
import { RateLimiter } from "../../services/RateLimiter.ts"
import type { RecordRefused, StorageUnavailable } from "../../services/Storage.ts"
import * as ChatResponse from "../chat/ChatResponse.ts"
import { Drain } from "../chat/Drain.ts"
import * as OpenChats from "../chat/OpenChats.ts"
import { RunningAnswers } from "../chat/RunningAnswers.ts"
import { StreamSlots } from "../chat/StreamSlots.ts"
import * as RequestBody from "../server/RequestBody.ts"
import * as ErrorMapping from "./ErrorMapping.ts"
import * as ErrorResponses from "./ErrorResponses.ts"
import * as OriginCheck from "./OriginCheck.ts"
import * as RateLimitCheck from "./RateLimitCheck.ts"
import * as RequestHead from "./RequestHead.ts"

const readPayload = BodyReader.make(ChatPayload)

/** The response to an error before the stream. */
const refusalOf = (error: AskError, headers: RateLimitCheck.LimitHeaders): Effect.Effect<Answer> => {
  switch (error._tag) {
    case "StorageUnavailable":
      return ErrorMapping.ofUnavailable(headers).StorageUnavailable(error)
    case "RecordRefused":
      // The instance was deleted a moment ago.
      return Effect.succeed(ErrorResponses.unauthorized(headers))
    case "ConversationFull":
      return Effect.succeed(ErrorResponses.invalid([conversationFull], headers))
    case "NothingToRegenerate":
      return Effect.succeed(ErrorResponses.invalid([nothingToRegenerate], headers))
    default:
      return ErrorMapping.ofAgent(error, headers)
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

/** How often a comment is sent on a stream that says nothing, so that no proxy in between takes it for dead. */
const heartbeat = "15 seconds"

export interface Options {
  readonly rateLimit: Option.Option<RateLimitPolicy>
  /** How long a visitor may take to read what was said. */
  readonly patience: Duration.Input
  /** The longest that one stream lasts. */
  readonly maxDuration: Duration.Input
  /** The most that one stream says, in bytes. */
  readonly maxBytes: number
}

/** A release that takes effect when it was called `times` times. */
const releaseAfter = (times: number, release: () => void): (() => void) => {
  let left = times
  return () => {
    if (--left === 0) release()
  }
}

/** Releases a slot with the request's scope. The finalizer holds nothing else of the request. */
const releaseWithScope = (release: () => void): Effect.Effect<void, never, Scope.Scope> =>
  Effect.flatMap(Effect.scope, (scope) => Scope.addFinalizer(scope, Effect.sync(release)))

type AskError = AgentRefusal | StorageUnavailable | RecordRefused | ConversationFull | NothingToRegenerate

/** A started chat, or the response that refuses it. */
export type Answer = HttpServerResponse.HttpServerResponse | ChatResponse.StartedChat

/**
 * Handles a message to an instance, by its canonical id. The scope is the request's: it closes when the visitor has the
 * whole answer, or leaves.
 */
export class ChatHandler extends Context.Service<
  ChatHandler,
  (asked: RequestHead.RequestHead, instanceId: string, body: Uint8Array) => Effect.Effect<Answer, never, Scope.Scope>
>()("hydracore/http/Converse") {}

/** The endpoint without a server. */
export const endpoint = (options: Options) =>
  Layer.effect(
    ChatHandler,
    Effect.gen(function* () {
      const admit = RateLimitCheck.make(yield* RateLimiter, options.rateLimit)
      const tokens = yield* WidgetTokens
      const agent = yield* AgentStream
      const watch = yield* Effect.flatMap(Drain, (drain) => OpenChats.make(drain.expired))
      const slots = yield* StreamSlots
      const answers = yield* RunningAnswers
      const store = yield* ConversationStore

      /** Asks an agent for the answer to one message, without the edge's memory. */
      const askOnce = (instance: Instance, message: string, hashKey: Uint8Array, conversationId: string) =>
        agent.stream({
          // An agent that keeps the conversation has instructions of its own.
          instance: instance.memory === "edge" ? instance : { ...instance, instructions: null },
          // The edge keeps nothing of this conversation, so that its agent must not either.
          session:
            instance.memory === "edge"
              ? randomBytes(32).toString("base64url")
              : ConversationHash.session(hashKey, { instanceId: instance.instanceId, conversationId }),
          turns: [{ role: "user", text: message }]
        })

      /** Asks an agent with the conversation's history. The answer outlives the request. */
      const askWithHistory = (
        instance: Instance,
        message: string,
        hashKey: Uint8Array,
        conversationId: string,
        answerId: string,
        onEnd: () => void
      ): Effect.Effect<Stream.Stream<AgentEvent, AgentError>, AskError> => {
        const key = { instanceId: instance.instanceId, conversationId }
        const bounds = { messages: instance.historyMessages, characters: instance.historyCharacters }
        return answers.end(key, "superseded").pipe(
          Effect.andThen(store.history({ key, bounds, isRegenerating: false })),
          Effect.onError(() => Effect.sync(onEnd)),
          Effect.flatMap((history) =>
            answers.begin({
              key,
              answerId,
              message: { messageId: randomUUID(), text: message },
              request: {
                instance,
                session: ConversationHash.session(hashKey, key),
                turns: History.withMessage(history, message, bounds)
              },
              onEnd
            })
          )
        )
      }

      const begin = (
        head: RequestHead.RequestHead,
        payload: ChatPayload,
        instance: Instance,
        headers: RateLimitCheck.LimitHeaders
      ): Effect.Effect<Answer, AskError, Scope.Scope> => {
        if (!OriginCheck.isAllowed(head, instance.origins)) {
          return Effect.succeed(ErrorResponses.foreignOrigin("assistant", headers))
        }
        return Effect.flatMap(store.hashKey, (hashKey): ReturnType<typeof begin> => {
          const slot = slots.openAnswer(head.address, instance.instanceId)
          if (slot._tag === "Full") return Effect.succeed(ErrorResponses.tooManyStreams(slot.name, headers))
          const { conversationId, storedId } = ConversationId.identify(
            instance,
            payload.conversation_id ?? undefined,
            randomUUID(),
            hashKey
          )
          const answerId = randomUUID()
          const start = (stream: Stream.Stream<AgentEvent, AgentError>) =>
            ChatResponse.begin(stream, {
              instanceId: instance.instanceId,
              messageId: answerId,
              dialect: new UiMessageStream({ conversationId, memory: storedId !== null, messageId: answerId }),
              heartbeat,
              patience: options.patience,
              maxDuration: options.maxDuration,
              maxBytes: options.maxBytes,
              headers,
              openChats: watch
            })
          if (storedId === null) {
            return Effect.andThen(
              releaseWithScope(slot.release),
              start(askOnce(instance, payload.message, hashKey, conversationId))
            )
          }
          // The slot is in use until the visitor has left and the answer has ended.
          const release = releaseAfter(2, slot.release)
          return releaseWithScope(release).pipe(
            Effect.andThen(askWithHistory(instance, payload.message, hashKey, storedId, answerId, release)),
            Effect.flatMap(start)
          )
        })
      }

      const take = (
        asked: RequestHead.RequestHead,
        instanceId: string,
        bytes: Uint8Array,
        gate: RateLimitCheck.RateLimitGate
      ): Effect.Effect<Answer, never, Scope.Scope> => {
        const body = RequestBody.parse(bytes, asked.headers["content-type"])
        if (Result.isFailure(body))
          return Effect.succeed(ErrorResponses.invalid(body.failure.errors, gate.limitHeaders))
        const decoded = readPayload(body.success.value)
        if (Result.isFailure(decoded)) return Effect.succeed(ErrorResponses.invalid(decoded.failure, gate.limitHeaders))
        // Before the token: a flood of guesses ends here and costs no look-up.
        return gate.check(asked.address, ({ accepted, headers }): ReturnType<typeof take> => {
          if (!accepted) return Effect.succeed(ErrorResponses.overLimit(headers))
          return Effect.flatMap(tokens.authenticate(instanceId, asked.headers["x-widget-token"] ?? ""), (instance) =>
            Option.isSome(instance)
              ? begin(asked, decoded.success, instance.value, headers)
              : Effect.succeed(ErrorResponses.unauthorized(headers))
          ).pipe(Effect.catch((error) => refusalOf(error, headers)))
        })
      }

      const refuse = (_asked: RequestHead.RequestHead, _bytes: Uint8Array, headers: RateLimitCheck.LimitHeaders) =>
        Effect.succeed(ErrorResponses.overLimit(headers))

      return (asked, instanceId, bytes) =>
        RateLimitCheck.withRateLimit(admit, (_, __, gate) => take(asked, instanceId, bytes, gate), refuse)(asked, bytes)
    })
  )

/** The endpoint as a group of the contract's; over `endpoint`. */
export const group = HttpApiBuilder.group(
  Api,
  "widget",
  Effect.fnUntraced(function* (handlers) {
    const converse = yield* ChatHandler
    return handlers.handleRaw("chat", ({ params, request }) =>
      Effect.flatMap(RequestBody.readBytes(request), (bytes) =>
        converse(RequestHead.fromRequest(request), params.instance_id, bytes)
      ).pipe(
        Effect.flatMap((answer) =>
          HttpServerResponse.isHttpServerResponse(answer) ? Effect.succeed(answer) : ChatResponse.toResponse(answer)
        ),
        Effect.catchTags(ErrorMapping.ofBytes)
      )
    )
  })
)

/** The group on an endpoint of its own. */
export const layer = (options: Options) => Layer.provide(group, endpoint(options))
