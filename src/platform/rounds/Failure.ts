/**
 * What happens to an item of background work, such as the rollup of one website, after it failed. Pure: times and the random
 * number are arguments.
 *
 * The delays are those of deliveries. An item that has failed ten times is set apart: it is not tried again until a process
 * starts, which may have a newer version or other settings.
 *
 * @module
 */
import { delays, jitter } from "../outward/Schedule.ts"

/** Times are milliseconds since 1970. */
export interface Failure {
  /** How often the item has failed since it last succeeded. */
  readonly failures: number
  /** When the item is tried again; null if it is set apart. */
  readonly retryAt: number | null
}

/** The wait is at least this many times as long as the attempt that failed, so that one item does not take the time of others. */
const restFactor = 12

/**
 * The state of an item after it failed once more.
 *
 * @param failures how often it had failed before
 * @param tookMillis how long the attempt took
 * @param random from 0 to 1
 */
export const after = (failures: number, now: number, tookMillis: number, random: number): Failure => {
  const delay = delays[failures]
  if (delay === undefined) return { failures: failures + 1, retryAt: null }
  const wait = Math.max(delay, restFactor * tookMillis) * (1 + jitter * random)
  return { failures: failures + 1, retryAt: now + Math.round(wait) }
}

/** Whether an item that failed may be tried now. */
export const isDue = ({ retryAt }: Failure, now: number): boolean => retryAt !== null && retryAt <= now
