/**
 * The exponential backoff before a worker that died is restarted. Pure.
 *
 * @module
 */

/** The number of deaths in the current series. A death of a healthy worker begins a series, as its first. */
export type Failures = number

/** A worker that served for this long, in milliseconds, was healthy. */
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
