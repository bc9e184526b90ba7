/**
 * Bounds the sum of allocations, in total and per owner. An allocation may have any size while there are no others, so that no
 * amount is permanently too large.
 *
 * @module
 */

/** `over-share`: the owner's share does not suffice. `full`: the capacity does not. */
export type Outcome = "held" | "over-share" | "full"

export interface Allocation {
  /** Changes the amount. Nothing changes if the outcome is not `held`. */
  readonly resize: (amount: number) => Outcome
  /** Sets the amount to zero. Further calls have no effect. */
  readonly release: () => void
}

export interface Capacity {
  /** An empty allocation. Without an owner it is not subject to the share. */
  readonly allocate: (owner?: string) => Allocation
  /** The sum of all allocations. */
  readonly held: () => number
  /** The number of owners with allocations above zero. Other owners are not stored. */
  readonly owners: () => number
}

const fits = (amount: number, others: number, limit: number): boolean => others === 0 || others + amount <= limit

/** `share` is the maximum sum of one owner. */
export const make = (capacity: number, share = Number.POSITIVE_INFINITY): Capacity => {
  const owned = new Map<string, number>()
  let held = 0
  const allocate = (owner?: string): Allocation => {
    let current = 0
    const ofItsOthers = () => (owner === undefined ? 0 : (owned.get(owner) ?? 0) - current)
    const set = (amount: number) => {
      held += amount - current
      if (owner !== undefined) {
        const total = ofItsOthers() + amount
        if (total === 0) owned.delete(owner)
        else owned.set(owner, total)
      }
      current = amount
    }
    return {
      resize: (amount) => {
        if (amount > current) {
          if (!fits(amount, ofItsOthers(), share)) return "over-share"
          if (!fits(amount, held - current, capacity)) return "full"
        }
        set(amount)
        return "held"
      },
      release: () => set(0)
    }
  }
  return { allocate, held: () => held, owners: () => owned.size }
}
