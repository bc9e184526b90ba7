/**
 * Writes CSV (RFC 4180) in which no spreadsheet finds a formula. Pure.
 *
 * Every cell is quoted, which protects it where the comma separates. A spreadsheet that assumes another separator, as in
 * many European locales, sees no quoted cell: it also splits inside of ours, at `;`, `|`, tabs and line breaks. So a text
 * is made safe after each of these, and not only at its beginning (OWASP, "CSV Injection").
 *
 * @module
 */
import * as TerminalText from "./TerminalText.ts"

/**
 * A character that begins a formula, at the beginning of a cell or after a separator. The full-width forms are those that
 * East Asian spreadsheets read alike. White space and quotes before it are skipped, as some spreadsheets do.
 */
const formula = /(^|[;|\t\r\n])([\s"]*)([=+\-@＝＋－＠])/gu

/**
 * A text as a cell shows it: control and bidirectional characters, tabs and line breaks among them, as `\u` escapes, and an
 * apostrophe before every character that might begin a formula.
 */
export const safe = (text: string): string => TerminalText.escape(text).replace(formula, "$1$2'$3")

/**
 * JSON text with the same meaning that `safe` leaves as it is: what might begin a formula becomes a `\u` escape.
 *
 * @param json an object without white space between its tokens; so separators stand in strings alone.
 */
export const safeJson = (json: string): string =>
  TerminalText.inertJson(json).replace(
    formula,
    (_, separator: string, skipped: string, begin: string) => separator + skipped + TerminalText.unicodeEscape(begin)
  )

/** One record, with its line end (CRLF). A null is an empty cell. */
export const record = (cells: ReadonlyArray<string | null>): string =>
  `${cells.map((cell) => `"${safe(cell ?? "").replaceAll('"', '""')}"`).join(",")}\r\n`
