/**
 * Reads Server-Sent Events from text that comes in pieces. Pure but for the state it keeps.
 *
 * Only the data of events is given on: neither names nor ids mean anything to the chat.
 *
 * @module
 */

/** The longest event that is read, in UTF-16 units. */
export const maxEvent = 1_048_576

/** An event was longer than `maxEvent`: whoever sends this is no chat. */
export class EventTooLong extends Error {}

/**
 * Makes a function that takes the next piece of text, cut anywhere, and gives the data of every event that it completed.
 * An event that is never completed by an empty line is never given, as the standard wants it.
 *
 * @throws EventTooLong
 */
export const makeReader = (): ((piece: string) => ReadonlyArray<string>) => {
  let begun = ""
  let data: Array<string> = []
  let size = 0
  /** What the next text is read without if it begins with it: a byte order mark, or the second half of a line's end. */
  let skipped = "\uFEFF"

  return (piece) => {
    if (piece === "") return []
    const events: Array<string> = []
    const text = piece.startsWith(skipped) ? piece.slice(skipped.length) : piece
    skipped = text.endsWith("\r") ? "\n" : ""
    const lines = text.split(/\r\n?|\n/)
    lines[0] = begun + lines[0]
    lines.forEach((line, index) => {
      if (size + line.length > maxEvent) throw new EventTooLong()
      if (index === lines.length - 1) begun = line
      else if (line === "") {
        if (data.length > 0) events.push(data.join("\n"))
        data = []
        size = 0
      } else if (/^data(:|$)/.test(line)) {
        const value = line.slice(line[5] === " " ? 6 : 5)
        data.push(value)
        size += value.length + 1
      }
    })
    return events
  }
}
