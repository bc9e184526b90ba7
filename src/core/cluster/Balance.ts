/**
 * Who gets the next connection. Pure.
 *
 * @module
 */

export interface Candidate {
  /** Whether it can take one now. */
  readonly free: boolean
  /** How many connections it has. */
  readonly open: number
  /** When it got its last one, as a number that grows. */
  readonly last: number
}

/** The free one with the fewest connections; of several, the one that has waited longest. None if nobody is free. */
export const pick = <A extends Candidate>(candidates: Iterable<A>): A | undefined => {
  let best: A | undefined
  for (const candidate of candidates) {
    if (!candidate.free) continue
    if (
      best === undefined ||
      candidate.open < best.open ||
      (candidate.open === best.open && candidate.last < best.last)
    ) {
      best = candidate
    }
  }
  return best
}
