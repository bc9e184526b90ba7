/**
 * How the search in an owner's lists compares texts. Pure.
 *
 * @module
 */

/** Whether a text contains another, in either case of letters. */
export const contains = (text: string | null, needle: string): boolean =>
  (text ?? "").toLowerCase().includes(needle.toLowerCase())
