/**
 * The open chats of a process. One fiber watches all their deadlines, and another ends the chats when the grace period is over.
 *
 * @module
 */
import { type Context, Effect, type Scope } from "effect"
import * as DeadlineScheduler from "../runtime/DeadlineScheduler.ts"
import * as ChatMetrics from "./ChatMetrics.ts"

/** An open chat with a deadline. */
export interface OpenChat extends DeadlineScheduler.Scheduled {
  /** Ends the chat because the grace period is over. */
  readonly cutAtGraceEnd: () => void
}

export interface OpenChats {
  readonly scheduler: DeadlineScheduler.DeadlineScheduler
  readonly metrics: ChatMetrics.ChatMetrics
  /** The services of every chat: the clock and the log. */
  readonly services: Context.Context<never>
  /** Whether the grace period is over: no chat may begin. */
  readonly isGraceOver: () => boolean
  readonly add: (chat: OpenChat) => void
  /** Removes a chat and its deadline. */
  readonly remove: (chat: OpenChat) => void
}

/** Makes the set of open chats. `graceExpired` completes when the grace period of this process is over. */
export const make = Effect.fnUntraced(function* (
  graceExpired: Effect.Effect<void>
): Effect.fn.Return<OpenChats, never, Scope.Scope> {
  const scheduler = yield* DeadlineScheduler.make
  const metrics = yield* ChatMetrics.make
  const chats = new Set<OpenChat>()
  let isGraceOver = false
  const cutAll = Effect.sync(() => {
    isGraceOver = true
    for (const chat of [...chats]) chat.cutAtGraceEnd()
  })
  yield* Effect.forkScoped(Effect.andThen(graceExpired, cutAll))
  return {
    scheduler,
    metrics,
    services: yield* Effect.context(),
    isGraceOver: () => isGraceOver,
    add: (chat) => void chats.add(chat),
    remove: (chat) => {
      chats.delete(chat)
      scheduler.cancel(chat)
    }
  }
})
