/**
 * Reads a stored conversation, and resumes, stops and rates its answers.
 *
 * Handlers get a `Visitor` only from `asVisitor`, which counts the request against the rate limit and checks the token and
 * the page's origin.
 *
 * @module
 */
import { Effect, Option, Result, type Scope } from "effect"
import { type HttpServerRequest, HttpServerResponse } from "effect/http"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { Api } from "../../contract/Api.ts"
import * as BodyReader from "../../contract/BodyReader.ts"
import { type Conversation, FeedbackPayload } from "../../contract/chat/Conversations.ts"
import type { AgentEvent } from "../../core/chat/agent/Agent.ts"
import type { ConversationKey, Message } from "../../core/chat/conversation/Conversation.ts"
import * as ConversationId from "../../core/chat/conversation/ConversationId.ts"
import type { Instance } from "../../core/chat/Instance.ts"
import type { RateLimitPolicy } from "../../core/limits/RateLimit.ts"
import * as Calendar from "../../core/text/Calendar.ts"
import * as RequestBody from "../../platform/http/RequestBody.ts"
import type { AgentRefusal } from "../../services/chat/AgentStream.ts"
import { ConversationStore } from "../../services/chat/ConversationStore.ts"
import { WidgetTokens } from "../../services/chat/WidgetTokens.ts"
import { RateLimiter } from "../../services/RateLimiter.ts"
import type { RecordRefused, StorageUnavailable } from "../../services/Storage.ts"
import * as ChatResponse from "../chat/ChatResponse.ts"
import * as EventSource from "../chat/EventSource.ts"
import * as FollowedAnswers from "../chat/FollowedAnswers.ts"
import { RunningAnswers } from "../chat/RunningAnswers.ts"
import type { OpenedAnswer } from "../chat/SendQuestion.ts"
import { StreamSlots } from "../chat/StreamSlots.ts"
import * as ErrorMapping from "../request/ErrorMapping.ts"
import * as ErrorResponses from "../request/ErrorResponses.ts"
import * as InstanceCheck from "../request/InstanceCheck.ts"
import * as RateLimitCheck from "../request/RateLimitCheck.ts"
import * as RequestHead from "../request/RequestHead.ts"
import * as ChatEndpoint from "./ChatEndpoint.ts"

export interface Options {
  readonly rateLimit: Option.Option<RateLimitPolicy>
}

const accepted: AgentEvent = { _tag: "Accepted" }

const readFeedback = BodyReader.make(FeedbackPayload)

/** A visitor who may use a conversation of an instance. */
interface Visitor {
  readonly instance: Instance
  readonly key: ConversationKey
  readonly address: string
  readonly headers: RateLimitCheck.LimitHeaders
}

type HandlerError = StorageUnavailable | RecordRefused | AgentRefusal

type Response = HttpServerResponse.HttpServerResponse

const noContent = (headers: RateLimitCheck.LimitHeaders): Response => HttpServerResponse.empty({ status: 204, headers })

const toMessage = (message: Message): Conversation["messages"][number] => ({
  id: message.messageId,
  role: message.role,
  // The id of a source is unique in the conversation, and the same as in the stream of the answer.
  parts: message.parts.map((part) =>
    part.type === "source-url" ? { ...part, sourceId: `${message.messageId}-${part.sourceId}` } : part
  ),
  metadata: {
    created_at: Calendar.iso(message.createdAt),
    ...(message.role === "assistant" ? { ending: message.ending, rating: message.rating } : {})
  }
})

