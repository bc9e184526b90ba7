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

const controlButLineEnd = /[^\P{Cc}\n]|[\p{Cf}\p{Cs}\u2028\u2029]/gu

const escaped = (character: string): string =>
  Array.from({ length: character.length }, (_, at) => character.charCodeAt(at).toString(16).padStart(4, "0"))
    .map((digits) => `\\u${digits}`)
    .join("")

/** JSON text without anything that a terminal obeys but the ends of its lines, and with the same meaning. */
export const inertJson = (json: string): string => json.replace(controlButLineEnd, escaped)

/** The same of any other text of several lines, whose characters are lost that a terminal would obey. */
export const inertLines = (text: string): string => text.replaceAll("\r\n", "\n").replace(controlButLineEnd, "\uFFFD")

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
