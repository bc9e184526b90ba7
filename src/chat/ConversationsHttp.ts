/**
 * Reads a stored conversation, and resumes, stops and rates its answers. Follows the answers that run in other processes and have
 * readers in this one, which share the queries of the store.
 *
 * @module
 */
import { Duration, Effect, Exit, Option, Request, RequestResolver, type Scope, Stream } from "effect"
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
import { AgentBroken, type AgentError, type AgentRefusal } from "./AgentStream.ts"
import type { AgentEvent } from "./agent/Agent.ts"
import type { ChatEndpoint, OpenedAnswer } from "./ChatEndpoint.ts"
import * as ChatRefusals from "./ChatRefusals.ts"
import { type AnswerProgress, ConversationStore } from "./ConversationStore.ts"
import type { ContactOffer, Conversation } from "./ConversationsApi.ts"
import * as AnswerParts from "./conversations/AnswerParts.ts"
import type { ConversationKey, Message } from "./conversations/Conversation.ts"
import type { Instance } from "./Instance.ts"
import * as Question from "./Question.ts"
import type { RunningAnswers } from "./RunningAnswers.ts"
import { Admitted } from "./WidgetApi.ts"

/** How often the store is read: as often as the events of a running answer are stored. */
const interval = Duration.millis(100)

/** Reads the events of an answer from a position on. */
class Follow extends Request.TaggedClass("Follow")<
  { readonly answerId: MessageId; readonly position: number },
  AnswerProgress,
  AgentBroken
> {}

const failure = (reason: string) => Exit.fail(new AgentBroken({ reason }))

/** The progress from a later position on. */
const from = (progress: AnswerProgress, skipped: number): AnswerProgress =>
  skipped === 0 ? progress : { ...progress, events: progress.events.slice(skipped) }

/** One query reads the answers of all readers that wait. */
const makeResolver = (store: ConversationStore["Service"]) =>
  RequestResolver.make<Follow>((entries) => {
    /** Each answer, from the earliest position of its readers on. */
    const positions = new Map<MessageId, number>()
    for (const { request } of entries) {
      const { answerId, position } = request
      positions.set(answerId, Math.min(position, positions.get(answerId) ?? position))
    }
    return store.follow(Array.from(positions, ([answerId, position]) => ({ answerId, position }))).pipe(
      Effect.tapDefect((defect) =>
        Effect.logWarning("The answers of other processes could not be read; their readers get an error", defect)
      ),
      Effect.exit,
      Effect.flatMap((found) =>
        Effect.sync(() => {
          for (const entry of entries) {
            const { answerId, position } = entry.request
            const progress = Exit.isSuccess(found) ? found.value.get(answerId) : undefined
            if (Exit.isFailure(found)) entry.completeUnsafe(failure("the store is unavailable"))
            else if (progress === undefined) entry.completeUnsafe(failure("the answer was deleted"))
            else entry.completeUnsafe(Exit.succeed(from(progress, position - (positions.get(answerId) ?? position))))
          }
        })
      )
    )
  }).pipe(RequestResolver.setDelay(interval))

/** What a reader has got so far. */
interface Followed {
  readonly position: number
  readonly folded: AnswerParts.Folded
}

const nothing: Followed = { position: 0, folded: AnswerParts.none }

/** The last events of an answer, and its failure if its readers must see an error. */
const endOf = (
  { ending, parts }: NonNullable<AnswerProgress["ended"]>,
  folded: AnswerParts.Folded
): Stream.Stream<AgentEvent, AgentError> => {
  const missing = Stream.fromIterable(AnswerParts.missing(folded, parts))
  return Stream.concat(
    missing,
    Option.match(AnswerParts.lastEvent(ending), {
      onNone: () => Stream.fail(new AgentBroken({ reason: `the answer ended as ${ending}` })),
      onSome: (event) => Stream.succeed(event)
    })
  )
}

/**
 * Makes the function that follows an answer: its events from the first on. The stream fails if the answer fails or is deleted, or
 * the store is unavailable.
 */
export const makeFollower = (store: ConversationStore["Service"]) => {
  const resolver = makeResolver(store)
  return (answerId: MessageId): Stream.Stream<AgentEvent, AgentError> =>
    // Not recursive: the stream of each read would be kept until the last one ends.
    Stream.paginate(nothing, ({ folded, position }) =>
      Effect.map(Effect.request(new Follow({ answerId, position }), resolver), ({ ended, events, next }) => {
        const now = AnswerParts.addAll(folded, events)
        return ended === null
          ? [[Stream.fromArray(events)], Option.some({ position: next, folded: now })]
          : [[Stream.fromArray(events), endOf(ended, now)], Option.none()]
      })
    ).pipe(Stream.flatten)
}

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
      const follow = makeFollower(store)

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
