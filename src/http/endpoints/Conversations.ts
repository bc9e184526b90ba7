/**
 * Resumes, stops, reads and rates the answers of a conversation with memory.
 *
 * A handler gets a `Visitor` from `asVisitor` alone, which counts the request against the limit and checks the token and
 * the page's origin.
 *
 * @module
 */
import { type Duration, Effect, Option, Result, type Scope } from "effect"
import { type HttpServerRequest, HttpServerResponse } from "effect/http"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { Api } from "../../contract/Api.ts"
import * as BodyReader from "../../contract/BodyReader.ts"
import { type Conversation, FeedbackPayload } from "../../contract/Conversations.ts"
import type { ConversationKey, Message } from "../../core/chat/Conversation.ts"
import * as ConversationId from "../../core/chat/ConversationId.ts"
import { UiMessageStream } from "../../core/chat/UiMessageStream.ts"
import type { RateLimitPolicy } from "../../core/limits/RateLimit.ts"
import * as Calendar from "../../core/text/Calendar.ts"
import type { AgentRefusal } from "../../services/chat/AgentStream.ts"
import { ConversationStore } from "../../services/chat/ConversationStore.ts"
import { WidgetTokens } from "../../services/chat/WidgetTokens.ts"
import { RateLimiter } from "../../services/RateLimiter.ts"
import type { RecordRefused, StorageUnavailable } from "../../services/Storage.ts"
import * as ChatResponse from "../chat/ChatResponse.ts"
import { Drain } from "../chat/Drain.ts"
import * as FollowAnswer from "../chat/FollowAnswer.ts"
import * as OpenChats from "../chat/OpenChats.ts"
import { RunningAnswers } from "../chat/RunningAnswers.ts"
import * as RequestBody from "../server/RequestBody.ts"
import * as ErrorMapping from "./ErrorMapping.ts"
import * as ErrorResponses from "./ErrorResponses.ts"
import * as OriginCheck from "./OriginCheck.ts"
import * as RateLimitCheck from "./RateLimitCheck.ts"
import * as RequestHead from "./RequestHead.ts"

export interface Options {
  readonly rateLimit: Option.Option<RateLimitPolicy>
  /** How long a visitor may take to read what was said. */
  readonly patience: Duration.Input
  /** The longest that one stream lasts. */
  readonly maxDuration: Duration.Input
  /** The most that one stream says, in bytes. */
  readonly maxBytes: number
}

/** How often a silent stream gets a comment. */
const heartbeat = "15 seconds"

const readFeedback = BodyReader.interpreted(FeedbackPayload)

/** A visitor who may use a conversation of an instance. */
interface Visitor {
  readonly key: ConversationKey
  readonly headers: RateLimitCheck.LimitHeaders
}

type HandlerError = StorageUnavailable | RecordRefused | AgentRefusal

type Response = HttpServerResponse.HttpServerResponse

const noContent = ({ headers }: Visitor): Response => HttpServerResponse.empty({ status: 204, headers })

const toMessage = (message: Message): Conversation["messages"][number] => ({
  id: message.messageId,
  role: message.role,
  parts: message.parts,
  metadata: {
    created_at: Calendar.iso(message.createdAt),
    ...(message.role === "assistant" ? { ending: message.ending, rating: message.rating } : {})
  }
})

