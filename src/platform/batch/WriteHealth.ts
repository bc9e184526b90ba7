/**
 * Decides whether a store accepts writes, from the outcomes of the latest writes. Pure: the time is an argument.
 *
 * @module
 */

/** The kinds of writes whose last write failed, with the time of that failure in milliseconds of a monotonic clock. */
export type Failures = ReadonlyMap<string, number>

export const none: Failures = new Map()

/** The failures after one more write. */
export const after = (failures: Failures, kind: string, outcome: "stored" | "failed", now: number): Failures => {
  if (outcome === "stored" && !failures.has(kind)) return failures
  const next = new Map(failures)
  if (outcome === "stored") next.delete(kind)
  else next.set(kind, now)
  return next
}

/** How long a failure counts as current, in milliseconds. */
export const failingMillis = 2_000

/**
 * - `writable`: the last write of every kind succeeded.
 * - `failing`: the last write of a kind failed, less than `failingMillis` ago.
 * - `unknown`: the last write of a kind failed, but each such failure is older. A load balancer may have removed the process
 *   because of the failure, so that the process gets no more writes and must try one itself.
 */
export type WriteStatus = "writable" | "failing" | "unknown"

export const statusOf = (failures: Failures, now: number): WriteStatus => {
  if (failures.size === 0) return "writable"
  for (const failedAt of failures.values()) if (now - failedAt < failingMillis) return "failing"
  return "unknown"
}
