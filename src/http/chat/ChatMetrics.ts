/**
 * Measures chats: how their streams end, how their agents fail, the time to the first text, and the tokens.
 *
 * @module
 */
import { Effect } from "effect"
import * as Metrics from "../../core/metrics/Metrics.ts"

export interface ChatMetrics {
  readonly ended: (reason: Metrics.ChatEnd) => void
  readonly agentFailed: (kind: Metrics.AgentFailureKind) => void
  /** From the request to the agent. */
  readonly firstToken: (millis: number) => void
  readonly tokens: (count: number) => void
}

export const make: Effect.Effect<ChatMetrics> = Effect.contextWith((context) => {
  const firstToken = Metrics.chatFirstToken({})
  const tokens = Metrics.chatTokens({})
  const ends = new Map(Metrics.chatEnds.map((reason) => [reason, Metrics.chatStreams({ reason })]))
  const failures = new Map(Metrics.agentFailureKinds.map((kind) => [kind, Metrics.agentFailures({ kind })]))
  // A series is shown before its first value: a rate needs its zero.
  for (const metric of [firstToken, tokens, ...ends.values(), ...failures.values()]) metric.valueUnsafe(context)
  return Effect.succeed({
    ended: (reason) => ends.get(reason)?.updateUnsafe(1, context),
    agentFailed: (kind) => failures.get(kind)?.updateUnsafe(1, context),
    firstToken: (millis) => firstToken.updateUnsafe(Metrics.seconds(millis), context),
    tokens: (count) => tokens.updateUnsafe(count, context)
  })
})
