/**
 * Bounds what several hold together: all of them, and those of one owner, who gets a share. An owner that is alone there
 * may hold any amount, so that nothing is too large for ever.
 *
 * Where all is held, a place of the owner that holds most makes room for one of an owner that holds less than half
 * as much.
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
  /**
   * Gives a place, with nothing in it yet, to an owner; without an owner the place has no share to keep to. A place with
   * `onDisplaced` may lose what it holds to another owner's place: it is then called, and the place holds nothing more.
   */
  readonly enter: (owner?: string, onDisplaced?: () => void) => Place
  /** What all hold together. */
  readonly held: () => number
  /** How many owners hold something: no others are remembered. */
  readonly owners: () => number
}

/** What may be displaced: of whom, and how much it holds. */
export interface Holding {
  readonly owner: string | symbol
  readonly amount: number
}

/** How many times as much an owner must hold to be displaced: bodies that grow together would displace each other. */
const margin = 2

/**
 * The holdings to displace, oldest first among equals, so that an owner that holds `own` in all, the new amount included,
 * gets `needed` more; undefined if there are none. Each is the largest of the owner that holds most then, which still holds
 * more than twice `own`. Pure.
 */
export const displace = <A extends Holding>(
  holdings: Iterable<A>,
  { needed, own, owner }: { readonly owner: string | symbol; readonly own: number; readonly needed: number }
): ReadonlyArray<A> | undefined => {
  const byOwner = new Map<string | symbol, { total: number; readonly all: Array<A> }>()
  for (const holding of holdings) {
    if (holding.owner === owner || holding.amount === 0) continue
    const of = byOwner.get(holding.owner)
    if (of === undefined) byOwner.set(holding.owner, { total: holding.amount, all: [holding] })
    else {
      of.total += holding.amount
      of.all.push(holding)
    }
  }
  const displaced: Array<A> = []
  for (let freed = 0; freed < needed; ) {
    let most: { total: number; readonly all: Array<A> } | undefined
    for (const of of byOwner.values()) if (of.total > (most?.total ?? margin * own)) most = of
    if (most === undefined) return undefined
    const largest = most.all.reduce((one, other) => (other.amount > one.amount ? other : one))
    most.all.splice(most.all.indexOf(largest), 1)
    most.total -= largest.amount
    freed += largest.amount
    displaced.push(largest)
  }
  return displaced
}

interface Occupant extends Holding {
  amount: number
  readonly onDisplaced: (() => void) | undefined
  readonly set: (amount: number) => void
}

const fits = (amount: number, others: number, limit: number): boolean => others === 0 || others + amount <= limit

/** Makes a room of so much, of which one owner has no more than `share`. */
export const make = (capacity: number, share = Number.POSITIVE_INFINITY): Capacity => {
  const owned = new Map<string, number>()
  /** Those that may be displaced and hold something, oldest first. */
  const displaceable = new Set<Occupant>()
  let held = 0
  const enter = (owner?: string, onDisplaced?: () => void): Place => {
    const ofOwner = () => (owner === undefined ? mine.amount : (owned.get(owner) ?? 0))
    const mine: Occupant = {
      owner: owner ?? Symbol(),
      amount: 0,
      onDisplaced,
      set: (amount) => {
        held += amount - mine.amount
        if (owner !== undefined) {
          const total = ofOwner() + amount - mine.amount
          if (total === 0) owned.delete(owner)
          else owned.set(owner, total)
        }
        mine.amount = amount
        if (onDisplaced === undefined) return
        if (amount === 0) displaceable.delete(mine)
        else displaceable.add(mine)
      }
    }
    /** Frees what is needed beyond the capacity, if others hold more than twice what this owner would. */
    const makeRoom = (amount: number): boolean => {
      const own = ofOwner() - mine.amount + amount
      const needed = held - mine.amount + amount - capacity
      const displaced = displace(displaceable, { owner: mine.owner, own, needed })
      for (const other of displaced ?? []) {
        other.set(0)
        other.onDisplaced?.()
      }
      return displaced !== undefined
    }
    return {
      hold: (amount) => {
        if (amount > mine.amount) {
          if (!fits(amount, ofOwner() - mine.amount, share)) return "over-share"
          if (!fits(amount, held - mine.amount, capacity) && !makeRoom(amount)) return "full"
        }
        mine.set(amount)
        return "held"
      },
      leave: () => mine.set(0)
    }
  }
  return { enter, held: () => held, owners: () => owned.size }
}
