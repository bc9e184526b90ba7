/** A small reader of RFC 4180, written apart from the writer: records of cells. Every cell is quoted, every record ends with CRLF. */
export const read = (text: string): Array<Array<string>> => {
  const records: Array<Array<string>> = []
  let cells: Array<string> = []
  let at = 0
  while (at < text.length) {
    if (text[at] !== '"') throw new Error(`no quote at ${at}`)
    let cell = ""
    for (at++; ; at++) {
      if (at >= text.length) throw new Error("a cell without an end")
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
      throw new Error(`neither comma nor line end at ${at}`)
    }
  }
  if (cells.length > 0) throw new Error("a record without an end")
  return records
}
