/**
 * Tracks which events of a running answer are stored, and which are stored next. At regular intervals (rounds), the new events of
 * an answer are stored together, as one piece.
 *
 * @module
 */
import { Effect, Latch } from "effect"
import type { AgentEvent } from "../core/chat/agent/Agent.ts"
import type { AnswerLog } from "./AnswerLog.ts"

export class PieceProgress {
  /** How many events are stored. Texts that were joined count as one. */
  position = 0
  /** How many of the log's events are stored or pending. */
  private taken = 0
  /** How many events the log had in the previous round. */
  private previousLength = 0
  private pending: ReadonlyArray<AgentEvent> = []
  private readonly idle = Latch.makeUnsafe(true)
  private isClosed = false

  /**
   * Begins a round, and returns whether to store events in it: true if some have waited since the previous round. So an answer
   * that ends within a round stores no piece, and a piece of a long answer has the events of two rounds.
   */
  beginRound(log: AnswerLog): boolean {
    const hasWaited = this.pending.length > 0 || this.previousLength > this.taken
    this.previousLength = log.length
    return hasWaited
  }

  /**
   * The events to store. If the previous attempt failed, its events come first, and newer ones follow. If that attempt has
   * stored its events nevertheless, both pieces begin with the same events.
   */
  next(log: AnswerLog): ReadonlyArray<AgentEvent> {
    if (this.isClosed) return []
    if (log.length > this.taken) {
      this.pending = [...this.pending, ...log.since(this.taken)]
      this.taken = log.length
    }
    if (this.pending.length > 0) this.idle.closeUnsafe()
    return this.pending
  }

  /** Records that the events that `next` returned are stored. */
  markStored(): void {
    this.position += this.pending.length
    this.pending = []
  }

  /** Records that the attempt to store has ended, successfully or not. */
  markAttemptEnded(): void {
    this.idle.openUnsafe()
  }

  /** Stores no further events, and waits until none is being stored. */
  get close(): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.isClosed = true
      return Effect.asVoid(this.idle.await)
    })
  }
}
