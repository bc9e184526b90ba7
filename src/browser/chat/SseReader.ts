/**
 * Parses Server-Sent Events incrementally. Only the data of events is returned: the chat uses neither names nor ids.
 *
 * @module
 */

/** The longest event, in UTF-16 units. */
export const maxEvent = 1_048_576

/** An event is longer than `maxEvent`. */
export class EventTooLong extends Error {}

/**
 * Makes a function that takes the next chunk of a stream and returns the data of every event that is now complete. An event
 * without an empty line after it is never returned, as the standard requires.
 *
 * @throws EventTooLong
 */
export const makeSseReader = (): ((chunk: string) => ReadonlyArray<string>) => {
  /** The incomplete last line. */
  let line = ""
  let data: Array<string> = []
  let size = 0
  /** Skipped at the start of the next chunk: a byte order mark, or the second half of a CRLF. */
  let skipped = "\uFEFF"

  return (chunk) => {
    if (chunk === "") return []
    const events: Array<string> = []
    const text = chunk.startsWith(skipped) ? chunk.slice(skipped.length) : chunk
    skipped = text.endsWith("\r") ? "\n" : ""
    const lines = text.split(/\r\n?|\n/)
    lines[0] = line + lines[0]
    lines.forEach((text, index) => {
      if (size + text.length > maxEvent) throw new EventTooLong()
      if (index === lines.length - 1) line = text
      else if (text === "") {
        if (data.length > 0) events.push(data.join("\n"))
        data = []
        size = 0
      } else if (/^data(:|$)/.test(text)) {
        const value = text.slice(text[5] === " " ? 6 : 5)
        data.push(value)
        size += value.length + 1
      }
    })
    return events
  }
}
