/**
 * Readers of CSV as spreadsheets are, written apart from the writer: each splits at one separator. One honours quotes at
 * the beginning of a cell, as LibreOffice and Excel do, and one does not.
 */

export type Separator = "," | ";" | "\t" | "|"

/** The text without its quotes, from a quote on to the one that closes it; what follows up to the separator is kept. */
const quoted = (text: string, from: number): { readonly cell: string; readonly end: number } => {
  let cell = ""
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] !== '"') cell += text[at]
    else if (text[at + 1] === '"') cell += text[at++]
    else return { cell, end: at + 1 }
  }
  return { cell, end: text.length }
}

/** Every cell of the text, in order. */
export const cells = (text: string, separator: Separator, honoursQuotes: boolean): ReadonlyArray<string> => {
  const found: Array<string> = []
  const ends = new Set([separator, "\r", "\n"])
  for (let at = 0; at < text.length; at++) {
    let cell = ""
    if (honoursQuotes && text[at] === '"') ({ cell, end: at } = quoted(text, at))
    for (; at < text.length && !ends.has(text[at]!); at++) cell += text[at]
    found.push(cell)
  }
  return found
}

/** Whether a spreadsheet may calculate a cell, be it one that drops quotes and white space at its beginning. */
export const isFormula = (cell: string): boolean => /^[\s"]*[=+\-@＝＋－＠]/u.test(cell)
