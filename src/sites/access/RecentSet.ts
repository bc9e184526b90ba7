/**
 * A set of texts with a bounded size.
 *
 * @module
 */

export interface RecentSet {
  readonly has: (text: string) => boolean
  /** Adds a text, or makes it the most recent one. */
  readonly add: (text: string) => void
  readonly delete: (text: string) => void
}

/** Holds at most `capacity` texts. A further text evicts the one that was added least recently. */
export const make = (capacity: number): RecentSet => {
  const texts = new Set<string>()
  return {
    has: (text) => texts.has(text),
    add: (text) => {
      texts.delete(text)
      texts.add(text)
      if (texts.size <= capacity) return
      for (const first of texts) {
        texts.delete(first)
        return
      }
    },
    delete: (text) => {
      texts.delete(text)
    }
  }
}
