/**
 * Follows the answers that run in other processes and have readers in this one. One query reads all these answers from the
 * store, regardless of the number of readers.
 *
 * @module
 */
import { Duration, Effect, Exit, Latch, type Scope } from "effect"
import * as AnswerParts from "../core/chat/conversation/AnswerParts.ts"
import * as Rounds from "../runtime/Rounds.ts"
import { AgentBroken } from "../services/chat/AgentStream.ts"
import type { AnswerProgress, ConversationStore } from "../services/chat/ConversationStore.ts"
import { AnswerLog } from "./AnswerLog.ts"
import type { EventSource } from "./EventSource.ts"

/** How often the store is read: as often as the events of a running answer are stored. */
const interval = Duration.millis(100)

class FollowedAnswer {
  readonly log: AnswerLog
  position = 0
  /** The parts of the events so far. */
  private folded = AnswerParts.none

  constructor(onReaders: (readers: number) => void) {
    this.log = new AnswerLog(onReaders)
    // The agent of a running answer has accepted the request, so a reader's response can begin at once.
    this.log.push([{ _tag: "Accepted" }])
  }

  /** Adds the events that were stored since the last read. `progress` is undefined if the answer was deleted. */
  take(progress: AnswerProgress | undefined): void {
    if (progress === undefined) {
      this.fail("the answer was deleted")
      return
    }
    const { ended, events, next } = progress
    this.folded = AnswerParts.addAll(this.folded, events)
    this.position = next
    this.log.push(events)
    if (ended !== null) {
      this.log.push(AnswerParts.missing(this.folded, ended.parts))
      this.log.endWith(ended.ending)
    }
  }

  fail(reason: string): void {
    this.log.end(Exit.fail(new AgentBroken({ reason })))
  }
}

export interface FollowedAnswers {
  /**
   * The events of an answer that runs in another process, from its first on. Fails if the answer fails or is deleted, or the
   * store is unavailable.
   */
  readonly read: (answerId: string) => EventSource
}

/** Follows answers as long as the scope is open. */
export const make = Effect.fnUntraced(function* (
  store: ConversationStore["Service"]
): Effect.fn.Return<FollowedAnswers, never, Scope.Scope> {
  const followed = new Map<string, FollowedAnswer>()
  const hasReaders = yield* Latch.make()

  const unfollow = (answerId: string, answer: FollowedAnswer): void => {
    if (followed.get(answerId) === answer) followed.delete(answerId)
    if (followed.size === 0) hasReaders.closeUnsafe()
  }

  const follow = (answerId: string): FollowedAnswer => {
    const answer: FollowedAnswer = new FollowedAnswer((readers) => {
      if (readers === 0) unfollow(answerId, answer)
    })
    followed.set(answerId, answer)
    hasReaders.openUnsafe()
    return answer
  }

  const readStore = Effect.suspend(() => {
    const answers = [...followed]
    const queries = answers.map(([answerId, { position }]) => ({ answerId, position }))
    return Effect.flatMap(Effect.exit(store.follow(queries)), (found) => {
      for (const [answerId, answer] of answers) {
        if (Exit.isSuccess(found)) answer.take(found.value.get(answerId))
        else answer.fail("the store is unavailable")
        if (answer.log.exit !== undefined) unfollow(answerId, answer)
      }
      return found
    })
  })
  yield* hasReaders.await.pipe(
    Effect.andThen(readStore),
    // The readers got the error already.
    Effect.catch(() => Effect.void),
    Rounds.recover("The answers of other processes could not be read; retrying"),
    Effect.andThen(Effect.sleep(interval)),
    Effect.forever,
    Effect.forkScoped
  )

  return {
    read: (answerId) => (sink, scope) =>
      Effect.suspend(() => (followed.get(answerId) ?? follow(answerId)).log.read(sink, scope))
  }
})
