/**
 * Detects repeated content by the digests of recent submissions. The number of digests is bounded. Each process has its own: it
 * knows only the submissions that it received, and forgets them when it restarts. Pure: the time is an argument.
 *
 * @module
 */
import { hourMillis } from "../platform/text/Calendar.ts"

interface Occurrences {
  /** The time of the last occurrence, in milliseconds since 1970. */
  readonly lastAt: number
  readonly times: number
  /** The `Idempotency-Key` of the last occurrence, or null. */
  readonly key: string | null
}

/** How long a digest is remembered after its last occurrence, in milliseconds. */
export const windowMillis = hourMillis

export interface Repetitions {
  /**
   * Records a submission and returns how many times the same content was sent before, each within `windowMillis` of the
   * next. A retry, which has the same idempotency key as the last occurrence, does not count.
   */
  readonly record: (digest: string, key: string | null, now: number) => number
  /** Takes back the last `record` of a digest whose submission was not stored, so that the next attempt is no repetition. */
  readonly forget: (digest: string) => void
}

/** Keeps at most `capacity` digests; evicts the least recent first. */
export const make = (capacity: number): Repetitions => {
  const occurrences = new Map<string, Occurrences>()
  // One iterator for all evictions: a new one would skip all deleted entries of the map again.
  const byAge = occurrences.keys()
  return {
    record: (digest, key, now) => {
      const last = occurrences.get(digest)
      const isRecent = last !== undefined && Math.abs(now - last.lastAt) <= windowMillis
      const isRetry = isRecent && key !== null && key === last.key
      const before = isRecent ? (isRetry ? last.times - 1 : last.times) : 0
      // A Map keeps the order of insertion, so that its first key is the least recent.
      occurrences.delete(digest)
      occurrences.set(digest, { lastAt: now, times: before + 1, key })
      if (occurrences.size > capacity) occurrences.delete(byAge.next().value ?? digest)
      return before
    },
    forget: (digest) => {
      const last = occurrences.get(digest)
      if (last === undefined) return
      if (last.times === 1) occurrences.delete(digest)
      else occurrences.set(digest, { ...last, times: last.times - 1, key: null })
    }
  }
}
