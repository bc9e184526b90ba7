/**
 * A priority queue of deadlines: a binary heap whose entries hold their index, so that an entry can be moved or removed in
 * logarithmic time. Pure: it holds entries and reads no clock.
 *
 * @module
 */

/** An entry of at most one queue. The queue writes `due` and `heapIndex`. */
export interface Deadline {
  /** In the caller's unit of time. */
  due: number
  /** The entry's index in the heap; -1 outside a queue. */
  heapIndex: number
}

export interface Deadlines<E extends Deadline> {
  /** Adds an entry, or moves it. */
  readonly set: (entry: E, due: number) => void
  /** Removes an entry if it is in the queue. */
  readonly remove: (entry: E) => void
  /** The entry with the earliest deadline. */
  readonly first: () => E | undefined
  readonly size: () => number
}

export const make = <E extends Deadline>(): Deadlines<E> => {
  const heap: Array<E> = []

  const put = (entry: E, index: number) => {
    heap[index] = entry
    entry.heapIndex = index
  }

  /** Sifts an entry up and then down, from the index that is free for it. */
  const sift = (entry: E, from: number) => {
    let index = from
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (heap[parent]!.due <= entry.due) break
      put(heap[parent]!, index)
      index = parent
    }
    while (true) {
      let child = 2 * index + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && heap[child + 1]!.due < heap[child]!.due) child++
      if (heap[child]!.due >= entry.due) break
      put(heap[child]!, index)
      index = child
    }
    put(entry, index)
  }

  return {
    set: (entry, due) => {
      entry.due = due
      if (entry.heapIndex < 0) put(entry, heap.length)
      sift(entry, entry.heapIndex)
    },
    remove: (entry) => {
      const { heapIndex } = entry
      if (heapIndex < 0) return
      entry.heapIndex = -1
      const last = heap.pop()!
      if (last === entry) return
      sift(last, heapIndex)
    },
    first: () => heap[0],
    size: () => heap.length
  }
}
