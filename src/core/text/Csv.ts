/**
 * Writes CSV (RFC 4180) that a spreadsheet cannot mistake for formulas. Pure.
 *
 * Every cell stands in double quotes, as OWASP advises, so that neither commas, semicolons, tabs nor line breaks in what a
 * visitor wrote can open a cell of their own.
 *
 * @module
 */

/**
 * What makes a spreadsheet take a cell for a formula, or skip to what follows: OWASP's "CSV Injection", with the full-width
 * forms that East Asian spreadsheets read alike.
 */
const dangerous = /^[=+\-@\t\r\n＝＋－＠]/u

/** Whether a spreadsheet might calculate a cell with this text instead of showing it. */
export const isDangerous = (cell: string): boolean => dangerous.test(cell)

/** The text as it is shown: one that might be calculated gets a leading apostrophe, every other stays as it is. */
export const safe = (cell: string): string => (isDangerous(cell) ? `'${cell}` : cell)

/** One record, with its line end (CRLF). A null is an empty cell. */
export const record = (cells: ReadonlyArray<string | null>): string =>
  `${cells.map((cell) => `"${safe(cell ?? "").replaceAll('"', '""')}"`).join(",")}\r\n`
