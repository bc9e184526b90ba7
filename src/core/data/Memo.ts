/**
 * Remembers the results of a pure function of a text.
 *
 * @module
 */

/**
 * The function, with its last results kept: at most `capacity`, and those that were asked for least recently go first. It
 * is synchronous, for functions that are dearer than a look-up and cheaper than a fiber.
 */
export const memoize = <A>(compute: (text: string) => A, capacity: number): ((text: string) => A) => {
  let young = new Map<string, A>()
  let old = new Map<string, A>()
  return (text) => {
    let value = young.get(text)
    if (value !== undefined) return value
    value = old.get(text) ?? compute(text)
    // Two generations in place of an order: what was not asked for while one filled up goes with the other.
    if (young.size >= capacity / 2) {
      old = young
      young = new Map()
    }
    young.set(text, value)
    return value
  }
}
