/**
 * How the search in an owner's lists compares texts. Pure.
 *
 * @module
 */

/** Whether a text contains another text, regardless of upper and lower case. */
export const contains = (text: string | null, needle: string): boolean =>
  (text ?? "").toLowerCase().includes(needle.toLowerCase())
