/**
 * Which texts can be stored, and how clients' texts are made fit for storage. Pure.
 *
 * @module
 */

/** Whether the stores hold a text as it is: it has neither NUL nor a lone surrogate. */
export const isStorable = (text: string): boolean => !text.includes("\0") && text.isWellFormed()

/** Truncates to `max` UTF-16 units and replaces what PostgreSQL's `text` cannot hold (NUL, lone surrogates) by U+FFFD. */
export const text = (value: string, max: number): string => {
  const cut = value.length > max ? value.slice(0, max) : value
  return (cut.includes("\0") ? cut.replaceAll("\0", "\uFFFD") : cut).toWellFormed()
}

/** As `text`; null for an absent or empty text. */
export const textOrNull = (value: string | null | undefined, max: number): string | null =>
  value === undefined || value === null || value === "" ? null : text(value, max)
