/**
 * Writes CSV (RFC 4180) that spreadsheets cannot mistake for formulas. Pure.
 *
 * Some spreadsheets expect another separator than the comma, as in many European locales, or another quote than `"`. They
 * also split inside quoted cells, at `,`, `;`, `|`, tabs and line breaks. Tabs and line breaks are therefore written as `\u`
 * escapes, and a text is made safe not only at its beginning but also after each `,`, `;` and `|` (OWASP, "CSV Injection").
 *
 * @module
 */
import { Brand } from "effect"
import * as TerminalText from "./TerminalText.ts"

/** A safe text in quotes. */
export type Cell = string & Brand.Brand<"CsvCell">

const quoted = (text: string): Cell => Brand.nominal<Cell>()(`"${text.replaceAll('"', '""')}"`)

/**
 * The beginning of a formula, at the start of a cell or after a separator. Some spreadsheets skip white space and quotes
 * before the formula. East Asian spreadsheets accept the full-width forms too.
 */
const formula = /(^|[,;|])([\s"]*)([=+\-@＝＋－＠])/gu

/** Writes control and bidirectional characters as `\u` escapes, and an apostrophe before what could begin a formula. */
export const safe = (text: string): string => TerminalText.escape(text).replace(formula, "$1$2'$3")

/** A cell with the `safe` text; null is an empty cell. */
export const text = (value: string | null): Cell => quoted(safe(value ?? ""))

/** A cell with a number. A `-` before the digits needs no apostrophe, since the cell contains nothing else. */
export const number = (value: number): Cell => quoted(String(value))

/** A JSON string, with the comma before it if there is one. */
const jsonString = /(?:,\s*)?"[^"\\]*(?:\\.[^"\\]*)*"/g

/**
 * The beginning of a formula after a separator. The first cell begins with the bracket of the JSON text, not with a formula.
 */
const formulaInside = /([,;|])([\s"]*)([=+\-@＝＋－＠])/gu

const escapeFormula = (_: string, separator: string, skipped: string, begin: string): string =>
  separator + skipped + TerminalText.unicodeEscape(begin)

/** Writes as `\u` escapes the characters of strings that could begin a formula after a separator. The value stays the same. */
export const safeJson = (json: string): string =>
  TerminalText.inertJson(json).replace(jsonString, (string) => string.replace(formulaInside, escapeFormula))

/** A cell with the `safeJson` of an object or an array. Any other JSON value could begin a formula at the start of the cell. */
export const json = (value: string): Cell => quoted(safeJson(value))

/** A record with its line break (CRLF). */
export const record = (cells: ReadonlyArray<Cell>): string => `${cells.join(",")}\r\n`
