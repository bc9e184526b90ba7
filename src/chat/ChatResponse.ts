/**
 * Responds to a chat request with an agent's stream: the frames of `core/chat/stream/ChatStream`, with heartbeats and limits. The
 * stream always ends as its protocol requires.
 *
 * @module
 */
import { Cause, Context, Duration, Effect, Exit, Fiber, Option, Scope, Tracer } from "effect"
import { HttpEffect, HttpServerResponse } from "effect/http"
import type * as ChatStream from "../core/chat/stream/ChatStream.ts"
import { type AgentEmpty, type AgentError, type AgentRefusal, AgentRefused } from "../services/chat/AgentStream.ts"
import { Chat } from "./Chat.ts"
import * as ChatDelivery from "./ChatDelivery.ts"
import type { EventSource } from "./EventSource.ts"
import type { OpenChats } from "./OpenChats.ts"

/** What identifies a chat in the log. */
interface ChatIds {
  readonly instanceId: string
  readonly messageId: string
}

export interface Options {
  readonly instanceId: string
  readonly messageId: string
  /** The client's protocol. */
  readonly dialect: ChatStream.Dialect
  /** After this time without a frame a comment is sent. */
  readonly heartbeat: Duration.Input
  /** How long the visitor may take to read pending frames, the last ones included. */
  readonly readTimeout: Duration.Input
  /** The maximum duration of the stream from its first frame. */
  readonly maxDuration: Duration.Input
  /** The maximum length of the agent's text, in bytes of UTF-8. */
  readonly maxBytes: number
  /** Headers of the response besides those of the stream. */
  readonly headers?: Readonly<Record<string, string>>
  /** Whether to measure the agent: its tokens, the time to the first token, and its failure. */
  readonly isMeasured: boolean
  readonly openChats: OpenChats
}

const headers = {
  "content-type": "text/event-stream",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no"
}

/** Logs an error before the first frame. The handler decides on the response. */
const logRefusal = (error: AgentRefusal, ids: ChatIds) =>
  Effect.logWarning("The agent did not accept a message").pipe(
    Effect.annotateLogs({
      ...ids,
      error: error._tag,
      ...("reason" in error ? { reason: error.reason } : {})
    })
  )

/** The typed error of a failure before the first frame. */
const refusal = (error: AgentError | Cause.Done): AgentRefusal => {
  if (Cause.isDone(error)) return new AgentRefused({ reason: "the agent's stream was empty" })
  if (error._tag === "AgentBroken") return new AgentRefused({ reason: error.reason })
  return error._tag === "AgentEmpty" ? new AgentRefused({ reason: "the agent finished without text" }) : error
}

const ofEmpty = ({ finish, unknownEvent }: AgentEmpty): string =>
  `it finished without text (${finish}${unknownEvent === undefined ? "" : `; its first unknown event is ${unknownEvent}`})`

/** The reason of an error, for the log. */
const reasonOf = (error: AgentError | Cause.Done): string => {
  if (Cause.isDone(error)) return "it ended without a finish"
  if (error._tag === "AgentTimeout") return "it was silent"
  if (error._tag === "DailyTokensUsed") return "its tokens of the day are used"
  return error._tag === "AgentEmpty" ? ofEmpty(error) : error.reason
}

/** The failure that the visitor is shown for an error. */
const failureOfError = (error: AgentError | Cause.Done): ChatStream.Failure => {
  if (Cause.isDone(error)) return "agent-broken"
  if (error._tag === "AgentTimeout") return "agent-timeout"
  if (error._tag !== "AgentEmpty") return "agent-broken"
  return error.finish === "content-filter" ? "agent-declined" : "agent-empty"
}

/** The failure that the visitor is shown for a cause. Logs the cause. */
const failureOfCause = Effect.fnUntraced(function* (cause: Cause.Cause<AgentError | Cause.Done>, ids: ChatIds) {
  const error = Option.getOrUndefined(Cause.findErrorOption(cause))
  if (error === undefined || Cause.hasDies(cause)) {
    yield* Effect.logError("A chat stream failed with a defect", cause).pipe(Effect.annotateLogs({ ...ids }))
    return "internal" as const
  }
  yield* Effect.logWarning("An agent's stream failed").pipe(
    Effect.annotateLogs({ ...ids, error: error._tag, reason: reasonOf(error) })
  )
  return failureOfError(error)
})

