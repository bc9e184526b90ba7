/**
 * Brings foreign text into a terminal: harmless, measured, cut and aligned. Pure.
 *
 * Much of what a report shows was written by visitors (paths, referrers). Control characters in it could move the cursor,
 * colour the screen or turn the reading direction; here they are shown as U+FFFD.
 *
 * @module
 */

const control = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu

/** The text without anything that a terminal obeys. */
export const printable = (text: string): string => text.replace(control, "\uFFFD")

/** The same except the joiners (U+200C, U+200D), without which Persian, Indic scripts and many emoji are misspelled. */
const controlButJoiner = /[[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]--[\u200C\u200D]]/gv
const controlButLineEnd = /[[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]--[\n\u200C\u200D]]/gv

/** A character as JSON's escapes, one for each UTF-16 unit. */
export const unicodeEscape = (character: string): string =>
  Array.from(
    { length: character.length },
    (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`
  ).join("")

/** A text on one line, in which everything that a terminal obeys is shown as its escape. */
export const escape = (text: string): string => text.replace(controlButJoiner, unicodeEscape)

/** JSON text with the same meaning in which a terminal obeys nothing but the line ends. */
export const inertJson = (json: string): string => json.replace(controlButLineEnd, unicodeEscape)

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" })
const zero = /^\p{M}+$/u
const wide =
  /^[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uA960-\uA97C\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6\u{16FE0}-\u{18AFF}\u{1B000}-\u{1B2FF}\u{1F200}-\u{1F2FF}\u{20000}-\u{3FFFD}\p{Emoji_Presentation}]/u

/** The parts of a text that a terminal shows as one character each. */
const graphemes = (text: string): Array<string> => Array.from(segmenter.segment(text), ({ segment }) => segment)

const cells = (grapheme: string): number => (zero.test(grapheme) ? 0 : wide.test(grapheme) ? 2 : 1)

/** How many cells of a terminal a printable text takes: Chinese, Japanese and Korean characters and emoji take two. */
export const width = (text: string): number => graphemes(text).reduce((sum, grapheme) => sum + cells(grapheme), 0)

/** The text in at most `max` cells (at least one), ending with `…` if something was left out. */
export const cut = (text: string, max: number): string => {
  if (width(text) <= max) return text
  let kept = ""
  let left = max - 1
  for (const grapheme of graphemes(text)) {
    left -= cells(grapheme)
    if (left < 0) break
    kept += grapheme
  }
  return `${kept}…`
}

/** The text followed by spaces, up to `target` cells; a longer text stays as it is. */
export const padEnd = (text: string, target: number): string => text + " ".repeat(Math.max(0, target - width(text)))

/** The text after spaces, up to `target` cells; a longer text stays as it is. */
export const padStart = (text: string, target: number): string => " ".repeat(Math.max(0, target - width(text))) + text

/**
 * A table with aligned columns, two spaces between them, one line a row, without spaces at the ends of lines. Every row
 * has as many cells as the header; the cells may hold any text.
 */
export const table = (header: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const lines = [header, ...rows].map((row) => row.map(printable))
  const widths = header.map((_, column) => lines.reduce((most, row) => Math.max(most, width(row[column] ?? "")), 0))
  return lines
    .map(
      (row) =>
        `${widths
          .map((target, column) => padEnd(row[column] ?? "", target))
          .join("  ")
          .trimEnd()}\n`
    )
    .join("")
}