/** The group of the contract. */
export const layer = (options: Options) =>
  HttpApiBuilder.group(
    Api,
    "conversations",
    Effect.fnUntraced(function* (handlers) {
      const check = RateLimitCheck.make(yield* RateLimiter, options.rateLimit)
      const tokens = yield* WidgetTokens
      const store = yield* ConversationStore
      const answers = yield* RunningAnswers
      const drain = yield* Drain
      const watch = yield* OpenChats.make(drain.expired)

      /** Answers a request of someone who may use the conversation; anyone else is refused. */
      const asVisitor = (
        request: HttpServerRequest.HttpServerRequest,
        params: { readonly instance_id: string; readonly conversation_id: string },
        handle: (visitor: Visitor) => Effect.Effect<Response, HandlerError, Scope.Scope>
      ): Effect.Effect<Response, never, Scope.Scope> => {
        const head = RequestHead.fromRequest(request)
        return check(head.address, ({ accepted, headers }) => {
          if (!accepted) return Effect.succeed(ErrorResponses.overLimit(headers))
          return Effect.gen(function* () {
            const instance = yield* tokens.authenticate(params.instance_id, head.headers["x-widget-token"] ?? "")
            if (Option.isNone(instance)) return ErrorResponses.unauthorized(headers)
            if (!OriginCheck.isAllowed(head, instance.value.origins)) {
              return ErrorResponses.foreignOrigin("assistant", headers)
            }
            const hashKey = yield* store.hashKey
            const { storedId } = ConversationId.identify(instance.value, params.conversation_id, "", hashKey)
            if (storedId === null) return ErrorResponses.unknownConversation(headers)
            return yield* handle({
              key: { instanceId: params.instance_id, conversationId: storedId },
              headers
            })
          }).pipe(
            Effect.catch((error) =>
              error._tag === "StorageUnavailable"
                ? ErrorMapping.ofUnavailable(headers).StorageUnavailable(error)
                : error._tag === "RecordRefused"
                  ? Effect.succeed(ErrorResponses.notStorable(headers))
                  : ErrorMapping.ofAgent(error, headers)
            )
          )
        })
      }

      /** The running answer of a conversation: of this process, or of another one by way of the store. */
      const running = (key: ConversationKey) => {
        const here = answers.read(key)
        return Option.isSome(here)
          ? Effect.succeed(here)
          : Effect.map(
              store.running(key),
              Option.map((answerId) => ({ answerId, stream: FollowAnswer.follow(store, answerId) }))
            )
      }

      return handlers
        .handleRaw("stream", ({ params, request }) =>
          asVisitor(request, params, (visitor) =>
            Effect.flatMap(running(visitor.key), (found) =>
              Option.isNone(found)
                ? Effect.succeed(noContent(visitor))
                : ChatResponse.begin(found.value.stream, {
                    instanceId: visitor.key.instanceId,
                    messageId: found.value.answerId,
                    dialect: new UiMessageStream({
                      conversationId: params.conversation_id,
                      memory: true,
                      messageId: found.value.answerId
                    }),
                    heartbeat,
                    patience: options.patience,
                    maxDuration: options.maxDuration,
                    maxBytes: options.maxBytes,
                    headers: visitor.headers,
                    openChats: watch
                  }).pipe(Effect.flatMap(ChatResponse.toResponse))
            )
          )
        )
        .handleRaw("feedback", ({ params, request }) =>
          asVisitor(request, params, (visitor) =>
            Effect.gen(function* () {
              const { headers, key } = visitor
              const body = RequestBody.parse(yield* RequestBody.readBytes(request), request.headers["content-type"])
              if (Result.isFailure(body)) return ErrorResponses.invalid(body.failure.errors, headers)
              const decoded = readFeedback(body.success.value)
              if (Result.isFailure(decoded)) return ErrorResponses.invalid(decoded.failure, headers)
              const { comment = null, message_id: messageId, rating } = decoded.success
              return (yield* store.rate({ key, messageId, rating, comment }))
                ? noContent(visitor)
                : ErrorResponses.unknownConversation(headers)
            }).pipe(Effect.catchTags(ErrorMapping.ofBytes))
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
          asVisitor(request, params, (visitor) =>
            Effect.gen(function* () {
              const { headers, key } = visitor
              if ((yield* answers.end(key, "stopped")) || (yield* store.stop(key))) return noContent(visitor)
              return Option.isSome(yield* store.read(key))
                ? noContent(visitor)
                : ErrorResponses.unknownConversation(headers)
            })
          )
        )
    })
  )
