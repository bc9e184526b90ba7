/**
 * Whether an instance answers its visitors, by its latest answers. Pure.
 *
 * @module
 */
import * as AnswerParts from "./AnswerParts.ts"
import type { AgentAnswer, Conversation } from "./Conversation.ts"
import * as Transcript from "./Transcript.ts"

/** How an answer ended for its visitor. */
export interface Outcome {
  /** When the answer began, in milliseconds since 1970. */
  readonly at: number
  readonly isMissing: boolean
}

export interface AnswerHealth {
  /** When the latest answer began that its visitor got, in milliseconds since 1970; null if there is none. */
  readonly answeredAt: number | null
  /** How many answers failed since then. */
  readonly failed: number
  /** When the first of these began; null if there is none. */
  readonly failingSince: number | null
}

/** The maximum number of conversations whose answers are read. */
export const windowSize = 20

/** The maximum number of answers that are read. */
export const maxOutcomes = 100

/** Whether an answer shows that the agent works or fails. One that still runs, or that its visitor ended at once, does not. */
const isConclusive = ({ ending, parts }: AgentAnswer): boolean =>
  ending !== null &&
  (!(Transcript.endedByVisitor as ReadonlyArray<string>).includes(ending) || AnswerParts.sizeOf(parts) > 0)

/**
 * The outcomes of the latest answers, latest first; of simultaneous answers, those that failed come first. Only the conversations with the latest messages are read, so answers from
 * before the oldest of these are left out: others of that time are not read.
 *
 * @param conversations those of one instance, latest `updatedAt` first
 */
export const outcomesOf = (conversations: ReadonlyArray<Conversation>): ReadonlyArray<Outcome> => {
  const latest = conversations.slice(0, windowSize)
  const since = latest.length < windowSize ? undefined : latest.at(-1)?.updatedAt
  return latest
    .flatMap(({ messages }) => messages)
    .flatMap((message) =>
      message.role === "assistant" && isConclusive(message)
        ? [{ at: message.createdAt, isMissing: Transcript.isMissing(message) }]
        : []
    )
    .filter(({ at }) => since === undefined || at >= since)
    .sort((left, right) => right.at - left.at || Number(right.isMissing) - Number(left.isMissing))
    .slice(0, maxOutcomes)
}

/** @param outcomes latest first */
export const of = (outcomes: ReadonlyArray<Outcome>): AnswerHealth => {
  const index = outcomes.findIndex(({ isMissing }) => !isMissing)
  const failures = index === -1 ? outcomes : outcomes.slice(0, index)
  return {
    answeredAt: outcomes[index]?.at ?? null,
    failed: failures.length,
    failingSince: failures.at(-1)?.at ?? null
  }
}
