/**
 * Separates the reasoning that some runtimes write into the text, as `<think>…</think>` at its beginning. Pure.
 *
 * @module
 */

const open = "<think>"
const close = "</think>"

/** The maximum white space before `<think>`, in UTF-16 units. After more white space, the tag is text. */
const maxIndent = 256

/** The state of the parser. The first one is `initial`; in phase `text`, nothing more is separated. */
export interface State {
  readonly phase: "start" | "thinking" | "text"
  /** The end of the input so far, while it may be part of a tag. */
  readonly held: string
}

export const initial: State = { phase: "start", held: "" }

export interface Read {
  readonly state: State
  readonly reasoning: string
  readonly text: string
}

/** The length of the longest suffix of `text` that begins the closing tag. */
const partialClose = (text: string): number => {
  for (let length = Math.min(close.length - 1, text.length); length > 0; length--) {
    if (close.startsWith(text.slice(-length))) return length
  }
  return 0
}

const think = (text: string): Read => {
  const at = text.indexOf(close)
  if (at >= 0) {
    const state: State = { phase: "text", held: "" }
    return { state, reasoning: text.slice(0, at), text: text.slice(at + close.length) }
  }
  const cut = text.length - partialClose(text)
  return { state: { phase: "thinking", held: text.slice(cut) }, reasoning: text.slice(0, cut), text: "" }
}

/** Reads the next delta. The result does not depend on how the text is split into deltas. */
export const read = (state: State, delta: string): Read => {
  if (state.phase === "text") return { state, reasoning: "", text: delta }
  const text = state.held + delta
  if (state.phase === "thinking") return think(text)
  const begin = text.trimStart()
  const isIndented = text.length - begin.length <= maxIndent
  if (isIndented && begin.startsWith(open)) return think(begin.slice(open.length))
  return isIndented && open.startsWith(begin)
    ? { state: { phase: "start", held: text }, reasoning: "", text: "" }
    : { state: { phase: "text", held: "" }, reasoning: "", text }
}

/** The held text at the end of the input, as reasoning or text. */
export const end = (state: State): Omit<Read, "state"> =>
  state.phase === "thinking" ? { reasoning: state.held, text: "" } : { reasoning: "", text: state.held }
