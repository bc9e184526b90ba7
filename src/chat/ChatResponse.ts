/**
 * Responds to a chat request with an agent's stream: the frames of `chat/ChatStream`, with heartbeats and limits. The
 * stream always ends as its protocol requires. Counts how streams end.
 *
 * @module
 */
import { ServerResponse } from "node:http"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import {
  Cause,
  Clock,
  Deferred,
  Duration,
  Effect,
  Fiber,
  FiberSet,
  Option,
  type Pull,
  Queue,
  Schema,
  Scope,
  Stream
} from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import * as Metrics from "../platform/telemetry/Metrics.ts"
import { type AgentError, type AgentRefusal, AgentRefused, reasonOf as reasonOfAgent } from "./AgentStream.ts"
import type { AgentEvent } from "./agent/Agent.ts"
import * as ChatStream from "./ChatStream.ts"

/** Signals answers and other streams to end, so that they write their last frame before the process ends. */
export interface Drain {
  /** Completes at the end of the grace period. */
  readonly expired: Effect.Effect<void>
  /** Starts the grace period. Called once, when the process shuts down. */
  readonly start: Effect.Effect<void>
}

/** The grace period may start while the scope closes, in a finalizer that was added after this. */
export const makeDrain = Effect.fnUntraced(function* (options: {
  readonly grace: Duration.Input
}): Effect.fn.Return<Drain, never, Scope.Scope> {
  const expired = yield* Deferred.make<void>()
  const fork = yield* FiberSet.makeRuntime()
  return {
    expired: Deferred.await(expired),
    start: Effect.sync(() => fork(Effect.delay(Deferred.succeed(expired, undefined), options.grace)))
  }
})

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
}

/** A chat that its agent accepted. */
export interface StartedChat {
  /** The frames, for one reader. */
  readonly frames: Stream.Stream<string>
  /** The state of the stream. */
  readonly state: () => ChatStream.State
  /** The headers of the response. */
  readonly headers: Readonly<Record<string, string>>
  readonly readTimeout: Duration.Input
  /** Records that the visitor has not read pending frames in time. */
  readonly markUnread: () => void
}

const headers = {
  "content-type": "text/event-stream",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no"
}

/** The edge ends a stream because of one of its limits, or its shutdown. */
class Limit extends Schema.TaggedError<Limit>()("Limit", {
  failure: Schema.Literals(["too-long", "shutting-down"])
}) {}

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

/** The reason of an error, for the log. */
const reasonOf = (error: AgentError | Cause.Done): string =>
  Cause.isDone(error) ? "it ended without a finish" : reasonOfAgent(error)

/** The failure that the visitor is shown for an error. */
const failureOfError = (error: AgentError | Cause.Done): ChatStream.Failure => {
  if (Cause.isDone(error)) return "agent-broken"
  if (error._tag === "AgentTimeout") return "agent-timeout"
  if (error._tag !== "AgentEmpty") return "agent-broken"
  return error.finish === "content-filter" ? "agent-declined" : "agent-empty"
}

/** The failure that the visitor is shown for a cause. Logs the cause. */
const failureOfCause = Effect.fnUntraced(function* (cause: Cause.Cause<AgentError | Limit | Cause.Done>, ids: ChatIds) {
  const error = Option.getOrUndefined(Cause.findErrorOption(cause))
  // The visitor has left.
  if (Cause.hasInterruptsOnly(cause)) return "internal" as const
  if (error === undefined || Cause.hasDies(cause)) {
    yield* Effect.logError("A chat stream failed with a defect", cause).pipe(Effect.annotateLogs({ ...ids }))
    return "internal" as const
  }
  if (!Cause.isDone(error) && error._tag === "Limit") return error.failure
  yield* Effect.logWarning("An agent's stream failed").pipe(
    Effect.annotateLogs({ ...ids, error: error._tag, reason: reasonOf(error) })
  )
  return failureOfError(error)
})

