/**
 * Credits a visit with the chat that begins in it (see `services/analytics/Leads`).
 *
 * @module
 */
import { Clock, Effect, FiberSet } from "effect"
import * as PageView from "../../core/analytics/PageView.ts"
import type { Instance } from "../../core/chat/Instance.ts"
import { Leads } from "../../services/analytics/Leads.ts"
import type { RequestHead } from "../endpoints/RequestHead.ts"
import * as Question from "./Question.ts"

/**
 * Makes the function that stores a lead if the question begins a conversation and the page names the tracker's session. The
 * visitor does not wait for it.
 */
export const make = Effect.gen(function* () {
  const { addChat } = yield* Leads
  const clock = yield* Clock.Clock
  const fork = yield* FiberSet.makeRuntime()
  return ({ headers }: RequestHead, question: Question.Question, instance: Instance): void => {
    const sessionId = PageView.sessionIdOf(headers["x-hydracore-session"])
    if (sessionId === null || instance.websiteConfigId === null || !Question.isFirst(question)) return
    const lead = { instanceId: instance.instanceId, sessionId, receivedAt: clock.currentTimeMillisUnsafe() }
    fork(Effect.ignore(addChat(lead)))
  }
})
