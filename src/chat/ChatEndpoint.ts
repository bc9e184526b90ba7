/**
 * Sends a question of any client API to the instance's agent, and the answer as a stream or whole. Stores the turn if the edge keeps the
 * conversation, and credits the visit with a chat that begins. All APIs share the limits on open streams.
 *
 * @module
 */
import { type KeyObject, randomBytes, randomUUID } from "node:crypto"
import { Cause, Clock, Context, type Duration, Effect, identity, Option, Scope, Stream } from "effect"
import type { HttpServerResponse } from "effect/http"
import * as VisitorSalts from "../analytics/VisitorSalts.ts"
import { conversationName } from "../platform/contract/Headers.ts"
import { Received, type RequestHead } from "../platform/contract/Received.ts"
import * as Body from "../platform/http/Body.ts"
import * as ErrorResponses from "../platform/http/ErrorResponses.ts"
import { MessageId } from "../platform/Id.ts"
import { clientKey } from "../platform/limits/ClientAddress.ts"
import type { LimitHeaders } from "../platform/limits/RateLimit.ts"
import * as Slots from "../platform/limits/Slots.ts"
import * as Metrics from "../platform/telemetry/Metrics.ts"
import { Decisions } from "../sites/Decisions.ts"
import { AgentFailures, failed } from "./AgentFailures.ts"
import { type AgentError, type AgentRefusal, AgentStream } from "./AgentStream.ts"
import type { AgentEvent, AgentRequest } from "./agent/Agent.ts"
import * as ChatRefusals from "./ChatRefusals.ts"
import * as ChatResponse from "./ChatResponse.ts"
import * as ChatStream from "./ChatStream.ts"
import { ConversationStore, NothingToRegenerate } from "./ConversationStore.ts"
import type { Instance } from "./Instance.ts"
import * as Question from "./Question.ts"
import type { RunningAnswers } from "./RunningAnswers.ts"
import { Admitted } from "./WidgetApi.ts"

type Response = HttpServerResponse.HttpServerResponse
type SendError = ChatRefusals.SendError

/** An answer whose events a visitor begins to read. */
export interface OpenedAnswer {
  readonly instance: Instance
  /** The conversation's id for the client. */
  readonly conversationId: string
  readonly answerId: MessageId
  /** Whether the edge keeps the conversation for the visitor. */
  readonly hasMemory: boolean
  readonly events: Stream.Stream<AgentEvent, AgentError>
}

/** How a client gets the answer to a question. */
export interface Reply {
  /** The client's protocol, for an answer that begins at `now` (milliseconds since 1970). */
  readonly dialect: (answer: OpenedAnswer, now: number) => ChatStream.Dialect
  /** A stream that is silent for this time gets a comment, so that no proxy closes it as idle. 15 seconds by default. */
  readonly heartbeat?: Duration.Input
  /** Makes the response to an answer that has begun; `headers` are those of the rate limit. By default, it streams the answer. */
  readonly respond?: (
    chat: ChatResponse.StartedChat,
    answer: OpenedAnswer,
    headers: LimitHeaders
  ) => Effect.Effect<Response>
  /** Gives the client's form to the response to an error. */
  readonly toRefusal?: (response: Response, error: SendError) => Response
}

/** The published protocol. */
export const uiMessageStream: Reply = {
  dialect: ({ answerId, conversationId, hasMemory }) =>
    ChatStream.uiMessageStream({ messageId: answerId, conversationId, memory: hasMemory })
}

type SlotName = "address" | "instance"

export interface ChatEndpoint {
  /** Answers a question. The scope is the request's: it closes when the visitor has the whole answer or disconnects. */
  readonly answer: (
    question: Question.Question,
    reply: Reply
  ) => Effect.Effect<Response, never, Admitted | Received | Scope.Scope>
  /** Streams an answer. `headers` are those of the rate limit. */
  readonly stream: (answer: OpenedAnswer, headers: LimitHeaders) => Effect.Effect<Response, AgentRefusal, Scope.Scope>
  /** Takes a slot for a resumed stream, which the caller must release. */
  readonly openReader: (address: string) => Slots.Opening<SlotName>
}

/** `None` means no limit. */
export interface SlotOptions {
  readonly perAddress: Option.Option<number>
  readonly perInstance: Option.Option<number>
}

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

export interface Options {
  readonly slots: SlotOptions
  /** How long a visitor may take to read pending frames. */
  readonly readTimeout: Duration.Input
  /** The maximum duration of one stream. */
  readonly maxDuration: Duration.Input
  /** The maximum length of the text of one stream, in bytes. */
  readonly maxBytes: number
  /** The answers of conversations with memory. */
  readonly answers: RunningAnswers
  /** Completes at the end of the grace period of this process, which ends the streams. */
  readonly graceExpired: Effect.Effect<void>
}

