/**
 * Many deadlines in the order of their time: a binary heap whose entries know their place, so that one can be moved or
 * taken out at any time. Each step costs the logarithm of how many there are. Pure: it holds entries, and no clock.
 *
 * @module
 */

/** What can be in the queue, in one at a time. `due` and `place` are the queue's to change. */
export interface Entry {
  /** In whatever unit the caller counts time. */
  due: number
  /** Where it stands in the queue; -1 while it is in none. */
  place: number
}

export interface Deadlines<E extends Entry> {
  /** Puts an entry in, or moves it. */
  readonly set: (entry: E, due: number) => void
  /** Takes an entry out, if it is in. */
  readonly remove: (entry: E) => void
  /** The entry that is due first; undefined if there is none. */
  readonly first: () => E | undefined
  readonly size: () => number
}

export const make = <E extends Entry>(): Deadlines<E> => {
  const heap: Array<E> = []

  const put = (entry: E, place: number) => {
    heap[place] = entry
    entry.place = place
  }

  /** Moves an entry to where it belongs, from a place that it holds or is about to. */
  const settle = (entry: E, from: number) => {
    let place = from
    while (place > 0) {
      const parent = (place - 1) >> 1
      if (heap[parent]!.due <= entry.due) break
      put(heap[parent]!, place)
      place = parent
    }
    while (true) {
      let child = 2 * place + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && heap[child + 1]!.due < heap[child]!.due) child++
      if (heap[child]!.due >= entry.due) break
      put(heap[child]!, place)
      place = child
    }
    put(entry, place)
  }

  return {
    set: (entry, due) => {
      entry.due = due
      if (entry.place < 0) put(entry, heap.length)
      settle(entry, entry.place)
    },
    remove: (entry) => {
      const { place } = entry
      if (place < 0) return
      entry.place = -1
      const last = heap.pop()!
      if (last === entry) return
      settle(last, place)
    },
    first: () => heap[0],
    size: () => heap.length
  }
}
