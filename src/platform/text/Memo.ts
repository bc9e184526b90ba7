/**
 * Caches the results of a pure function of a text or a number.
 *
 * @module
 */

/**
 * The function with a cache of at most `capacity` results, which evicts approximately the least recently used. Unlike
 * Effect's `Cache` it is synchronous, for functions that cost more than a lookup and less than a fiber.
 */
export const memoize = <A, K extends string | number = string>(
  compute: (key: K) => A,
  capacity: number
): ((key: K) => A) => {
  let young = new Map<K, A>()
  let old = new Map<K, A>()
  return (key) => {
    let value = young.get(key)
    if (value !== undefined) return value
    value = old.get(key) ?? compute(key)
    // Two generations approximate the order of use: a result that is not used while `young` fills up is dropped with `old`.
    if (young.size >= capacity / 2) {
      old = young
      young = new Map()
    }
    young.set(key, value)
    return value
  }
}
