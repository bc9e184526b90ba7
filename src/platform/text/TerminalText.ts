/**
 * Neutralizes, measures, truncates and aligns untrusted text for a terminal.
 *
 * Reports show text that visitors wrote, such as paths and referrers. Control characters in it could move the cursor, colour
 * the screen or reverse the reading direction.
 *
 * @module
 */

/**
 * Control and format characters, lone surrogates and line separators. The comments below call all of them control
 * characters.
 */
const control = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu

/** Replaces control characters by U+FFFD. */
export const printable = (text: string): string => text.replace(control, "\uFFFD")

/** Control characters except the joiners (U+200C, U+200D), which Persian, Indic scripts and many emoji need. */
const controlButJoiner = /[[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]--[\u200C\u200D]]/gv
const controlButJoinerOrLineFeed = /[[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]--[\n\u200C\u200D]]/gv

/** Escapes a character as in JSON: `\uXXXX` for each UTF-16 unit. */
export const unicodeEscape = (character: string): string =>
  Array.from(
    { length: character.length },
    (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`
  ).join("")

/** Replaces control characters, including line breaks but not joiners, by `\u` escapes. */
export const escape = (text: string): string => text.replace(controlButJoiner, unicodeEscape)

/**
 * Replaces control characters other than joiners and line feeds by `\u` escapes. The value of the JSON text stays the same.
 *
 * @param json a JSON text whose tokens are separated by spaces and line feeds only
 */
export const inertJson = (json: string): string => json.replace(controlButJoinerOrLineFeed, unicodeEscape)

/**
 * Made when a text is first measured: making it takes a tenth of the processor time of a start, and `serve` measures no text.
 */
let segmenter: Intl.Segmenter | undefined

const zero = /^\p{M}+$/u
const wide =
  /^[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uA960-\uA97C\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6\u{16FE0}-\u{18AFF}\u{1B000}-\u{1B2FF}\u{1F200}-\u{1F2FF}\u{20000}-\u{3FFFD}\p{Emoji_Presentation}]/u

/** Texts whose UTF-16 units are one cell each: those of most charts, whose segmentation takes a hundred times as long. */
const plain = /^[\x20-\x7E\u00C0-\u024F\u2026\u2580-\u258F]*$/

/** Splits a text into units, each of which a terminal shows as one character. */
const graphemes = (text: string): Array<string> => {
  if (plain.test(text)) return text.split("")
  segmenter ??= new Intl.Segmenter("en", { granularity: "grapheme" })
  return Array.from(segmenter.segment(text), ({ segment }) => segment)
}

const cells = (grapheme: string): number => (zero.test(grapheme) ? 0 : wide.test(grapheme) ? 2 : 1)

/** The width of a printable text in cells. A Chinese, Japanese or Korean character or an emoji takes two cells. */
export const width = (text: string): number =>
  plain.test(text) ? text.length : graphemes(text).reduce((sum, grapheme) => sum + cells(grapheme), 0)

/** Truncates a text that is wider than `max` cells (at least one), and ends it with `…`. */
export const truncate = (text: string, max: number): string => {
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

export const padEnd = (text: string, target: number): string => text + " ".repeat(Math.max(0, target - width(text)))

export const padStart = (text: string, target: number): string => " ".repeat(Math.max(0, target - width(text))) + text

/** A table with aligned columns and one line per row. Every row has as many cells as the header. Cells may hold any text. */
export const table = (header: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const lines = [header, ...rows].map((row) => row.map(printable))
  const widths = header.map((_, column) => lines.reduce((max, row) => Math.max(max, width(row[column] ?? "")), 0))
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
