/**
 * The exponential backoff before a worker that died is restarted. Pure.
 *
 * @module
 */

/** How many times in a row a worker died soon after its start. */
export type Failures = number

/** A worker that served for this long, in milliseconds, was healthy: its failure starts a new series. */
const healthyMillis = 10_000

const minDelayMillis = 100
const maxDelayMillis = 10_000

export const none: Failures = 0

/**
 * The failures to keep after a worker died, and the delay before its restart in milliseconds. The delay is minimal
 * after a healthy worker and doubles with each further failure, so that a worker that cannot start causes no busy loop.
 */
export const after = (
  failures: Failures,
  servedMillis: number
): { readonly failures: Failures; readonly delayMillis: number } => {
  const count = servedMillis >= healthyMillis ? 1 : failures + 1
  // The exponent is bounded, since the power would overflow; 2^10 is beyond the maximum already.
  return { failures: count, delayMillis: Math.min(maxDelayMillis, minDelayMillis * 2 ** Math.min(count - 1, 10)) }
}
