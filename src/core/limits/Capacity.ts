/**
 * Bounds what several hold together: all of them, and those of one owner, who gets a share. Whoever is alone there may
 * hold any amount, so that nothing is for ever too large; each keeps its place until it leaves.
 *
 * @module
 */

/** How it went: it is held; or there is no room for it, in the owner's share or in all. */
export type Held = "held" | "over-share" | "full"

/** What one holder has of it. */
export interface Place {
  /** Holds so much from now on, in place of what it held. Nothing changes unless it is held. */
  readonly hold: (amount: number) => Held
  /** Gives back what it holds; more often than once does nothing. */
  readonly leave: () => void
}

export interface Capacity {
  /** Gives a place, with nothing in it yet, to an owner; or to nobody, who has no share to keep to. */
  readonly enter: (owner?: string) => Place
  /** What all hold together. */
  readonly held: () => number
  /** How many owners hold something: no others are remembered. */
  readonly owners: () => number
}

const fits = (amount: number, others: number, limit: number): boolean => others === 0 || others + amount <= limit

/** Makes a room of so much, of which one owner has no more than `share`. */
export const make = (capacity: number, share = Number.POSITIVE_INFINITY): Capacity => {
  const owned = new Map<string, number>()
  let held = 0
  const enter = (owner?: string): Place => {
    let own = 0
    const ofOwner = () => (owner === undefined ? own : (owned.get(owner) ?? 0))
    const set = (amount: number) => {
      held += amount - own
      if (owner !== undefined) {
        const total = ofOwner() + amount - own
        if (total === 0) owned.delete(owner)
        else owned.set(owner, total)
      }
      own = amount
    }
    return {
      hold: (amount) => {
        if (amount > own) {
          if (!fits(amount, ofOwner() - own, share)) return "over-share"
          if (!fits(amount, held - own, capacity)) return "full"
        }
        set(amount)
        return "held"
      },
      leave: () => set(0)
    }
  }
  return { enter, held: () => held, owners: () => owned.size }
}