/** Names the conversation that a question began, for the response to an error. The other clients know its id. */
const conversationOf = (
  { conversationId, hasMemory }: OpenedAnswer,
  question: Question.Question
): Readonly<Record<string, string>> =>
  hasMemory && !question.conversationId ? { [conversationName]: conversationId } : {}

/** Returns a function that calls `release` the `times`-th time that it is called. */
const releaseAfter = (times: number, release: () => void): (() => void) => {
  let left = times
  return () => {
    if (--left === 0) release()
  }
}

/** Calls `release` when the request's scope closes. The finalizer retains nothing else of the request. */
const releaseWithScope = (release: () => void): Effect.Effect<void, never, Scope.Scope> =>
  Effect.flatMap(Effect.scope, (scope) => Scope.addFinalizer(scope, Effect.sync(release)))

/** A session id that is used once, so that the agent cannot continue the conversation. */
const freshSession = (): string => randomBytes(32).toString("base64url")

/** The kind of an agent's failure; undefined if the edge did not send the question. */
const failureKind = (error: AgentError, isAccepted: boolean): Metrics.AgentFailureKind | undefined => {
  switch (error._tag) {
    case "DailyTokensUsed":
      return undefined
    case "AgentTimeout":
      return "timeout"
    case "AgentBusy":
      return "busy"
    case "AgentEmpty":
      return "empty"
    default:
      return isAccepted ? "broken" : "refused"
  }
}

/**
 * Makes the function that measures an agent's answer: its tokens, the time from the request to the first text, and its failure. A defect
 * and an interruption are not failures of the agent.
 */
export const makeMeasured = Effect.contextWith((context: Context.Context<never>) => {
  const clock = Context.get(context, Clock.Clock)
  const firstToken = Metrics.chatFirstToken({})
  const tokens = Metrics.chatTokens({})
  const failures = new Map(Metrics.agentFailureKinds.map((kind) => [kind, Metrics.agentFailures({ kind })]))
  // Exports each series as zero before its first value, because a rate needs a start.
  for (const metric of [firstToken, tokens, ...failures.values()]) metric.valueUnsafe(context)
  return Effect.succeed((events: Stream.Stream<AgentEvent, AgentError>) =>
    Stream.transformPull(events, (pull) =>
      Effect.sync(() => {
        const sentAt = clock.currentTimeMillisUnsafe()
        let hasText = false
        let last: AgentEvent["_tag"] | undefined
        const count = (events: ReadonlyArray<AgentEvent>): void => {
          last = events.at(-1)?._tag
          const texts = events.filter(({ _tag }) => _tag === "Text").length
          if (texts === 0) return
          tokens.updateUnsafe(texts, context)
          if (!hasText) firstToken.updateUnsafe(Metrics.seconds(clock.currentTimeMillisUnsafe() - sentAt), context)
          hasText = true
        }
        const countEnd = (cause: Cause.Cause<AgentError | Cause.Done>): void => {
          const error = Option.getOrUndefined(Cause.findErrorOption(cause))
          if (error === undefined || (Cause.isDone(error) && last === "Finish")) return
          const isAccepted = last !== undefined
          const kind = Cause.isDone(error) ? (isAccepted ? "broken" : "refused") : failureKind(error, isAccepted)
          if (kind !== undefined) failures.get(kind)?.updateUnsafe(1, context)
        }
        return Effect.matchCauseEffect(pull, {
          onSuccess: (events) => {
            count(events)
            return Effect.succeed(events)
          },
          onFailure: (cause) => {
            countEnd(cause)
            return Effect.failCause(cause)
          }
        })
      })
    )
  )
})

