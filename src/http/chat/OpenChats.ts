/**
 * All open chats of a process: one fiber for their deadlines, and one for the end of the process.
 *
 * @module
 */
import { type Context, Effect, type Scope } from "effect"
import * as DeadlineScheduler from "../../runtime/DeadlineScheduler.ts"
import * as ChatMetrics from "./ChatMetrics.ts"

/** An open chat with a deadline. */
export interface OpenChat extends DeadlineScheduler.Scheduled {
  /** Called when the grace period is over. */
  readonly drain: () => void
}

export interface OpenChats {
  readonly scheduler: DeadlineScheduler.DeadlineScheduler
  readonly metrics: ChatMetrics.ChatMetrics
  /** The services of every chat: the clock and the log. */
  readonly services: Context.Context<never>
  /** Whether the grace period is over: no chat may begin. */
  readonly isDrained: () => boolean
  readonly add: (chat: OpenChat) => void
  /** Removes a chat and its deadline. */
  readonly remove: (chat: OpenChat) => void
}

/** Makes the set of open chats. `drain` completes when the grace period of this process is over. */
export const make = Effect.fnUntraced(function* (
  drain: Effect.Effect<void>
): Effect.fn.Return<OpenChats, never, Scope.Scope> {
  const scheduler = yield* DeadlineScheduler.make
  const metrics = yield* ChatMetrics.make
  const chats = new Set<OpenChat>()
  let isDrained = false
  const drainAll = Effect.sync(() => {
    isDrained = true
    for (const chat of [...chats]) chat.drain()
  })
  yield* Effect.forkScoped(Effect.andThen(drain, drainAll))
  return {
    scheduler,
    metrics,
    services: yield* Effect.context(),
    isDrained: () => isDrained,
    add: (chat) => void chats.add(chat),
    remove: (chat) => {
      chats.delete(chat)
      scheduler.cancel(chat)
    }
  }
})
