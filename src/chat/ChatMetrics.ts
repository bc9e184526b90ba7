/**
 * Measures chats: how their streams end, how their agents fail, the time to the first text, and the tokens.
 *
 * @module
 */
import { Cause, Effect, Option } from "effect"
import * as Metrics from "../platform/telemetry/Metrics.ts"
import type { AgentError } from "./AgentStream.ts"

export interface ChatMetrics {
  readonly ended: (reason: Metrics.ChatEnd) => void
  /**
   * `isAccepted` says whether the agent had accepted the request. A defect of the edge, an interruption, and a question that
   * the edge did not send because the tokens of the day are used, are not counted.
   */
  readonly agentFailed: (cause: Cause.Cause<AgentError | Cause.Done>, isAccepted: boolean) => void
  /** The time from the request to the agent until its first text. */
  readonly firstToken: (millis: number) => void
  readonly tokens: (count: number) => void
}

/** The kind of an agent's failure; undefined if the edge failed, or did not send the question. */
const failureKind = (
  cause: Cause.Cause<AgentError | Cause.Done>,
  isAccepted: boolean
): Metrics.AgentFailureKind | undefined => {
  const error = Option.getOrUndefined(Cause.findErrorOption(cause))
  if (error === undefined) return undefined
  if (!Cause.isDone(error)) {
    if (error._tag === "DailyTokensUsed") return undefined
    if (error._tag === "AgentTimeout") return "timeout"
    if (error._tag === "AgentBusy") return "busy"
    if (error._tag === "AgentEmpty") return "empty"
  }
  return isAccepted ? "broken" : "refused"
}

export const make: Effect.Effect<ChatMetrics> = Effect.contextWith((context) => {
  const firstToken = Metrics.chatFirstToken({})
  const tokens = Metrics.chatTokens({})
  const ends = new Map(Metrics.chatEnds.map((reason) => [reason, Metrics.chatStreams({ reason })]))
  const failures = new Map(Metrics.agentFailureKinds.map((kind) => [kind, Metrics.agentFailures({ kind })]))
  // Exports each series as zero before its first value, because a rate needs a start.
  for (const metric of [firstToken, tokens, ...ends.values(), ...failures.values()]) metric.valueUnsafe(context)
  return Effect.succeed({
    ended: (reason) => ends.get(reason)?.updateUnsafe(1, context),
    agentFailed: (cause, isAccepted) => {
      const kind = failureKind(cause, isAccepted)
      if (kind !== undefined) failures.get(kind)?.updateUnsafe(1, context)
    },
    firstToken: (millis) => firstToken.updateUnsafe(Metrics.seconds(millis), context),
    tokens: (count) => tokens.updateUnsafe(count, context)
  })
})