/** Logs that the edge ended a stream. */
const logCut = (failure: string, ids: ChatIds) =>
  Effect.annotateLogs(Effect.logInfo("A chat stream was ended"), { ...ids, reason: failure })

/** The failures that are limits of the edge. */
const cuts: ReadonlySet<ChatStream.Failure | null> = new Set(["too-long", "too-much", "unread", "shutting-down"])

type ChatError = AgentError | Limit | Cause.Done

const ofShutdown = { reason: "the service is shutting down" }

const shuttingDown = new Limit({ failure: "shutting-down" })

/** Makes the function that begins a chat. `graceExpired` completes when the grace period of this process is over. */
export const make = Effect.fnUntraced(function* (graceExpired: Effect.Effect<void>) {
  const context = yield* Effect.context<never>()
  const ends = new Map(Metrics.chatEnds.map((reason) => [reason, Metrics.chatStreams({ reason })]))
  // Exports each series as zero before its first value, because a rate needs a start.
  for (const metric of ends.values()) metric.valueUnsafe(context)
  /** Ends the chats that are open. */
  const open = new Set<Effect.Effect<void>>()
  let isGraceOver = false
  const endAll = Effect.suspend(() => {
    isGraceOver = true
    return Effect.forEach([...open], (end) => end, { concurrency: "unbounded", discard: true })
  })
  yield* Effect.forkScoped(Effect.andThen(graceExpired, endAll), { startImmediately: true })

  /**
   * Reads the agent's events and waits until the agent accepts. A failure before that is the typed error. A later failure, a
   * defect, an exceeded limit or the end of the process becomes a frame of the stream. In both cases the reason is logged, and
   * the visitor gets a sentence.
   *
   * Keep the scope open until the visitor has received everything, and close it when the visitor leaves, which interrupts the
   * agent. The agent's next events are read after the visitor has taken the pending ones.
   */
  return Effect.fnUntraced(function* (
    events: Stream.Stream<AgentEvent, AgentError>,
    options: Options
  ): Effect.fn.Return<StartedChat, AgentRefusal, Scope.Scope> {
    const { instanceId, messageId } = options
    const ids = { instanceId, messageId }
    if (isGraceOver)
      return yield* Effect.tapError(Effect.fail(new AgentRefused(ofShutdown)), (error) => logRefusal(error, ids))
    const scope = yield* Scope.Scope
    const clock = yield* Clock.Clock

    /** The events that the visitor has not taken. Empty ones are heartbeats. */
    const pending = yield* Queue.bounded<ReadonlyArray<AgentEvent>, ChatError>(1)
    const agent = yield* Stream.runForEachArray(events, (events) => Queue.offer(pending, events)).pipe(
      Queue.into(pending),
      Effect.forkIn(scope, { startImmediately: true })
    )
    const endBy = (limit: Limit) => Effect.andThen(Queue.fail(pending, limit), Fiber.interrupt(agent))
    const end = endBy(shuttingDown)
    open.add(end)
    yield* Scope.addFinalizer(
      scope,
      Effect.sync(() => open.delete(end))
    )

    let first: ReadonlyArray<AgentEvent> | undefined = yield* Queue.take(pending).pipe(
      Effect.mapError((error) =>
        Cause.isDone(error) || error._tag !== "Limit" ? refusal(error) : new AgentRefused(ofShutdown)
      ),
      Effect.tapError((error) => logRefusal(error, ids))
    )

    const heartbeat = Duration.toMillis(options.heartbeat)
    const endsAt = clock.currentTimeMillisUnsafe() + Duration.toMillis(options.maxDuration)
    let takenAt = clock.currentTimeMillisUnsafe()
    /** Adds heartbeats, and ends the stream when it has lasted for the maximum duration. */
    const watch = Effect.suspend(function loop(): Effect.Effect<void> {
      const now = clock.currentTimeMillisUnsafe()
      if (now >= endsAt) return endBy(new Limit({ failure: "too-long" }))
      // No heartbeat while data is pending.
      const beat = now - takenAt < heartbeat || Queue.sizeUnsafe(pending) > 0 ? Effect.void : Queue.offer(pending, [])
      if (now - takenAt >= heartbeat) takenAt = now
      return Effect.andThen(
        beat,
        Effect.andThen(Effect.sleep(Math.min(takenAt + heartbeat, endsAt) - now), Effect.suspend(loop))
      )
    })
    yield* Effect.forkIn(watch, scope)

    let state = ChatStream.initial(options)
    let isUnread = false
    yield* Scope.addFinalizer(
      scope,
      Effect.suspend(() => {
        const failure = isUnread ? "unread" : state.failure
        ends.get(failure ?? (ChatStream.isEnded(state) ? "finished" : "left"))?.updateUnsafe(1, context)
        return failure !== null && cuts.has(failure) ? logCut(failure, ids) : Effect.void
      })
    )
    const encode = (events: ReadonlyArray<ChatStream.Event>): string => {
      takenAt = clock.currentTimeMillisUnsafe()
      if (events.length === 0) return ChatStream.comment
      const [next, frames] = ChatStream.encodeAll(state, events)
      state = next
      return frames
    }
    const take = Effect.matchCauseEffect(Queue.take(pending), {
      onSuccess: (events) => Effect.succeed(encode(events)),
      onFailure: (cause) => Effect.map(failureOfCause(cause, ids), (failure) => encode([{ _tag: "Failed", failure }]))
    })
    const next: Pull.Pull<readonly [string]> = Effect.suspend(() => {
      if (first !== undefined) {
        const frames = encode(first)
        first = undefined
        return Effect.succeed([frames])
      }
      // The stream may end before the agent, if its text is too long.
      if (ChatStream.isEnded(state)) return Effect.andThen(Fiber.interrupt(agent), Cause.done())
      return Effect.flatMap(take, (frames) => (frames === "" ? next : Effect.succeed([frames] as const)))
    })
    return {
      frames: Stream.fromPull(Effect.succeed(next)),
      state: () => state,
      headers: { ...headers, ...options.dialect.headers, ...options.headers },
      readTimeout: options.readTimeout,
      markUnread: () => {
        isUnread = true
      }
    }
  })
})

