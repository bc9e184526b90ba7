/**
 * Lists that a person types, one item per line. Pure.
 *
 * @module
 */

/** The lines that are not empty. */
export const parse = (text: string): ReadonlyArray<string> =>
  text
    .split(/[\n,]/)
    .map((line) => line.trim())
    .filter((line) => line !== "")
