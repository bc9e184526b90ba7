/**
 * Trims characters from the end of a text. Pure.
 *
 * @module
 */

/** Removes the characters in `units` from the end of a text. A regular expression would take quadratic time. */
export const trimEnd = (text: string, units: string): string => {
  let end = text.length
  while (end > 0 && units.includes(text[end - 1]!)) end--
  return text.slice(0, end)
}
