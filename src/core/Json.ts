/**
 * Reads JSON without losing what `JSON.parse` loses: the place of a fault, integers of any size, and the text of a member
 * as it was written. Pure. Nothing here recurses, so that no nesting can exhaust the stack.
 *
 * @module
 */
import { Result } from "effect"

/** Why a text is not JSON: the offset in UTF-16 units (of what is nested too deeply, in bytes), and a sentence. */
export interface JsonFault {
  readonly offset: number
  readonly reason: string
}

const isWhiteSpace = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09
const isOpening = (code: number): boolean => code === 0x5b || code === 0x7b
const isClosing = (code: number): boolean => code === 0x5d || code === 0x7d
const isHexDigit = (code: number): boolean =>
  (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x46) || (code >= 0x61 && code <= 0x66)

const number = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const literal = /true|false|null/y

/** The end of what a sticky pattern matches at `offset`, or `offset` if it does not match. */
const endOf = (pattern: RegExp, text: string, offset: number): number => {
  pattern.lastIndex = offset
  return pattern.test(text) ? pattern.lastIndex : offset
}

/** The end of the string that begins at `offset`; negative, `~place`, if it is faulty at `place`. */
const endOfString = (text: string, offset: number): number => {
  let at = offset + 1
  for (;;) {
    const code = text.charCodeAt(at)
    if (code === 0x22) return at + 1
    // NaN, past the end, fails this comparison as well.
    if (!(code >= 0x20)) return ~at
    if (code !== 0x5c) {
      at++
    } else if ('"\\/bfnrt'.includes(text.charAt(at + 1)) && at + 1 < text.length) {
      at += 2
    } else if (text.charAt(at + 1) === "u") {
      for (let digit = at + 2; digit < at + 6; digit++) {
        if (!isHexDigit(text.charCodeAt(digit))) return ~Math.min(digit, text.length)
      }
      at += 6
    } else {
      return ~at
    }
  }
}

type Expected = "value" | "value or ]" | "key" | "key or }" | "colon" | "comma or end" | "nothing"

/**
 * Is given where a token begins and ends, how many arrays and objects are open around it (a bracket counts as outside of
 * its own), and whether it is a key. In a row and not as an object, since a text may have as many tokens as characters.
 */
type Visit = (start: number, end: number, depth: number, isKey: boolean) => void

/**
 * Visits every token of a JSON text (strings, numbers, literals and punctuation) in order.
 *
 * @returns the offset of the first fault, or undefined if the text is JSON.
 */
const scan = (text: string, visit: Visit): number | undefined => {
  const open: Array<"[" | "{"> = []
  let expected: Expected = "value"
  let at = 0
  const afterValue = (): Expected => (open.length === 0 ? "nothing" : "comma or end")
  for (;;) {
    while (isWhiteSpace(text.charCodeAt(at))) at++
    if (at >= text.length) return expected === "nothing" ? undefined : text.length
    const character = text.charAt(at)
    const start = at
    let depth = open.length
    let isKey = false
    switch (expected) {
      case "nothing":
        return at
      case "colon":
        if (character !== ":") return at
        at++
        expected = "value"
        break
      case "comma or end": {
        const container = open.at(-1)
        if (character === ",") {
          expected = container === "{" ? "key" : "value"
        } else if (character === (container === "{" ? "}" : "]")) {
          open.pop()
          depth = open.length
          expected = afterValue()
        } else {
          return at
        }
        at++
        break
      }
      default: {
        const wantsKey: boolean = expected === "key" || expected === "key or }"
        if ((expected === "value or ]" && character === "]") || (expected === "key or }" && character === "}")) {
          open.pop()
          depth = open.length
          at++
          expected = afterValue()
        } else if (character === '"') {
          at = endOfString(text, at)
          if (at < 0) return ~at
          isKey = wantsKey
          expected = wantsKey ? "colon" : afterValue()
        } else if (wantsKey) {
          return at
        } else if (character === "[" || character === "{") {
          open.push(character)
          at++
          expected = character === "[" ? "value or ]" : "key or }"
        } else {
          at = endOf(number, text, at)
          if (at === start) at = endOf(literal, text, at)
          if (at === start) return at
          expected = afterValue()
        }
      }
    }
    visit(start, at, depth, isKey)
  }
}

