/**
 * Caches the results of a pure function of a text.
 *
 * @module
 */

/**
 * The function with a cache of at most `capacity` results, which evicts approximately the least recently used. Unlike
 * Effect's `Cache` it is synchronous, for functions that cost more than a lookup and less than a fiber.
 */
export const memoize = <A>(compute: (text: string) => A, capacity: number): ((text: string) => A) => {
  let young = new Map<string, A>()
  let old = new Map<string, A>()
  return (text) => {
    let value = young.get(text)
    if (value !== undefined) return value
    value = old.get(text) ?? compute(text)
    // Two generations approximate the order of use: a result that is not used while `young` fills up is dropped with `old`.
    if (young.size >= capacity / 2) {
      old = young
      young = new Map()
    }
    young.set(text, value)
    return value
  }
}
