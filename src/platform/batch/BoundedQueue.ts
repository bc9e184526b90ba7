/**
 * A first-in, first-out queue, bounded by the number and the weight of its items.
 *
 * @module
 */

export interface Weighted {
  /** In the unit of `maxWeight`, for example bytes. */
  readonly weight: number
}

export interface Bounds {
  readonly maxItems: number
  /** A heavier item is accepted if the queue is empty. */
  readonly maxWeight: number
}

export interface BoundedQueue<Item extends Weighted> {
  readonly size: () => number
  readonly oldest: () => Item | undefined
  /** Adds an item. False if that would exceed a bound. */
  readonly offer: (item: Item) => boolean
  /** Removes and returns the oldest item. */
  readonly take: () => Item | undefined
}

/** The maximum number of empty slots at the front. To compact the array after each `take` would be quadratic. */
const maxEmptySlots = 4096

export const make = <Item extends Weighted>(bounds: Bounds): BoundedQueue<Item> => {
  let items: Array<Item | undefined> = []
  /** The index of the oldest item. */
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
      items[head] = undefined
      head++
      weight -= item.weight
      if (head === items.length || head >= maxEmptySlots) {
        items = items.slice(head)
        head = 0
      }
      return item
    }
  }
}