/** Handles the endpoints of the contract's group `conversations`. */
export const layer = (options: Options) =>
  HttpApiBuilder.group(
    Api,
    "conversations",
    Effect.fnUntraced(function* (handlers) {
      const admit = InstanceCheck.make(RateLimitCheck.make(yield* RateLimiter, options.rateLimit), yield* WidgetTokens)
      const store = yield* ConversationStore
      const answers = yield* RunningAnswers
      const followed = yield* FollowedAnswers.make(store)
      const slots = yield* StreamSlots
      const { stream } = yield* ChatEndpoint.ChatEndpoint

      /**
       * Handles a request that may use the conversation, and refuses any other. `onNotStored` responds to an id
       * under which the service never stores a conversation.
       */
      const asVisitor = (
        request: HttpServerRequest.HttpServerRequest,
        params: { readonly instance_id: string; readonly conversation_id: string },
        handle: (visitor: Visitor) => Effect.Effect<Response, HandlerError, Scope.Scope>,
        onNotStored: (headers: RateLimitCheck.LimitHeaders) => Response = ErrorResponses.unknownConversation
      ): Effect.Effect<Response, never, Scope.Scope> => {
        const head = RequestHead.fromRequest(request)
        return admit(
          { head, instanceId: params.instance_id, token: ChatEndpoint.widgetToken(head) },
          (instance, headers) =>
            Effect.flatMap(store.hashKey, (hashKey) => {
              const { storedId } = ConversationId.identify(instance, params.conversation_id, "", hashKey)
              return storedId === null
                ? Effect.succeed(onNotStored(headers))
                : handle({
                    instance,
                    key: { instanceId: params.instance_id, conversationId: storedId },
                    address: head.address,
                    headers
                  })
            }),
          (error, headers) =>
            error._tag === "StorageUnavailable"
              ? ErrorMapping.ofUnavailable(error, headers)
              : error._tag === "RecordRefused"
                ? Effect.succeed(ErrorResponses.notStorable(headers))
                : ErrorMapping.ofAgent(error, headers)
        )
      }

      /** Takes a slot for a stream of the address, and releases it when the scope closes. */
      const openSlot = (address: string) =>
        Effect.acquireRelease(
          Effect.sync(() => slots.openReader(address)),
          (slot) => Effect.sync(() => slot._tag === "Opened" && slot.release())
        )

      /** Resumes an answer that runs in this process or, through the store, in another one. */
      const resume = Effect.fnUntraced(function* (
        { address, headers, instance }: Visitor,
        conversationId: string,
        answerId: string
      ) {
        const slot = yield* openSlot(address)
        if (slot._tag === "Full") return ErrorResponses.tooManyStreams(slot.name, headers)
        const events = Option.getOrElse(answers.read(answerId), () => followed.read(answerId))
        const answer: OpenedAnswer = {
          instance,
          conversationId,
          answerId,
          hasMemory: true,
          // The response begins at once, whether or not the agent has accepted.
          events: EventSource.startingWith(accepted, events),
          isDirect: false
        }
        return yield* stream(ChatEndpoint.uiMessageStream)(answer, headers).pipe(
          Effect.flatMap(ChatResponse.toResponse),
          // This process is about to end.
          Effect.catch(() => Effect.succeed(ErrorResponses.failed("shutting-down", headers)))
        )
      })

      return handlers
        .handleRaw("stream", ({ params, request }) =>
          asVisitor(
            request,
            params,
            (visitor) =>
              Effect.flatMap(
                store.running(visitor.key),
                Option.match({
                  onNone: () => Effect.succeed(noContent(visitor.headers)),
                  onSome: (answerId) => resume(visitor, params.conversation_id, answerId)
                })
              ),
            // Before a conversation begins, clients send this request with an id of any form.
            noContent
          )
        )
        .handleRaw("feedback", ({ params, request }) =>
          asVisitor(
            request,
            params,
            Effect.fnUntraced(function* (visitor) {
              const { headers, key } = visitor
              const body = RequestBody.parse(yield* RequestBody.readBytes(request), request.headers["content-type"])
              if (Result.isFailure(body)) return ErrorResponses.invalid(body.failure.errors, headers)
              const decoded = readFeedback(body.success.value)
              if (Result.isFailure(decoded)) return ErrorResponses.invalid(decoded.failure, headers)
              const { comment = null, message_id: messageId, rating } = decoded.success
              return (yield* store.rate({ key, messageId, rating, comment }))
                ? noContent(headers)
                : ErrorResponses.unknownAnswer(headers)
            }, Effect.catchTags(ErrorMapping.ofBytes))
          )
        )
        .handleRaw("read", ({ params, request }) =>
          asVisitor(request, params, ({ headers, key }) =>
            Effect.map(
              store.read(key),
              Option.match({
                onNone: () => ErrorResponses.unknownConversation(headers),
                onSome: (messages) =>
                  HttpServerResponse.jsonUnsafe(
                    { conversation_id: params.conversation_id, messages: messages.map(toMessage) },
                    { headers }
                  )
              })
            )
          )
        )
        .handleRaw("stop", ({ params, request }) =>
          asVisitor(
            request,
            params,
            Effect.fnUntraced(function* (visitor) {
              const { headers, key } = visitor
              if ((yield* answers.end(key, "stopped")) || (yield* store.stop(key))) return noContent(visitor.headers)
              return Option.isSome(yield* store.read(key))
                ? noContent(visitor.headers)
                : ErrorResponses.unknownConversation(headers)
            })
          )
        )
    })
  )
