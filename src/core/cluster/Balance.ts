/**
 * Who gets the next connection. Pure.
 *
 * @module
 */

export interface Candidate {
  /** Whether it can take one now. */
  readonly isFree: boolean
  /** How many connections it has. */
  readonly connections: number
  /** When it got its last one, as a number that grows. */
  readonly lastAssigned: number
}

/** The free one with the fewest connections; of several, the one that has waited longest. None if nobody is free. */
export const pick = <A extends Candidate>(candidates: Iterable<A>): A | undefined => {
  let best: A | undefined
  for (const candidate of candidates) {
    if (!candidate.isFree) continue
    if (
      best === undefined ||
      candidate.connections < best.connections ||
      (candidate.connections === best.connections && candidate.lastAssigned < best.lastAssigned)
    ) {
      best = candidate
    }
  }
  return best
}