/** Closes the connection of a visitor who has read nothing of what was sent for the chat's `readTimeout`. */
const cutUnread = ({ markUnread, readTimeout }: StartedChat, request: HttpServerRequest.HttpServerRequest): void => {
  const response = NodeHttpServerRequest.toServerResponse(request)
  // Another server than Node's.
  if (!(response instanceof ServerResponse)) return
  const millis = Duration.toMillis(readTimeout)
  response.setTimeout(millis, () => {
    if (response.writableLength === 0) {
      response.setTimeout(millis)
      return
    }
    markUnread()
    // A response that is queued behind other responses has no socket yet.
    response.req.socket.destroy()
  })
}

/**
 * The response of a started chat. Effect's servers keep the request's scope open until the body is sent, and close it when the
 * visitor leaves; the handler must be interruptible for that.
 */
export const toResponse = (chat: StartedChat): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  Effect.map(Effect.serviceOption(HttpServerRequest.HttpServerRequest), (request) => {
    if (Option.isSome(request)) cutUnread(chat, request.value)
    return HttpServerResponse.stream(
      Stream.map(chat.frames, (frames) => Buffer.from(frames)),
      {
        contentType: headers["content-type"],
        headers: chat.headers
      }
    )
  })

/** A whole answer, for clients that do not read streams. */
export interface WholeAnswer extends Pick<ChatStream.State, "failure" | "finishReason" | "sources" | "usage"> {
  readonly text: string
}

/** Reads a chat to its end. The chat must have begun with `OpenAiHttp.plainText` and without a heartbeat. */
export const readWhole = ({ frames, state }: StartedChat): Effect.Effect<WholeAnswer> =>
  Effect.map(Stream.mkString(frames), (text) => {
    const { failure, finishReason, sources, usage } = state()
    return { failure, finishReason, sources, text, usage }
  })
