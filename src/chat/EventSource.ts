/**
 * Where the events of a chat come from: the stream of an agent, or the log of a running answer.
 *
 * @module
 */
import { type Cause, Channel, Effect, type Pull, type Scope, Stream } from "effect"
import type { AgentEvent } from "../core/chat/agent/Agent.ts"
import type { AgentError } from "../services/chat/AgentStream.ts"

/** Receives events, with backpressure. */
export interface EventSink {
  /** Whether the sink needs no more events. */
  readonly isOver: boolean
  /** Whether the reader of the sink has taken all events that were pushed. */
  readonly isEmpty: boolean
  /** Calls back as soon as the sink is empty. Only one callback may wait at a time. */
  readonly whenEmpty: (callback: () => void) => void
  readonly push: (events: Iterable<AgentEvent>) => void
}

/**
 * Pushes events each time the sink is empty, until there are no more or the sink is over. Releases its resources with the
 * scope. Fails with `Done` if a stream ends before the sink is over.
 */
export type EventSource = (sink: EventSink, scope: Scope.Scope) => Effect.Effect<void, AgentError | Cause.Done>

type EventPull = Pull.Pull<readonly [AgentEvent, ...Array<AgentEvent>], AgentError>

const untilEmpty = (sink: EventSink): Effect.Effect<void> =>
  Effect.callback((resume) => sink.whenEmpty(() => resume(Effect.void)))

/** Pulls the next events each time the sink is empty. A class, because each idle chat retains a pump, and closures are larger. */
class Pump {
  private readonly pull: EventPull
  private readonly sink: EventSink

  constructor(pull: EventPull, sink: EventSink) {
    this.pull = pull
    this.sink = sink
  }

  while(): boolean {
    return !this.sink.isOver
  }

  body(): EventPull {
    return this.sink.isEmpty ? this.pull : Effect.andThen(untilEmpty(this.sink), this.pull)
  }

  step(events: Iterable<AgentEvent>): void {
    this.sink.push(events)
  }
}

/** The events of a stream. Once the stream has started, it is not retained. */
export const fromStream =
  (stream: Stream.Stream<AgentEvent, AgentError>): EventSource =>
  (sink, scope) =>
    Effect.flatMap(Channel.toPullScoped(Stream.toChannel(stream), scope), (pull) =>
      Effect.whileLoop(new Pump(pull, sink))
    )

/** Pushes an event at once, before those of the source. */
export const startingWith =
  (event: AgentEvent, source: EventSource): EventSource =>
  (sink, scope) =>
    Effect.suspend(() => {
      sink.push([event])
      return source(sink, scope)
    })