/** Makes the function that sends a question. */
const makeSend = Effect.fnUntraced(function* (answers: RunningAnswers) {
  const agent = yield* AgentStream
  const measured = yield* makeMeasured
  const leads = yield* VisitorSalts.makeChatLeads
  const prepare = Question.makePrepare(yield* ConversationStore)

  /**
   * Sends a question, in the scope of the request. The visit of its sender is credited with the chat that begins. `release` gives back
   * the chat's slot. It is called once, when the answer has ended and the scope is closed.
   */
  return (
    head: RequestHead,
    instance: Instance,
    question: Question.Question,
    hashKey: KeyObject,
    release: () => void
  ): Effect.Effect<OpenedAnswer, SendError, Scope.Scope> => {
    const { conversationId, isKey, session, storedId } = Question.identify(
      instance,
      question.conversationId,
      randomUUID(),
      hashKey,
      Question.clientOf(question)
    )
    const answerId = MessageId.make(randomUUID())
    const bounds = { messages: instance.history, characters: instance.history_characters }
    const visitorHashes = Question.isFirst(question)
      ? leads.hashesOf(head, instance.website_config_id)
      : VisitorSalts.noHashes
    const opened = (events: OpenedAnswer["events"]): OpenedAnswer => ({
      instance,
      conversationId,
      answerId,
      hasMemory: isKey,
      events
    })
    const eventsFor = (messages: AgentRequest["messages"]) =>
      measured(
        agent.stream({
          // An agent that keeps the conversation has instructions of its own.
          instance: instance.memory === "edge" ? instance : { ...instance, instructions: null },
          session: session ?? freshSession(),
          messages,
          wantsUsage: question._tag === "Conversation" && question.wantsUsage === true
        })
      )
    if (storedId === null) {
      const messages = Question.unstoredMessages(question, session, bounds)
      return Effect.flatMap(releaseWithScope(release), () => {
        if (messages === null) return Effect.fail(new NothingToRegenerate())
        leads.add(instance.instance_id, visitorHashes)
        return Effect.succeed(opened(eventsFor(messages)))
      })
    }
    const key = { instanceId: instance.instance_id, conversationId: storedId }
    // The slot is in use until the visitor has left and the answer has ended.
    const onEnd = releaseAfter(2, release)
    // Uninterruptible, so that `onEnd` is called even if the visitor leaves between two steps.
    const begun = Effect.uninterruptibleMask((restore) =>
      restore(
        Effect.andThen(answers.end(key, "superseded"), Effect.all([prepare(question, key, bounds), visitorHashes]))
      ).pipe(
        Effect.onError(() => Effect.sync(onEnd)),
        Effect.flatMap(([{ from, message, messages }, hashes]) =>
          answers.begin({
            key,
            answerId,
            message,
            from,
            visitorHashes: hashes,
            isResumable: isKey,
            events: eventsFor(messages),
            onEnd
          })
        )
      )
    )
    return Effect.andThen(releaseWithScope(onEnd), Effect.map(begun, opened))
  }
})

/** Makes the endpoint that all client APIs share. */
export const make = Effect.fnUntraced(function* (options: Options) {
  const begin = yield* ChatResponse.make(options.graceExpired)
  const slots = makeSlots(options.slots)
  const store = yield* ConversationStore
  const send = yield* makeSend(options.answers)
  const decisions = yield* Decisions
  const failures = yield* AgentFailures

  /** Records the refusal of a request that exceeds a limit, for the website of the instance. */
  const recordLimited = (instanceId: string, refusal: Response): Effect.Effect<Response> =>
    Effect.as(decisions.record({ _tag: "Claimed", by: "instance-id", id: instanceId }, "chat-limited"), refusal)

  const stream = (
    answer: OpenedAnswer,
    headers: LimitHeaders,
    { dialect, heartbeat = "15 seconds", respond = ChatResponse.toResponse }: Reply
  ): Effect.Effect<Response, AgentRefusal, Scope.Scope> =>
    Effect.flatMap(Clock.currentTimeMillis, (now) =>
      begin(answer.events, {
        instanceId: answer.instance.instance_id,
        messageId: answer.answerId,
        dialect: dialect(answer, now),
        heartbeat,
        readTimeout: options.readTimeout,
        maxDuration: options.maxDuration,
        maxBytes: options.maxBytes,
        headers
      })
    ).pipe(Effect.flatMap((chat) => respond(chat, answer, headers)))

  const answer: ChatEndpoint["answer"] = (question, reply) =>
    Effect.withFiber((fiber) => {
      const { headers, instance } = Context.getUnsafe(fiber.context, Admitted)
      const received = Context.getUnsafe(fiber.context, Received)
      const { instance_id: instanceId } = instance
      const { toRefusal = identity } = reply
      const refuse = (error: SendError, headers: LimitHeaders): Effect.Effect<Response> =>
        Effect.flatMap(ChatRefusals.of(error, headers), (response) => {
          const refusal = toRefusal(response, error)
          return error._tag === "DailyTokensUsed"
            ? Effect.andThen(failures.record(instanceId, failed(error)), recordLimited(instanceId, refusal))
            : Effect.succeed(refusal)
        })
      return Effect.flatMap(store.hashKey, (hashKey): Effect.Effect<Response, SendError, Scope.Scope> => {
        const slot = slots.openAnswer(received.head.address, instanceId)
        if (slot._tag === "Full") return recordLimited(instanceId, ErrorResponses.tooManyStreams(slot.name, headers))
        return Effect.flatMap(send(received.head, instance, question, hashKey, slot.release), (answer) =>
          stream(answer, headers, reply).pipe(
            Effect.tap(() => Effect.sync(() => Body.release(received))),
            Effect.catch((error) => refuse(error, { ...headers, ...conversationOf(answer, question) }))
          )
        )
      }).pipe(Effect.catch((error) => refuse(error, headers)))
    })

  return {
    answer,
    stream: (answer, headers) => stream(answer, headers, uiMessageStream),
    openReader: slots.openReader
  } satisfies ChatEndpoint
})
