/**
 * The place of an item of a website in the address of a page of all websites: the ids, from the website to the item. Pure.
 *
 * @module
 */

/** The first ids have no dots. */
export const format = (...ids: ReadonlyArray<string>): string => ids.join(".")

/** The first `count - 1` ids, and the last one, which may have dots; null if there are too few. */
export const parse = (item: string | null, count: number): ReadonlyArray<string> | null => {
  const ids = item?.split(".") ?? []
  return ids.length < count ? null : [...ids.slice(0, count - 1), ids.slice(count - 1).join(".")]
}
