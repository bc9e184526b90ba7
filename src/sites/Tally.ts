/**
 * Counts decisions between two flushes to the store. The number of entries is bounded; decisions that do not fit are dropped.
 * Clients choose the ids that they claim, so claims may take only half of the entries. The time is an argument.
 *
 * @module
 */

import type { Subject, TallyReason } from "../platform/http/Decision.ts"
import { dateOf } from "../platform/text/Calendar.ts"

/** The decisions of one day, subject and reason. */
export interface DecisionCount {
  readonly subject: Subject
  readonly reason: TallyReason
  /** `YYYY-MM-DD`, UTC. */
  readonly day: string
  readonly times: number
}

export interface Tally {
  /** Counts a decision at `now` (milliseconds since 1970). False if it did not fit. */
  readonly add: (subject: Subject, reason: TallyReason, now: number) => boolean
  /** Returns all entries and clears the tally. */
  readonly take: () => ReadonlyArray<DecisionCount>
  /** Removes the entries of some subjects and returns them. */
  readonly remove: (isOf: (subject: Subject) => boolean) => ReadonlyArray<DecisionCount>
  readonly entries: () => ReadonlyArray<DecisionCount>
  readonly isEmpty: () => boolean
}

const keyOf = (subject: Subject, reason: TallyReason, day: string): string =>
  subject._tag === "Known"
    ? `${day} ${reason} ${subject.websiteConfigId}`
    : `${day} ${reason} ${subject.by} ${subject.id}`

/** A tally of at most `capacity` entries. */
export const make = (capacity: number): Tally => {
  let counted = new Map<string, { readonly entry: Omit<DecisionCount, "times">; times: number }>()
  let claims = 0
  const entries = () => Array.from(counted.values(), ({ entry, times }): DecisionCount => ({ ...entry, times }))
  return {
    add: (subject, reason, now) => {
      const day = dateOf(now)
      const key = keyOf(subject, reason, day)
      const known = counted.get(key)
      if (known !== undefined) {
        known.times++
        return true
      }
      const isClaim = subject._tag === "Claimed"
      if (counted.size >= capacity || (isClaim && claims >= capacity / 2)) return false
      if (isClaim) claims++
      counted.set(key, { entry: { subject, reason, day }, times: 1 })
      return true
    },
    take: () => {
      const taken = entries()
      counted = new Map()
      claims = 0
      return taken
    },
    remove: (isOf) => {
      const removed = entries().filter(({ subject }) => isOf(subject))
      for (const { day, reason, subject } of removed) {
        counted.delete(keyOf(subject, reason, day))
        if (subject._tag === "Claimed") claims--
      }
      return removed
    },
    entries,
    isEmpty: () => counted.size === 0
  }
}
