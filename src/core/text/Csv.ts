/**
 * Writes CSV (RFC 4180) in which no spreadsheet finds a formula. Pure.
 *
 * A spreadsheet that assumes another separator than the comma, as in many European locales, or another quote, sees no
 * quoted cell of ours: it also splits inside of them, at `,`, `;`, `|`, tabs and line breaks. So a text is made safe after
 * each of these, and not only at its beginning (OWASP, "CSV Injection").
 *
 * @module
 */
import { Brand } from "effect"
import * as TerminalText from "./TerminalText.ts"

/** A safe text in its quotes. */
export type Cell = string & Brand.Brand<"CsvCell">

const quoted = (text: string): Cell => Brand.nominal<Cell>()(`"${text.replaceAll('"', '""')}"`)

/**
 * A character that begins a formula, at the beginning of a cell or after a separator. The full-width forms are those that
 * East Asian spreadsheets read alike. White space and quotes before it are skipped, as some spreadsheets do.
 */
const formula = /(^|[,;|])([\s"]*)([=+\-@＝＋－＠])/gu

/**
 * A text as its cell shows it: control and bidirectional characters, tabs and line breaks among them, as `\u` escapes, and
 * an apostrophe before every character that might begin a formula.
 */
export const safe = (text: string): string => TerminalText.escape(text).replace(formula, "$1$2'$3")

/** A cell with the text as `safe` gives it; null is an empty cell. */
export const text = (value: string | null): Cell => quoted(safe(value ?? ""))

const jsonString = /"[^"\\]*(?:\\.[^"\\]*)*"/g

/** The same within a JSON string. */
const formulaInside = /([,;|])([\s"]*)([=+\-@＝＋－＠])/gu

const escapeFormula = (_: string, separator: string, skipped: string, begin: string): string =>
  separator + skipped + TerminalText.unicodeEscape(begin)

/** JSON text with the same meaning in which `\u` escapes stand for what might begin a formula after a separator. */
export const safeJson = (json: string): string =>
  TerminalText.inertJson(json).replace(jsonString, (string) => string.replace(formulaInside, escapeFormula))

/** A cell with JSON text of the same meaning. It is an object or an array: no bracket begins a formula. */
export const json = (value: string): Cell => quoted(safeJson(value))

/** One record, with its line end (CRLF). */
export const record = (cells: ReadonlyArray<Cell>): string => `${cells.join(",")}\r\n`
