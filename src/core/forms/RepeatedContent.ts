/**
 * Remembers which contents were sent lately, as digests, to tell repeated content. Bounded, and of this process alone:
 * behind several processes each sees its share, and a restart forgets. Pure: the time is given.
 *
 * @module
 */

interface Sighting {
  /** Milliseconds since 1970, the last time. */
  readonly seenAt: number
  readonly times: number
  /** The `Idempotency-Key` it came with the last time, or null. */
  readonly key: string | null
}

/** How long a content is remembered, in milliseconds. */
export const memoryMillis = 60 * 60 * 1000

export interface Repetitions {
  /**
   * How often the same was sent before, within the hour; and remembers that it was sent now. The same under the same
   * idempotency key is one submission that is sent again, and does not count.
   */
  readonly record: (digest: string, key: string | null, now: number) => number
}

/** A memory of at most `capacity` contents; beyond it the one that was not sent for longest is forgotten. */
export const make = (capacity: number): Repetitions => {
  const seen = new Map<string, Sighting>()
  // One iterator for good: it goes on behind what it gave and what was deleted, where a new one would look at all of that.
  const byAge = seen.keys()
  return {
    record: (digest, key, now) => {
      const last = seen.get(digest)
      const fresh = last !== undefined && Math.abs(now - last.seenAt) <= memoryMillis
      const again = fresh && key !== null && key === last.key
      const before = fresh ? (again ? last.times - 1 : last.times) : 0
      // Put at the end: a Map keeps the order, so that the first is the one to forget.
      seen.delete(digest)
      seen.set(digest, { seenAt: now, times: before + 1, key })
      if (seen.size > capacity) seen.delete(byAge.next().value ?? digest)
      return before
    }
  }
}
