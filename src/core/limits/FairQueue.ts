/**
 * A queue that serves its owners in turn: an owner with a thousand items delays each of the others by one item.
 *
 * @module
 */
export interface FairQueue<A> {
  /** Adds an item behind the others of its owner. */
  readonly add: (owner: string, item: A) => void
  /** Takes the oldest item of the owner whose turn it is; undefined if the queue is empty. */
  readonly take: () => A | undefined
  readonly size: () => number
}

/** Makes an empty queue. */
export const make = <A>(): FairQueue<A> => {
  // In the order of their turns: an owner moves to the end when it is served.
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
    take: () => {
      for (const [owner, items] of owners) {
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
    size: () => size
  }
}