const ignore = () => {}

/** The offset of the first fault of a text, or undefined if it is JSON. */
export const faultOffset = (text: string): number | undefined => scan(text, ignore)

const decoder = new TextDecoder("utf-8", { fatal: true })

/** A run of digits that may be an integer beyond what a double holds. */
const manyDigits = /[0-9]{16}/

const isBeyondDouble = (value: unknown): boolean =>
  typeof value === "number" && !(Math.abs(value) <= Number.MAX_SAFE_INTEGER)

/** Whether such an integer may stand in what a text was read as: what is nested is not looked into, and may hold one. */
const mayHoldLarge = (value: unknown): boolean => {
  if (typeof value !== "object" || value === null) return isBeyondDouble(value)
  for (const key in value) {
    const member = (value as Record<string, unknown>)[key]
    if (isBeyondDouble(member) || (typeof member === "object" && member !== null)) return true
  }
  return false
}

/** Gives an integer literal that a double cannot hold as a `bigint`. */
const keepInteger = (_key: string, value: unknown, context?: { readonly source?: string }): unknown =>
  typeof value === "number" &&
  !Number.isSafeInteger(value) &&
  context?.source !== undefined &&
  /^-?[0-9]{1,4400}$/.test(context.source)
    ? BigInt(context.source)
    : value

/** How deeply a large text may be nested: what is nested in each of its bytes takes ten times as long to read. */
export const maxDepth = 1_000

/** Bytes. A text that is no longer may be nested as deeply as it likes, and is not looked through for it. */
const short = 16_384

/** The offset, in bytes, of the bracket that is nested more than `levels` deep; undefined if there is none. */
const tooDeepAt = (bytes: Uint8Array, levels: number): number | undefined => {
  let depth = 0
  let isInString = false
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!
    if (byte === 0x22) isInString = !isInString
    else if (isInString) {
      if (byte === 0x5c) at++
    } else if (isOpening(byte)) {
      if (++depth > levels) return at
    } else if (isClosing(byte)) depth--
  }
  return undefined
}

/**
 * Reads a JSON text from bytes: strict UTF-8, a byte order mark allowed, a large one nested `maxDepth` levels deep at most.
 * An integer beyond what a double holds is given as a `bigint`.
 */
export const parse = (
  bytes: Uint8Array
): Result.Result<{ readonly text: string; readonly value: unknown }, JsonFault> => {
  const tooDeep = bytes.length > short ? tooDeepAt(bytes, maxDepth) : undefined
  if (tooDeep !== undefined) {
    return Result.fail({ offset: tooDeep, reason: `the text is nested more than ${maxDepth} levels deep here` })
  }
  let text: string
  try {
    text = decoder.decode(bytes)
  } catch {
    return Result.fail({ offset: 0, reason: "the body is not valid UTF-8" })
  }
  try {
    const value: unknown = JSON.parse(text)
    return Result.succeed({ text, value: mayHoldLarge(value) && manyDigits.test(text) ? reparse(text, value) : value })
  } catch {
    const offset = faultOffset(text) ?? 0
    return Result.fail({
      offset,
      reason: offset >= text.length ? "the text ends too early" : "this character cannot stand here"
    })
  }
}

/** Parses again with a reviver. It recurses, so a text nested too deeply for it keeps its doubles. */
const reparse = (text: string, value: unknown): unknown => {
  try {
    return JSON.parse(text, keepInteger)
  } catch {
    return value
  }
}

export interface MemberText {
  readonly text: string
  readonly depth: number
}

const isPlain = (value: unknown): boolean =>
  value === null || (typeof value !== "object" && typeof value !== "bigint" && value !== undefined)

