/**
 * Writes CSV (RFC 4180) that spreadsheets cannot mistake for formulas. Pure.
 *
 * A spreadsheet that assumes a separator other than the comma, as in many European locales, or another quote, also splits
 * inside quoted cells, at `,`, `;`, `|`, tabs and line breaks. A text is therefore made safe after each of these characters
 * and not only at its beginning (OWASP, "CSV Injection").
 *
 * @module
 */
import { Brand } from "effect"
import * as TerminalText from "./TerminalText.ts"

/** A safe text in quotes. */
export type Cell = string & Brand.Brand<"CsvCell">

const quoted = (text: string): Cell => Brand.nominal<Cell>()(`"${text.replaceAll('"', '""')}"`)

/**
 * The beginning of a formula, at the start of a cell or after a separator. East Asian spreadsheets accept the full-width
 * forms too. Some spreadsheets skip white space and quotes before it.
 */
const formula = /(^|[,;|])([\s"]*)([=+\-@＝＋－＠])/gu

/** Writes control and bidirectional characters as `\u` escapes, and an apostrophe before what could begin a formula. */
export const safe = (text: string): string => TerminalText.escape(text).replace(formula, "$1$2'$3")

/** A cell with the `safe` text; null is an empty cell. */
export const text = (value: string | null): Cell => quoted(safe(value ?? ""))

/** A cell with a number. No number begins a formula. */
export const number = (value: number): Cell => quoted(String(value))

const jsonString = /"[^"\\]*(?:\\.[^"\\]*)*"/g

/** The beginning of a formula within a JSON string. The string's start needs none, since the cell begins with a bracket. */
const formulaInside = /([,;|])([\s"]*)([=+\-@＝＋－＠])/gu

const escapeFormula = (_: string, separator: string, skipped: string, begin: string): string =>
  separator + skipped + TerminalText.unicodeEscape(begin)

/** Replaces by `\u` escapes what could begin a formula after a separator. The meaning of the JSON text is preserved. */
export const safeJson = (json: string): string =>
  TerminalText.inertJson(json).replace(jsonString, (string) => string.replace(formulaInside, escapeFormula))

/** A cell with JSON text of the same meaning. The value must be an object or an array, since a bracket begins no formula. */
export const json = (value: string): Cell => quoted(safeJson(value))

/** A record with its line break (CRLF). */
export const record = (cells: ReadonlyArray<Cell>): string => `${cells.join(",")}\r\n`
