/**
 * The events of one running answer, written once and read by any number of readers, each at its own pace.
 *
 * @module
 */
import { Cause, Channel, Effect, Exit, Option, type Pull, Scope, Stream } from "effect"
import type { AgentEvent } from "../../core/chat/Agent.ts"
import * as AnswerEnd from "../../core/chat/AnswerEnd.ts"
import * as AnswerPieces from "../../core/chat/AnswerPieces.ts"
import type { AnswerEnding } from "../../core/chat/Conversation.ts"
import { AgentBroken, type AgentError } from "../../services/chat/AgentStream.ts"

type Events = ReadonlyArray<AgentEvent>
type EventPull = Pull.Pull<readonly [AgentEvent, ...Array<AgentEvent>], AgentError>

export class AnswerLog {
  readonly #events: Array<AgentEvent> = []
  readonly #waiting = new Set<() => void>()
  #exit: Exit.Exit<void, AgentError> | undefined
  #readers = 0
  readonly #onReaders: (readers: number) => void

  /** @param onReaders called with the number of readers when it changes, until the log ends */
  constructor(onReaders: (readers: number) => void) {
    this.#onReaders = onReaders
  }

  /** How many events there are. */
  get length(): number {
    return this.#events.length
  }

  get isEnded(): boolean {
    return this.#exit !== undefined
  }

  /** The events from a position on. */
  since(position: number): Events {
    return this.#events.slice(position)
  }

  push(events: Iterable<AgentEvent>): void {
    for (const event of events) this.#events.push(event)
    this.#wake()
  }

  /** Ends the log: readers get the events before it, then the exit. The first end stays. */
  end(exit: Exit.Exit<void, AgentError>): void {
    this.#exit ??= exit
    this.#wake()
  }

  /** Ends the log of an answer that is stored with this ending. */
  endWith(ending: AnswerEnding): void {
    const last = AnswerEnd.lastEvent(ending)
    if (Option.isSome(last)) this.push([last.value])
    this.end(Option.isSome(last) ? Exit.void : Exit.fail(new AgentBroken({ reason: `the answer ended as ${ending}` })))
  }

  /** Counts a reader as long as the scope is open. */
  readonly hold: Effect.Effect<void, never, Scope.Scope> = Effect.suspend(() => {
    this.#count(1)
    return Effect.addFinalizer(() => Effect.sync(() => this.#count(-1)))
  })

  /** All events from the first on, as they come. Each run of the stream is a reader. */
  read(): Stream.Stream<AgentEvent, AgentError> {
    return Stream.fromChannel(
      Channel.fromTransform((_, scope) => Effect.as(Scope.provide(this.hold, scope), this.#pull()))
    )
  }

  #pull(): EventPull {
    let position = 0
    const pull: EventPull = Effect.suspend(() => {
      if (position < this.#events.length) {
        const events = AnswerPieces.joinTexts(this.since(position))
        position = this.#events.length
        return Effect.succeed(events as [AgentEvent, ...Array<AgentEvent>])
      }
      if (this.#exit === undefined) return Effect.flatMap(this.#grown, () => pull)
      return Exit.isSuccess(this.#exit) ? Cause.done() : Effect.failCause(this.#exit.cause)
    })
    return pull
  }

  readonly #grown = Effect.callback<void>((resume) => {
    const wake = () => resume(Effect.void)
    this.#waiting.add(wake)
    return Effect.sync(() => this.#waiting.delete(wake))
  })

  #count(change: number): void {
    this.#readers += change
    if (this.#exit === undefined) this.#onReaders(this.#readers)
  }

  #wake(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const wake of waiting) wake()
  }
}
