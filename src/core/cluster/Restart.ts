/**
 * How long to wait before a worker that died is started again. Pure.
 *
 * @module
 */

/** How often in a row a worker died soon after its start. */
export type Failures = number

/** Whoever served for this long was well, and what happened since is a new matter. Milliseconds. */
const steady = 10_000

const least = 100
const most = 10_000

/** Before anything has failed. */
export const none: Failures = 0

/**
 * What is known after a worker died, and how long to wait, in milliseconds: the least after one that had served for long,
 * and twice as long after each that had not, so that nothing is started in a busy loop.
 */
export const after = (
  failures: Failures,
  servedMillis: number
): { readonly failures: Failures; readonly delayMillis: number } => {
  const now = servedMillis >= steady ? 1 : failures + 1
  // Beyond it twice as long is more than the most in any case.
  return { failures: now, delayMillis: Math.min(most, least * 2 ** Math.min(now - 1, 10)) }
}
