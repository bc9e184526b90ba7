/**
 * Reads a stored conversation, and resumes, stops and rates its answers.
 *
 * @module
 */
import { Effect, Option, type Scope, Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { Api } from "../api/Api.ts"
import * as ErrorResponses from "../platform/http/ErrorResponses.ts"
import * as Incoming from "../platform/http/Incoming.ts"
import type { MessageId } from "../platform/Id.ts"
import type { LimitHeaders } from "../platform/limits/RateLimit.ts"
import type { RecordRefused, StorageUnavailable } from "../platform/Storage.ts"
import * as Calendar from "../platform/text/Calendar.ts"
import * as ErrorMapping from "../sites/ErrorMapping.ts"
import type { AgentRefusal } from "./AgentStream.ts"
import type { AgentEvent } from "./agent/Agent.ts"
import type { ChatEndpoint, OpenedAnswer } from "./ChatEndpoint.ts"
import * as ChatRefusals from "./ChatRefusals.ts"
import { ConversationStore } from "./ConversationStore.ts"
import type { ContactOffer, Conversation } from "./ConversationsApi.ts"
import type { ConversationKey, Message } from "./conversations/Conversation.ts"
import * as FollowedAnswers from "./FollowedAnswers.ts"
import type { Instance } from "./Instance.ts"
import * as Question from "./Question.ts"
import type { RunningAnswers } from "./RunningAnswers.ts"
import { Admitted } from "./WidgetApi.ts"

const accepted: AgentEvent = { _tag: "Accepted" }

/** A visitor who may use a conversation of an instance. */
interface Visitor {
  readonly instance: Instance
  readonly key: ConversationKey
  readonly headers: LimitHeaders
}

type HandlerError = StorageUnavailable | RecordRefused | AgentRefusal

type Response = HttpServerResponse.HttpServerResponse

const noContent = (headers: LimitHeaders): Response => HttpServerResponse.empty({ status: 204, headers })

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

/** An instance without a website offers nothing: a submission belongs to a website. */
const contactOfferOf = ({ contact, website_config_id: site_id }: Instance): ContactOffer =>
  contact === "off" || site_id === null ? { offer: "off", site_id: null } : { offer: contact, site_id }

/** Handles the endpoints of the contract's group `conversations`. */
export const layer = (answers: RunningAnswers, { openReader, stream }: ChatEndpoint) =>
  HttpApiBuilder.group(
    Api,
    "conversations",
    Effect.fnUntraced(function* (handlers) {
      const store = yield* ConversationStore
      const follow = FollowedAnswers.make(store)

      /** `onNotStored` responds to an id under which the service never stores a conversation. */
      const asVisitor = (
        conversationId: string,
        handle: (visitor: Visitor) => Effect.Effect<Response, HandlerError, Scope.Scope>,
        onNotStored: (headers: LimitHeaders) => Response = ErrorResponses.unknownConversation
      ): Effect.Effect<Response, never, Admitted | Scope.Scope> =>
        Effect.flatMap(Admitted, ({ headers, instance }) =>
          Effect.flatMap(store.hashKey, (hashKey) => {
            const { storedId } = Question.identify(instance, conversationId, "", hashKey)
            return storedId === null
              ? Effect.succeed(onNotStored(headers))
              : handle({ instance, key: { instanceId: instance.instance_id, conversationId: storedId }, headers })
          }).pipe(
            Effect.catch((error) =>
              error._tag === "StorageUnavailable"
                ? ErrorMapping.ofUnavailable(error, headers)
                : error._tag === "RecordRefused"
                  ? Effect.succeed(ErrorResponses.notStorable(headers))
                  : ChatRefusals.ofAgent(error, headers)
            )
          )
        )

      /** Takes a slot for a stream of the address, and releases it when the scope closes. */
      const openSlot = (address: string) =>
        Effect.acquireRelease(
          Effect.sync(() => openReader(address)),
          (slot) => Effect.sync(() => slot._tag === "Opened" && slot.release())
        )

      /** Resumes an answer that runs in this process or, through the store, in another one. */
      const resume = Effect.fnUntraced(function* (
        { headers, instance }: Visitor,
        address: string,
        conversationId: string,
        answerId: MessageId
      ) {
        const slot = yield* openSlot(address)
        if (slot._tag === "Full") return ErrorResponses.tooManyStreams(slot.name, headers)
        const events = Option.getOrElse(answers.read(answerId), () => follow(answerId))
        const answer: OpenedAnswer = {
          instance,
          conversationId,
          answerId,
          hasMemory: true,
          // The response begins at once, whether or not the agent has accepted.
          events: Stream.concat(Stream.succeed(accepted), events)
        }
        return yield* stream(answer, headers).pipe(
          // This process is about to end.
          Effect.catch(() => Effect.succeed(ChatRefusals.ofFailure("shutting-down", headers)))
        )
      })

      return handlers
        .handle("stream", ({ params, request }) =>
          asVisitor(
            params.conversation_id,
            (visitor) =>
              Effect.flatMap(
                store.running(visitor.key),
                Option.match({
                  onNone: () => Effect.succeed(noContent(visitor.headers)),
                  onSome: (answerId) =>
                    resume(visitor, Incoming.clientAddress(request), params.conversation_id, answerId)
                })
              ),
            // Before a conversation begins, clients send this request with an id of any form.
            noContent
          )
        )
        .handle("feedback", ({ params, payload: { comment = null, message_id: messageId, rating } }) =>
          asVisitor(params.conversation_id, ({ headers, key }) =>
            Effect.map(store.rate({ key, messageId, rating, comment }), (isRated) =>
              isRated ? noContent(headers) : ErrorResponses.unknownAnswer(headers)
            )
          )
        )
        .handle("read", ({ params }) =>
          asVisitor(params.conversation_id, ({ headers, key }) =>
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
        .handle("contact", () =>
          Effect.map(Admitted, ({ headers, instance }) =>
            HttpServerResponse.jsonUnsafe(contactOfferOf(instance), { headers })
          )
        )
        .handle("stop", ({ params }) =>
          asVisitor(
            params.conversation_id,
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