/** Logs that the edge ended a stream. */
const logCut = (failure: string, ids: ChatIds) =>
  Effect.annotateLogs(Effect.logInfo("A chat stream was ended"), { ...ids, reason: failure })

/** After the agent's last event: refuses or fails the chat if the agent failed, and logs the reason of any failure. */
const settle = (exit: Exit.Exit<void, AgentError | Cause.Done>, chat: Chat, ids: ChatIds): Effect.Effect<void> => {
  const { failure } = chat
  if (failure !== null) return logCut(failure, ids)
  // The agent finished, the edge ended the stream, or the visitor left.
  if (Exit.isSuccess(exit) || chat.isOver || Cause.hasInterruptsOnly(exit.cause)) return Effect.void
  if (chat.isMeasured) chat.openChats.metrics.agentFailed(exit.cause, chat.isAccepted)
  if (!chat.isAccepted) return Effect.sync(() => chat.refuse(Cause.map(exit.cause, refusal)))
  return Effect.map(failureOfCause(exit.cause, ids), (failure) => chat.fail(failure))
}

/** Closes the chat after the agent's last event. The closure lives as long as the chat, so it holds only what it needs. */
const closing =
  (chat: Chat, scope: Scope.Closeable, ids: ChatIds) => (exit: Exit.Exit<void, AgentError | Cause.Done>) =>
    Effect.ensuring(
      Effect.andThen(Scope.close(scope, exit), settle(exit, chat, ids)),
      Effect.sync(() => chat.close())
    )

/** Reads the events into the chat, in a scope that closes as soon as all have been read. */
const read = (events: EventSource, chat: Chat, ids: ChatIds): Effect.Effect<void> => {
  const scope = Scope.makeUnsafe()
  return Effect.suspend(() => events(chat, scope)).pipe(Effect.onExit(closing(chat, scope, ids)), Effect.ignoreCause)
}

/** A chat that its agent accepted, and the headers of the 200. */
export interface StartedChat {
  readonly chat: Chat
  readonly headers: Readonly<Record<string, string>>
}

/**
 * Reads the agent's events and waits until the agent accepts. A failure before that is the typed error. A later failure, a
 * defect, an exceeded limit or the end of the process becomes a frame of the stream. In both cases the reason is logged, and
 * the visitor gets a sentence.
 *
 * The events are read in a fiber of the scope. Keep the scope open until the visitor has received everything, and close it when
 * the visitor leaves, which interrupts the agent. The next events are read after the socket has taken the pending frames.
 */
export const begin = (events: EventSource, options: Options): Effect.Effect<StartedChat, AgentRefusal, Scope.Scope> =>
  Effect.contextWith((services: Context.Context<Scope.Scope>) => {
    const { instanceId, messageId, openChats } = options
    const ids = { instanceId, messageId }
    const chat = new Chat(openChats, {
      dialect: options.dialect,
      messageId,
      heartbeat: Duration.toMillis(options.heartbeat),
      readTimeout: Duration.toMillis(options.readTimeout),
      maxDuration: Duration.toMillis(options.maxDuration),
      maxBytes: options.maxBytes,
      isMeasured: options.isMeasured
    })
    if (openChats.isGraceOver()) chat.cutAtGraceEnd()
    else {
      // The request's context takes a kilobyte, and the answer needs only its span.
      const isTraced = Context.getOrUndefined(services, Tracer.ParentSpan) !== undefined
      const fork = Effect.runForkWith(isTraced ? services : openChats.services)
      chat.readerFiber = Fiber.runIn(fork(read(events, chat, ids)), Context.get(services, Scope.Scope))
    }
    return Effect.tapError(chat.opened(), (error) => logRefusal(error, ids)).pipe(
      Effect.as({ chat, headers: { ...headers, ...options.dialect.headers, ...options.headers } })
    )
  })

/**
 * The platform's response of a started chat. Effect's servers keep the request's scope open until the body is sent, and close
 * it when the visitor leaves; the handler must be interruptible for that.
 */
export const toResponse = ({ chat, headers }: StartedChat): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  Effect.map(Effect.context<never>(), (services) => {
    const response = HttpServerResponse.stream(ChatDelivery.toStream(chat), {
      contentType: headers["content-type"],
      headers
    })
    HttpEffect.appendPreResponseHandlerUnsafe(services, ChatDelivery.direct(chat, response.body))
    return response
  })
