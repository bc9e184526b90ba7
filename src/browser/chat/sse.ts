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
  let line = ""
  let data: Array<string> = []
  let size = 0
  let fresh = true
  let endedByReturn = false

  const endLine = (events: Array<string>): void => {
    if (line === "") {
      if (data.length > 0) events.push(data.join("\n"))
      data = []
      size = 0
    } else if (line.startsWith("data")) {
      const value = line[4] === ":" ? line.slice(line[5] === " " ? 6 : 5) : line.length === 4 ? "" : undefined
      if (value !== undefined) {
        data.push(value)
        size += value.length + 1
      }
    }
    line = ""
  }

  return (piece) => {
    const events: Array<string> = []
    let text = piece
    if (fresh && text !== "") {
      fresh = false
      if (text.startsWith("\uFEFF")) text = text.slice(1)
    }
    let from = 0
    for (let at = 0; at < text.length; at++) {
      const unit = text[at]
      if (unit !== "\n" && unit !== "\r") {
        endedByReturn = false
        continue
      }
      // The second half of a line end that was counted already.
      if (unit === "\n" && endedByReturn) {
        endedByReturn = false
        from = at + 1
        continue
      }
      endedByReturn = unit === "\r"
      line += text.slice(from, at)
      from = at + 1
      if (size + line.length > maxEvent) throw new EventTooLong()
      endLine(events)
    }
    line += text.slice(from)
    if (size + line.length > maxEvent) throw new EventTooLong()
    return events
  }
}
