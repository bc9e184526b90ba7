/**
 * Whether an instance answers its visitors, by its latest answers. Pure.
 *
 * @module
 */
import { Schema } from "effect"
import * as Calendar from "../../platform/text/Calendar.ts"
import * as Examples from "../../sites/access/Examples.ts"
import * as Fields from "../../sites/access/Fields.ts"
import * as AnswerParts from "./AnswerParts.ts"
import * as Transcript from "./Transcript.ts"

/** How an answer ended for its visitor. */
export interface Outcome {
  /** When the answer began, in milliseconds since 1970. */
  readonly at: number
  readonly isMissing: boolean
}

export const AnswerHealth = Schema.Struct({
  answered_at: Fields.nullableTime.annotate({
    description: "When the latest answer began that its visitor got; null if there is none"
  }),
  failed: Schema.Int.annotate({ description: "How many answers failed since then, at most 100" }),
  failing_since: Fields.nullableTime.annotate({ description: "When the first of these answers began" })
}).annotate({
  identifier: "AnswerHealth",
  title: "AnswerHealth",
  examples: [{ answered_at: Examples.time, failed: 0, failing_since: null }]
})

export type AnswerHealth = typeof AnswerHealth.Type

/** The maximum number of conversations whose answers are read. */
export const windowSize = 20

/** The maximum number of answers that are read. */
export const maxOutcomes = 100

/** Whether an answer shows that the agent works or fails. One that still runs, or that its visitor ended at once, does not. */
const isConclusive = ({ ending = null, parts }: Transcript.TranscriptMessage): boolean =>
  ending !== null &&
  (!(Transcript.endedByVisitor as ReadonlyArray<string>).includes(ending) || AnswerParts.sizeOf(parts) > 0)

/**
 * The outcomes of the latest answers, latest first; of simultaneous answers, those that failed come first. Only the conversations with the latest messages are read, so answers from
 * before the oldest of these are left out: others of that time are not read.
 *
 * @param conversations those of one instance, latest `updatedAt` first
 */
export const outcomesOf = (conversations: ReadonlyArray<Transcript.Transcript>): ReadonlyArray<Outcome> => {
  const latest = conversations.slice(0, windowSize)
  const since = latest.length < windowSize ? undefined : latest.at(-1)?.updated_at
  return latest
    .flatMap(({ messages }) => messages)
    .flatMap((message) =>
      message.role === "assistant" && isConclusive(message)
        ? [{ at: Date.parse(message.created_at), isMissing: Transcript.isMissing(message) }]
        : []
    )
    .filter(({ at }) => since === undefined || at >= Date.parse(since))
    .sort((left, right) => right.at - left.at || Number(right.isMissing) - Number(left.isMissing))
    .slice(0, maxOutcomes)
}

/** @param outcomes latest first */
export const of = (outcomes: ReadonlyArray<Outcome>): AnswerHealth => {
  const index = outcomes.findIndex(({ isMissing }) => !isMissing)
  const failures = index === -1 ? outcomes : outcomes.slice(0, index)
  return {
    answered_at: Calendar.isoOrNull(outcomes[index]?.at ?? null),
    failed: failures.length,
    failing_since: Calendar.isoOrNull(failures.at(-1)?.at ?? null)
  }
}
