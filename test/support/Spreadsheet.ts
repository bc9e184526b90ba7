/**
 * Reads CSV as spreadsheets do, without any code of the writer. Splits at one separator. With `honoursQuotes`, quotes at the
 * beginning of a cell enclose its text, as in LibreOffice and Excel.
 */

export type Separator = "," | ";" | "\t" | "|"

/** Reads a quoted cell whose opening quote is at `from`. `end` is the position after its closing quote. */
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
  const result: Array<string> = []
  const ends = new Set([separator, "\r", "\n"])
  for (let at = 0; at < text.length; at++) {
    let cell = ""
    if (honoursQuotes && text[at] === '"') ({ cell, end: at } = quoted(text, at))
    for (; at < text.length && !ends.has(text[at]!); at++) cell += text[at]
    result.push(cell)
  }
  return result
}

/** Whether a spreadsheet may evaluate a cell as a formula, even after it drops leading quotes and white space. */
export const isFormula = (cell: string): boolean => /^[\s"]*[=+\-@＝＋－＠]/u.test(cell)
