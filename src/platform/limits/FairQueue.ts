/**
 * A queue that serves its owners in turn: an owner with a thousand items delays each of the others by one item.
 *
 * @module
 */
export interface FairQueue<A> {
  /** Adds an item after the owner's other items. An item that the owner already has in the queue is not added again. */
  readonly add: (owner: string, item: A) => void
  /** Removes and returns the oldest item of the next owner that may be served; undefined if there is none. */
  readonly take: (mayBeServed?: (owner: string) => boolean) => A | undefined
  /** Removes an item. Returns whether the owner had it in the queue. */
  readonly remove: (owner: string, item: A) => boolean
  readonly size: () => number
  /** The number of the owner's items. */
  readonly count: (owner: string) => number
}

export const make = <A>(): FairQueue<A> => {
  // In the order of turns: an owner that was served moves to the end.
  const owners = new Map<string, Set<A>>()
  let size = 0
  return {
    add: (owner, item) => {
      const items = owners.get(owner)
      if (items === undefined) owners.set(owner, new Set([item]))
      else if (items.has(item)) return
      else items.add(item)
      size++
    },
    take: (mayBeServed = () => true) => {
      for (const [owner, items] of owners) {
        if (!mayBeServed(owner)) continue
        owners.delete(owner)
        for (const item of items) {
          items.delete(item)
          if (items.size > 0) owners.set(owner, items)
          size--
          return item
        }
      }
      return undefined
    },
    remove: (owner, item) => {
      const items = owners.get(owner)
      if (items?.delete(item) !== true) return false
      if (items.size === 0) owners.delete(owner)
      size--
      return true
    },
    size: () => size,
    count: (owner) => owners.get(owner)?.size ?? 0
  }
}
