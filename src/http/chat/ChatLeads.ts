/**
 * Credits a visit with the chat that begins in it (see `services/analytics/Leads`).
 *
 * @module
 */
import { Clock, Effect, FiberSet } from "effect"
import * as PageView from "../../core/analytics/PageView.ts"
import type { Instance } from "../../core/chat/Instance.ts"
import { Leads } from "../../services/analytics/Leads.ts"
import type { RequestHead } from "../request/RequestHead.ts"
import * as Question from "./Question.ts"

/** The tracker's session that the page names, if the question begins a conversation on a website; null otherwise. */
export const sessionOf = (
  { headers }: RequestHead,
  question: Question.Question,
  { websiteConfigId }: Instance
): string | null =>
  websiteConfigId !== null && Question.isFirst(question) ? PageView.sessionIdOf(headers["x-hydracore-session"]) : null

/**
 * Makes the function that stores the lead of a chat whose conversation is not stored. The visitor does not wait: the lead is
 * lost if the process or the database fails within the milliseconds that the statement takes.
 */
export const make = Effect.gen(function* () {
  const { addChat } = yield* Leads
  const clock = yield* Clock.Clock
  const fork = yield* FiberSet.makeRuntime()
  return (instanceId: string, sessionId: string): void => {
    fork(Effect.ignore(addChat({ instanceId, sessionId, receivedAt: clock.currentTimeMillisUnsafe() })))
  }
})
