/**
 * Answers a chat request with an agent's stream: the frames of `core/ChatStream`, with a heartbeat, bounds and a good end
 * whatever happens.
 *
 * @module
 */
import { Cause, Clock, Duration, Effect, Exit, Latch, Option, type Pull, Scope, Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import type { AgentEvent } from "../core/Agent.ts"
import * as ChatStream from "../core/ChatStream.ts"
import { type AgentError, AgentRefused, type AgentTimeout } from "../services/AgentStream.ts"

export interface Options {
  readonly conversationId: string
  readonly messageId: string
  /** After this time without a frame a comment is sent. */
  readonly heartbeat: Duration.Input
  /** The longest that the stream lasts from its first frame. */
  readonly maxDuration: Duration.Input
  /** The most that the agent may say, in bytes of UTF-8. */
  readonly maxBytes: number
  /** Completes when this process ends and can wait no longer; `Effect.never` if it never does. */
  readonly drain: Effect.Effect<void>
}

const headers = {
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
  "x-vercel-ai-ui-message-stream": "v1"
}

type EventPull = Pull.Pull<readonly [AgentEvent, ...Array<AgentEvent>], AgentError>

/**
 * What is written and not yet taken by the socket. The writer waits until it is empty before it asks the agent for more,
 * so it holds one chunk of the agent's, and the frames of the end.
 */
class Outbox {
  private text = ""
  private closed = false
  private takenAt: bigint
  private readonly clock: Clock.Clock
  private readonly filled = Latch.makeUnsafe(false)
  private readonly emptied = Latch.makeUnsafe(true)

  constructor(clock: Clock.Clock) {
    this.clock = clock
    this.takenAt = clock.monotonicTimeNanosUnsafe()
  }

  /** Waits until the socket took everything. */
  readonly empty = this.emptied.await

  put(text: string): void {
    if (text === "" || this.closed) return
    this.text += text
    this.emptied.closeUnsafe()
    this.filled.openUnsafe()
  }

  /** Nothing is put any more; what is there is still taken. */
  close(): void {
    this.closed = true
    this.filled.openUnsafe()
  }

  /** Puts a comment whenever nothing was taken for `millis`. Never ends. */
  beat(millis: number): Effect.Effect<never> {
    return Effect.suspend(() => {
      const idle = Number((this.clock.monotonicTimeNanosUnsafe() - this.takenAt) / 1_000_000n)
      const due = idle >= millis
      if (due && this.text === "") this.put(ChatStream.comment)
      return Effect.sleep(due ? millis : millis - idle)
    }).pipe(Effect.forever)
  }

  /** Takes what is there, or waits for it; done after the last. */
  readonly take: Pull.Pull<readonly [Uint8Array]> = Effect.flatMap(this.filled.await, () => {
    if (this.text === "") return Cause.done()
    const bytes = Buffer.from(this.text)
    this.text = ""
    this.takenAt = this.clock.monotonicTimeNanosUnsafe()
    if (!this.closed) this.filled.closeUnsafe()
    this.emptied.openUnsafe()
    return Effect.succeed([bytes] as const)
  })
}

/** What is told to the log of an error before the answer began; what to answer is the handler's matter. */
const logRefusal = (error: AgentRefused | AgentTimeout, messageId: string) =>
  Effect.logWarning("The agent did not accept a message").pipe(
    Effect.annotateLogs({
      messageId,
      error: error._tag,
      ...(error._tag === "AgentRefused" ? { reason: error.reason } : {})
    })
  )

/** Names the failure that a cause is for the visitor, and tells the log what it was. */
const failureOf = Effect.fnUntraced(function* (cause: Cause.Cause<AgentError | Cause.Done>, messageId: string) {
  const error = Option.getOrUndefined(Cause.findErrorOption(cause))
  if (error === undefined || Cause.hasDies(cause)) {
    yield* Effect.logError("A chat stream died", cause).pipe(Effect.annotateLogs({ messageId }))
    return "internal" as const
  }
  const reason = "reason" in error ? error.reason : Cause.isDone(error) ? "it ended without a finish" : "it was silent"
  yield* Effect.logWarning("An agent's stream failed").pipe(
    Effect.annotateLogs({ messageId, error: error._tag, reason })
  )
  return error._tag === "AgentTimeout" ? ("agent-timeout" as const) : ("agent-broken" as const)
})

/** Tells the log that we ended a stream ourselves; of the other failures it knows already. */
const logBound = (failure: ChatStream.Failure | null, messageId: string) =>
  failure === "too-long" || failure === "too-much" || failure === "shutting-down"
    ? Effect.annotateLogs(Effect.logInfo("A chat stream was ended"), { messageId, reason: failure })
    : Effect.void

/**
 * Waits until the agent accepts, then answers 200 with the stream. A failure before that is the typed one; a failure
 * after it, a defect, a bound or the process's end is told in the stream, which always ends with `[DONE]`. The log gets
 * the reason in both cases, the visitor a sentence.
 *
 * The agent's stream lives in the request's scope, which Effect's servers keep open until the body is sent: when the
 * visitor goes, before or after the first event, it is interrupted. The handler must be interruptible for that. The agent
 * is asked for more only after the socket took what it said.
 */
export const make = Effect.fnUntraced(function* (
  agent: Stream.Stream<AgentEvent, AgentError>,
  options: Options
): Effect.fn.Return<HttpServerResponse.HttpServerResponse, AgentRefused | AgentTimeout, Scope.Scope> {
  const { messageId } = options
  const requestScope = yield* Effect.scope
  const agentScope = yield* Scope.fork(requestScope)
  const pull: EventPull = yield* Scope.provide(Stream.toPull(agent), agentScope)

  const first = yield* Effect.raceFirst(
    pull,
    Effect.flatMap(options.drain, () => Effect.fail(new AgentRefused({ reason: "the service is shutting down" })))
  ).pipe(
    Effect.mapError((error) => {
      if (error._tag === "AgentBroken") return new AgentRefused({ reason: error.reason })
      return Cause.isDone(error) ? new AgentRefused({ reason: "the agent's stream was empty" }) : error
    }),
    Effect.tapError((error) => logRefusal(error, messageId)),
    Effect.onError((cause) => Scope.close(agentScope, Exit.failCause(cause)))
  )

  const outbox = new Outbox(yield* Clock.Clock)
  let [state, frames] = ChatStream.encodeAll(ChatStream.initial(options), first)
  outbox.put(ChatStream.comment + frames)

  const write = (events: Iterable<ChatStream.Event>) => {
    ;[state, frames] = ChatStream.encodeAll(state, events)
    outbox.put(frames)
  }

  const read = Effect.suspend(function loop(): Effect.Effect<ChatStream.Failure | null> {
    if (ChatStream.isEnded(state)) return Effect.succeed(state.failure)
    return outbox.empty.pipe(
      Effect.andThen(pull),
      Effect.matchCauseEffect({
        onFailure: (cause) => failureOf(cause, messageId),
        onSuccess: (events) => {
          write(events)
          return loop()
        }
      })
    )
  })

  yield* Effect.raceAllFirst<Effect.Effect<ChatStream.Failure | null>>([
    read,
    Effect.as(Effect.sleep(options.maxDuration), "too-long"),
    Effect.as(options.drain, "shutting-down"),
    outbox.beat(Duration.toMillis(options.heartbeat))
  ]).pipe(
    Effect.flatMap((failure) => {
      if (failure !== null) write([{ _tag: "Failed", failure }])
      outbox.close()
      return Effect.andThen(Scope.close(agentScope, Exit.void), logBound(failure, messageId))
    }),
    Effect.forkIn(requestScope)
  )

  return HttpServerResponse.stream(Stream.fromPull(Effect.succeed(outbox.take)), {
    contentType: "text/event-stream",
    headers
  })
})
