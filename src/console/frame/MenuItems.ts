/**
 * Limits the items of a menu. Pure.
 *
 * @module
 */

/** All items, or if there are more than `max`, as many as that around the item at `index`. */
export const around = <A>(items: ReadonlyArray<A>, index: number, max: number): ReadonlyArray<A> => {
  const first = Math.max(0, Math.min(index - Math.floor(max / 2), items.length - max))
  return items.slice(first, first + max)
}
