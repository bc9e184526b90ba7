/**
 * The exponential backoff before a worker that died is restarted, so that a worker that cannot start causes no busy loop. Pure.
 *
 * @module
 */

/** A worker that served for this long, in milliseconds, was healthy: its death begins a series of failures. */
const healthyMillis = 10_000

/** The number of failures in the series, with that of a worker that served for `servedMillis`. */
export const failuresAfter = (failures: number, servedMillis: number): number =>
  servedMillis >= healthyMillis ? 1 : failures + 1

/** The delay before the next restart, in milliseconds. It doubles with each failure, from 100 ms up to 10 s. */
export const delayMillis = (failures: number): number => Math.min(10_000, 100 * 2 ** Math.min(failures - 1, 10))
