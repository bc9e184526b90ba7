/**
 * Chooses the worker that gets the next connection. Pure.
 *
 * @module
 */

export interface Candidate {
  /** Whether the worker can take a connection now. */
  readonly isFree: boolean
  /** The number of the worker's open connections. */
  readonly connections: number
  /** When the worker last got a connection: a number that grows with every assignment. */
  readonly lastAssigned: number
}

/**
 * The free candidate with the fewest connections; if several have as few, the one assigned longest ago. Undefined if none is
 * free.
 */
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