const holdsPlain = (value: object, except?: string): boolean => {
  for (const key in value) {
    if (key !== except && !isPlain((value as Record<string, unknown>)[key])) return false
  }
  return true
}

/**
 * What `memberText` gives for a flat object (or array) that stands in a text just as `JSON.stringify` writes it, which is what nearly
 * all clients send, in half of the time. Undefined for any other: that the text says nothing else is known by writing it.
 */
const memberTextAsWritten = (text: string, member: string, value: unknown): MemberText | undefined => {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, member)) return undefined
  const wanted = (value as Record<string, unknown>)[member]
  return typeof wanted === "object" &&
    wanted !== null &&
    holdsPlain(wanted) &&
    holdsPlain(value, member) &&
    JSON.stringify(value) === text
    ? { text: JSON.stringify(wanted), depth: 1 }
    : undefined
}

/**
 * The value of a member of the outermost object, as JSON text: token for token as it was written, without the white space
 * between them, and how deeply it is nested (1 for an object of plain values). If the member stands more than once, the
 * last one, which is also the one that `JSON.parse` gives.
 *
 * @param text a text that is JSON and whose value is an object.
 * @param value what `parse` gives for it, if that is at hand; then most texts need not be read once more.
 */
export const memberText = (text: string, member: string, value?: unknown): MemberText | undefined =>
  memberTextAsWritten(text, member, value) ?? memberTextAsSent(text, member)

/** Parts of a text put together, which are cut out only where something is left out between them. */
class Runs {
  private readonly text: string
  private before: Array<string> = []
  private start = 0
  private end = 0

  constructor(text: string) {
    this.text = text
  }

  add(start: number, end: number): void {
    if (start !== this.end) {
      this.before.push(this.text.slice(this.start, this.end))
      this.start = start
    }
    this.end = end
  }

  /** Gives what was added, and begins anew. */
  take(): string {
    const last = this.text.slice(this.start, this.end)
    const { before } = this
    this.before = []
    this.start = this.end
    return before.length === 0 ? last : before.join("") + last
  }
}

const memberTextAsSent = (text: string, member: string): MemberText | undefined => {
  const runs = new Runs(text)
  let inside = false
  let deepest = 0
  let found = false
  scan(text, (start, end, depth, isKey) => {
    if (depth <= 1 && (isKey || depth === 0)) {
      inside = isKey && JSON.parse(text.slice(start, end)) === member
      if (inside) {
        runs.take()
        deepest = 0
        found = true
      }
      return
    }
    if (!inside) return
    const code = text.charCodeAt(start)
    if (depth === 1 && code === colon) return
    if (depth === 1 && code === comma) {
      inside = false
      return
    }
    if (depth > deepest && isOpening(code)) deepest = depth
    runs.add(start, end)
  })
  return found ? { text: runs.take(), depth: deepest } : undefined
}

const colon = 0x3a
const comma = 0x2c

/** A member of an object, as JSON texts without white space between their tokens. */
export interface Member {
  /** The name's text, with its quotes and escapes. */
  readonly key: string
  readonly name: string
  readonly value: string
}

/**
 * The members of the outermost object, in order, those that stand more than once as often as they stand.
 *
 * @param text a text that is JSON and whose value is an object.
 */
export const members = (text: string): ReadonlyArray<Member> => {
  const found: Array<Member> = []
  const runs = new Runs(text)
  let key: string | undefined
  const close = () => {
    const value = runs.take()
    if (key !== undefined) found.push({ key, name: JSON.parse(key) as string, value })
    key = undefined
  }
  scan(text, (start, end, depth, isKey) => {
    if (depth === 0) close()
    else if (depth === 1 && isKey) key = text.slice(start, end)
    else if (depth > 1 || text.charCodeAt(start) !== colon) {
      if (depth === 1 && text.charCodeAt(start) === comma) close()
      else runs.add(start, end)
    }
  })
  return found
}
