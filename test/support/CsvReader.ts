/**
 * Reads CSV (RFC 4180) as records of cells, independently of the writer. Requires quotes around every cell and CRLF after every
 * record.
 */
export const read = (text: string): Array<Array<string>> => {
  const records: Array<Array<string>> = []
  let cells: Array<string> = []
  let at = 0
  while (at < text.length) {
    if (text[at] !== '"') throw new Error(`no quote at ${at}`)
    let cell = ""
    for (at++; ; at++) {
      if (at >= text.length) throw new Error("an unterminated cell")
      if (text[at] !== '"') cell += text[at]
      else if (text[at + 1] === '"') cell += text[at++]
      else break
    }
    at++
    cells.push(cell)
    if (text[at] === ",") {
      at++
    } else if (text.startsWith("\r\n", at)) {
      records.push(cells)
      cells = []
      at += 2
    } else {
      throw new Error(`expected a comma or a line break at ${at}`)
    }
  }
  if (cells.length > 0) throw new Error("an unterminated record")
  return records
}
