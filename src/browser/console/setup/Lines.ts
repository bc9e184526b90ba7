/**
 * Lists that a person types, one item per line. Pure.
 *
 * @module
 */

/** Returns the items. Commas separate items too, and empty items are left out. */
export const parse = (text: string): ReadonlyArray<string> =>
  text
    .split(/[\n,]/)
    .map((line) => line.trim())
    .filter((line) => line !== "")
