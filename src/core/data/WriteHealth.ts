/**
 * Decides whether a store takes writes, from what became of the last ones. Pure: the time is given.
 *
 * @module
 */

/** The kinds of writes whose last one failed, each with the time of that, in milliseconds of a monotonic clock. */
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

/** How long a failure counts without a further one, in milliseconds. */
export const memoryMillis = 2_000

/**
 * - `writable`: no kind's last write failed.
 * - `failing`: one failed just now.
 * - `unknown`: one failed, and nobody has tried since. A process that is taken out of a load balancer for it gets no more
 *   writes, so it has to try by itself.
 */
export type Verdict = "writable" | "failing" | "unknown"

export const verdict = (failures: Failures, now: number): Verdict => {
  if (failures.size === 0) return "writable"
  for (const failedAt of failures.values()) if (now - failedAt < memoryMillis) return "failing"
  return "unknown"
}
