/**
 * What waits, oldest first, bounded in number and in weight.
 *
 * @module
 */

export interface Weighted {
  /** In whatever unit the bound is, commonly bytes. */
  readonly weight: number
}

export interface Bounds {
  readonly maxItems: number
  /** One item may be heavier, if nothing else waits. */
  readonly maxWeight: number
}

export interface BoundedQueue<Item extends Weighted> {
  readonly size: () => number
  /** The one that waits longest; undefined if none does. */
  readonly oldest: () => Item | undefined
  /** Adds an item, unless that would be over a bound; tells whether it did. */
  readonly offer: (item: Item) => boolean
  /** Takes the one that waits longest; undefined if none does. */
  readonly take: () => Item | undefined
}

/** How many places may stand empty at the front: moving the rest for each that leaves would cost more than they do. */
const maxGap = 4096

export const make = <Item extends Weighted>(bounds: Bounds): BoundedQueue<Item> => {
  let items: Array<Item> = []
  /** Where the oldest is. */
  let head = 0
  let weight = 0

  const size = () => items.length - head

  return {
    size,
    oldest: () => items[head],
    offer: (item) => {
      const isFull = size() >= bounds.maxItems || (weight > 0 && weight + item.weight > bounds.maxWeight)
      if (isFull) return false
      items.push(item)
      weight += item.weight
      return true
    },
    take: () => {
      const item = items[head]
      if (item === undefined) return undefined
      head++
      weight -= item.weight
      if (head === items.length || head >= maxGap) {
        items = items.slice(head)
        head = 0
      }
      return item
    }
  }
}
