/**
 * Records which questions the agents of instances do not answer, so that the problems of a website can name them (`health`). See
 * `chat/postgres/AgentFailures` for the layer of deployments.
 *
 * @module
 */
import { Context, type Effect } from "effect"
import { type AgentError, reasonOf } from "./AgentStream.ts"

/** `tokens-used`: the question was refused because the tokens of the day were used. */
export const kinds = ["failed", "tokens-used"] as const

export type Kind = (typeof kinds)[number]

/** What became of a question. */
export type Outcome =
  | { readonly _tag: "Answered" }
  /** `reason` is that of the log: it has no text of the agent or of the visitor. */
  | { readonly _tag: "Failed"; readonly kind: Kind; readonly reason: string }

/** Failures of one kind, one after another. Times are milliseconds since 1970. */
export interface Series {
  readonly times: number
  readonly since: number
  readonly lastAt: number
  /** The reason of the last one. */
  readonly reason: string
}

/**
 * Whether failures, one after another, show that the agent does not answer. One may be an accident, which the next answer ends.
 */
export const isFailing = ({ times }: Pick<Series, "times">): boolean => times >= 2

/** The outcomes of an instance that are not stored yet: the last answer, and the failures after it. */
export interface Outcomes {
  readonly answeredAt: number | null
  readonly failures: ReadonlyMap<Kind, Series>
}

export const none: Outcomes = { answeredAt: null, failures: new Map() }

/** Adds an outcome at `at`, in milliseconds since 1970. Pure. */
export const add = ({ answeredAt, failures }: Outcomes, outcome: Outcome, at: number): Outcomes => {
  if (outcome._tag === "Answered") return { answeredAt: at, failures: new Map() }
  const { kind, reason } = outcome
  const before = failures.get(kind)
  const series = { times: (before?.times ?? 0) + 1, since: before?.since ?? at, lastAt: at, reason }
  return { answeredAt, failures: new Map(failures).set(kind, series) }
}

/** Longer reasons are cut, in UTF-16 units. */
const maxReason = 200

export const failed = (error: AgentError): Outcome => ({
  _tag: "Failed",
  kind: error._tag === "DailyTokensUsed" ? "tokens-used" : "failed",
  reason: reasonOf(error).slice(0, maxReason).toWellFormed()
})

export class AgentFailures extends Context.Service<
  AgentFailures,
  {
    /**
     * Records what became of a question at the current time. It never fails and never waits for the store. An answer ends the
     * failures before it.
     */
    readonly record: (instanceId: string, outcome: Outcome) => Effect.Effect<void>
    /** Stores at once what this process has recorded, so that the next read of the failures finds it. It never fails. */
    readonly flush: Effect.Effect<void>
  }
>()("hydracore/chat/AgentFailures") {}
