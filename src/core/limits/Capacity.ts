/**
 * Bounds the sum of allocations, in total and per owner. An allocation may have any size while there are no others, so that no
 * amount is permanently too large.
 *
 * If the capacity is exhausted, an owner may displace allocations of owners that hold more than twice as much, the largest
 * first.
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
  /**
   * An empty allocation. Without an owner it is not subject to the share. With `onDisplaced` it may be displaced: its amount
   * is then zero, and `onDisplaced` is called.
   */
  readonly allocate: (owner?: string, onDisplaced?: () => void) => Allocation
  /** The sum of all allocations. */
  readonly held: () => number
  /** The number of owners with allocations above zero. Other owners are not stored. */
  readonly owners: () => number
}

export interface OwnedAmount {
  readonly owner: string | symbol
  readonly amount: number
}

/**
 * An owner is displaced only if it holds more than this many times the amount of the owner that needs space. With 1, growing
 * bodies would displace each other.
 */
const margin = 2

/**
 * Chooses the allocations to displace so that `owner` gets `needed` more; undefined if others do not hold enough. `own` is what
 * the owner will hold then. Each choice is the largest allocation (of equal ones the oldest) of the owner that holds the most,
 * earlier choices not counted. That owner must hold more than twice `own`. Pure.
 */
export const chooseDisplaced = <A extends OwnedAmount>(
  holdings: Iterable<A>,
  { needed, own, owner }: { readonly owner: string | symbol; readonly own: number; readonly needed: number }
): ReadonlyArray<A> | undefined => {
  const byOwner = new Map<string | symbol, { total: number; readonly all: Array<A> }>()
  for (const holding of holdings) {
    if (holding.owner === owner || holding.amount === 0) continue
    const known = byOwner.get(holding.owner)
    if (known === undefined) byOwner.set(holding.owner, { total: holding.amount, all: [holding] })
    else {
      known.total += holding.amount
      known.all.push(holding)
    }
  }
  const displaced: Array<A> = []
  for (let freed = 0; freed < needed; ) {
    let most: { total: number; readonly all: Array<A> } | undefined
    for (const other of byOwner.values()) if (other.total > (most?.total ?? margin * own)) most = other
    if (most === undefined) return undefined
    const largest = most.all.reduce((one, other) => (other.amount > one.amount ? other : one))
    most.all.splice(most.all.indexOf(largest), 1)
    most.total -= largest.amount
    freed += largest.amount
    displaced.push(largest)
  }
  return displaced
}

interface DisplaceableAllocation extends OwnedAmount {
  amount: number
  readonly onDisplaced: (() => void) | undefined
  readonly set: (amount: number) => void
}

const fits = (amount: number, others: number, limit: number): boolean => others === 0 || others + amount <= limit

/** `share` is the maximum sum of one owner. */
export const make = (capacity: number, share = Number.POSITIVE_INFINITY): Capacity => {
  const owned = new Map<string, number>()
  /** The displaceable allocations above zero, oldest first. */
  const displaceable = new Set<DisplaceableAllocation>()
  let held = 0
  const allocate = (owner?: string, onDisplaced?: () => void): Allocation => {
    const ofOwner = () => (owner === undefined ? self.amount : (owned.get(owner) ?? 0))
    const self: DisplaceableAllocation = {
      owner: owner ?? Symbol(),
      amount: 0,
      onDisplaced,
      set: (amount) => {
        held += amount - self.amount
        if (owner !== undefined) {
          const total = ofOwner() + amount - self.amount
          if (total === 0) owned.delete(owner)
          else owned.set(owner, total)
        }
        self.amount = amount
        if (onDisplaced === undefined) return
        if (amount === 0) displaceable.delete(self)
        else displaceable.add(self)
      }
    }
    /** Displaces allocations so that the new amount fits. False if others do not hold enough. */
    const makeSpace = (amount: number): boolean => {
      const own = ofOwner() - self.amount + amount
      const needed = held - self.amount + amount - capacity
      const displaced = chooseDisplaced(displaceable, { owner: self.owner, own, needed })
      for (const other of displaced ?? []) {
        other.set(0)
        other.onDisplaced?.()
      }
      return displaced !== undefined
    }
    return {
      resize: (amount) => {
        if (amount > self.amount) {
          if (!fits(amount, ofOwner() - self.amount, share)) return "over-share"
          if (!fits(amount, held - self.amount, capacity) && !makeSpace(amount)) return "full"
        }
        self.set(amount)
        return "held"
      },
      release: () => self.set(0)
    }
  }
  return { allocate, held: () => held, owners: () => owned.size }
}
