/**
 * The clients that must wait, and until when. Times are in milliseconds of one clock.
 *
 * @module
 */

export interface Lockout {
  /** How long a client still has to wait at `now`; 0 if it need not. */
  readonly remaining: (client: string, now: number) => number
  readonly lock: (client: string, until: number) => void
}

/** Holds at most `capacity` clients. A further client evicts the client that was locked first. */
export const make = (capacity: number): Lockout => {
  const untilOf = new Map<string, number>()
  return {
    remaining: (client, now) => {
      const until = untilOf.get(client)
      if (until === undefined) return 0
      if (until <= now) untilOf.delete(client)
      return Math.max(0, until - now)
    },
    lock: (client, until) => {
      untilOf.delete(client)
      untilOf.set(client, until)
      if (untilOf.size <= capacity) return
      for (const first of untilOf.keys()) {
        untilOf.delete(first)
        return
      }
    }
  }
}
