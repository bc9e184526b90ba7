/**
 * Takes off what a text ends with. Pure.
 *
 * @module
 */

/**
 * The text without these units at its end. No pattern: one that is bound to the end is tried at every unit of every run,
 * and takes the square of the longest run's length.
 */
export const withoutEnd = (text: string, units: string): string => {
  let end = text.length
  while (end > 0 && units.includes(text[end - 1]!)) end--
  return text.slice(0, end)
}
