/**
 * When the beginning and the end of a problem are mailed. Pure: times are arguments, in milliseconds since 1970.
 *
 * A problem is mailed when it has lasted for a while, and its end when it has been gone for a while, so that one that comes and
 * goes is one problem. However often it does, its beginning is mailed once a day at most.
 *
 * @module
 */
import type { Problem } from "./Problem.ts"

/** What is known about a problem that was found before. */
export interface Watched {
  /** Since when each look has found it; null while it is gone. */
  readonly seenSince: number | null
  /** Since when no look has found it; null while it is there. */
  readonly goneSince: number | null
  /** When its beginning was mailed the last time; null for never. */
  readonly begunAt: number | null
  /** Whether its end is still to be mailed. */
  readonly isMailed: boolean
}

/** How long a problem lasts before it is mailed. */
export const beginAfter = 10 * 60_000

/** How long a mailed problem is gone before its end is mailed. */
export const endAfter = 60 * 60_000

/** The minimum time between two mails about the beginning of the same problem. */
export const beginApart = 24 * 60 * 60_000

export type Mailed = "began" | "ended"

/** What follows from a look: what is known then, null if it can be forgotten; and what is mailed. */
export interface Step {
  readonly watched: Watched | null
  readonly mailed: Mailed | null
}

const unknown: Watched = { seenSince: null, goneSince: null, begunAt: null, isMailed: false }

const mayBegin = ({ begunAt }: Watched, now: number): boolean => begunAt === null || now - begunAt >= beginApart

/** What follows from a look at `now` that finds a problem, or that does not find one that was found before. */
export const step = (before: Watched | null, isFound: boolean, now: number): Step => {
  const known = before ?? unknown
  if (isFound) {
    const seenSince = known.seenSince ?? now
    const watched = { ...known, seenSince, goneSince: null }
    return !known.isMailed && now - seenSince >= beginAfter && mayBegin(known, now)
      ? { watched: { ...watched, begunAt: now, isMailed: true }, mailed: "began" }
      : { watched, mailed: null }
  }
  const goneSince = known.goneSince ?? now
  const watched = { ...known, seenSince: null, goneSince }
  if (known.isMailed) {
    return now - goneSince >= endAfter
      ? { watched: { ...watched, isMailed: false }, mailed: "ended" }
      : { watched, mailed: null }
  }
  return { watched: mayBegin(known, now) ? null : watched, mailed: null }
}

/**
 * Identifies a problem among those of its website over time. All refused origins are one problem: anyone can make more of them. A
 * webhook that fails and is then disabled is one, too.
 */
const keyOf = ({ field, kind, subject, subject_id }: Problem): string => {
  if (kind === "origin_refused") return kind
  const family = kind === "webhook_disabled" ? "webhook_failing" : kind
  return JSON.stringify([family, ...(subject_id === null ? [subject, field] : [subject_id])])
}

/** The problems by their keys; of several with one key the first, which is the most urgent. */
export const byKey = (problems: ReadonlyArray<Problem>): ReadonlyMap<string, Problem> =>
  new Map(problems.toReversed().map((problem) => [keyOf(problem), problem]))

/** Whether the beginning of a problem is mailed as such: about a disabled webhook, every recipient gets a mail anyway. */
export const isBeginningMailed = ({ kind }: Pick<Problem, "kind">): boolean => kind !== "webhook_disabled"
