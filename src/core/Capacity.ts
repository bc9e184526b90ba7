/**
 * Bounds what several hold together. A holder that is alone may hold any amount, so that nothing is for ever too large;
 * each keeps its place until it leaves.
 *
 * @module
 */

/** What one holder has of it. */
export interface Place {
  /** Holds so much from now on, in place of what it held. False, and nothing changes, if there is no room. */
  readonly hold: (amount: number) => boolean
  /** Gives back what it holds; more often than once does nothing. */
  readonly leave: () => void
}

/** Makes the function that gives a place, with nothing in it yet, in a room of so much. */
export const make = (capacity: number): (() => Place) => {
  let held = 0
  return () => {
    let own = 0
    return {
      hold: (amount) => {
        const others = held - own
        if (others > 0 && amount > own && others + amount > capacity) return false
        held = others + amount
        own = amount
        return true
      },
      leave: () => {
        held -= own
        own = 0
      }
    }
  }
}
