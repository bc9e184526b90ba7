/**
 * Parses Server-Sent Events as WHATWG defines them, from bytes that may be split anywhere. Pure: the unfinished rest is in
 * the state.
 *
 * Until a line is complete, its bytes are kept as Latin-1 text, one character each. A UTF-8 character that was split is
 * therefore joined before it is decoded, lengths are bytes, and ASCII, which is nearly everything, needs no decoding.
 *
 * Effect's `Sse.makeParser` holds the same bound, and takes 0.3 to 0.45 microseconds longer for a token, which is 4 to 15 %
 * of all that a token costs (scripts/bench/README.md).
 *
 * @module
 */
import { isAscii } from "node:buffer"

export interface Event {
  /** `message` if the stream names no event. */
  readonly event: string
  readonly data: string
}

/** The state between two chunks. Begin with `initial`. */
export interface State {
  /** The bytes since the last line's end. */
  readonly rest: string
  /** Whether `rest` or `data` may hold more than ASCII. */
  readonly isWide: boolean
  /** Whether the last chunk ended with CR: LF at the beginning of the next chunk belongs to the same line end. */
  readonly afterCr: boolean
  /** Whether no line was read yet: a byte order mark may follow. */
  readonly isFresh: boolean
  /** The event's name so far. */
  readonly name: string
  /** The event's data lines so far, as bytes; undefined if there is none. */
  readonly data: string | undefined
}

export const initial: State = {
  rest: "",
  isWide: false,
  afterCr: false,
  isFresh: true,
  name: "",
  data: undefined
}

/** The state between two events, where nearly every chunk ends. Shared. */
const between: State = { ...initial, isFresh: false }

export interface Read {
  readonly state: State
  readonly events: ReadonlyArray<Event>
  /** How many lines ended. */
  readonly lines: number
  /** Whether a line or an event's data exceeds the bound: stop reading then. */
  readonly isTooLarge: boolean
}

const none: ReadonlyArray<Event> = []

const byteOrderMark = "\u00ef\u00bb\u00bf"

const decode = (bytes: string, isWide: boolean): string =>
  isWide ? Buffer.from(bytes, "latin1").toString("utf8") : bytes

/** The length of the byte order mark, or of its first bytes, at the beginning of a stream. */
const markLength = (beginning: string): number =>
  beginning.startsWith(byteOrderMark) || byteOrderMark.startsWith(beginning)
    ? Math.min(beginning.length, byteOrderMark.length)
    : 0

/** Keeps a chunk in which no line ends, without scanning what is kept already. */
const keep = (state: State, chunk: Buffer, maxBytes: number): Read => {
  const rest = state.rest + chunk.toString("latin1")
  const isWide = state.isWide || !isAscii(chunk)
  const length = rest.length - (state.isFresh ? markLength(rest) : 0)
  return { state: { ...state, rest, isWide, afterCr: false }, events: none, lines: 0, isTooLarge: length > maxBytes }
}

/**
 * Reads the next chunk of a stream. How the bytes are cut into chunks does not matter. Comments, `id:`, `retry:` and
 * unknown fields are skipped; an event is complete only after its blank line. A line, and the data of an event, may have
 * up to `maxBytes`. The events before the line or data that exceeds this bound are returned.
 */
export const read = (state: State, chunk: Buffer, maxBytes: number): Read => {
  if (chunk.length === 0) return { state, events: none, lines: 0, isTooLarge: false }
  const hasCr = chunk.includes(13)
  if (!hasCr && !chunk.includes(10)) return keep(state, chunk, maxBytes)

  const isWide = state.isWide || !isAscii(chunk)
  let text = state.rest + chunk.toString("latin1")
  if (state.afterCr && text.charCodeAt(0) === 10) text = text.slice(1)
  const afterCr = hasCr && text.charCodeAt(text.length - 1) === 13
  if (hasCr) text = text.replace(/\r\n?/g, "\n")
  if (state.isFresh && text.startsWith(byteOrderMark)) text = text.slice(byteOrderMark.length)

  const events: Array<Event> = []
  let { data, name } = state
  let at = 0
  let lines = 0
  let isTooLarge = false
  while (!isTooLarge) {
    const end = text.indexOf("\n", at)
    if (end < 0) break
    if (end === at) {
      if (data !== undefined) events.push({ event: name || "message", data: decode(data, isWide) })
      data = undefined
      name = ""
    } else if (text.startsWith("data", at)) {
      // `data:`, `data: ` and a bare `data` are the field; `data` followed by anything else is another field.
      if (text.charCodeAt(at + 4) === 58) {
        const value = text.slice(text.charCodeAt(at + 5) === 32 ? at + 6 : at + 5, end)
        data = data === undefined ? value : `${data}\n${value}`
      } else if (end === at + 4) data = data === undefined ? "" : `${data}\n`
    } else if (text.startsWith("event", at)) {
      if (text.charCodeAt(at + 5) === 58) {
        name = decode(text.slice(text.charCodeAt(at + 6) === 32 ? at + 7 : at + 6, end), isWide)
      } else if (end === at + 5) name = ""
    }
    isTooLarge = end - at > maxBytes || (data !== undefined && data.length > maxBytes)
    at = end + 1
    lines++
  }
  const rest = text.slice(at)
  const isBetween = rest === "" && data === undefined && name === "" && !afterCr
  return {
    state: isBetween ? between : { rest, isWide, afterCr, isFresh: false, name, data },
    events,
    lines,
    isTooLarge: isTooLarge || rest.length > maxBytes
  }
}
