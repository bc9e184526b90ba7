/**
 * Reads JSON without losing what `JSON.parse` loses: the place of a fault, integers of any size, and the text of a member
 * as it was written. Pure. Nothing here recurses, so that no nesting can exhaust the stack.
 *
 * @module
 */
import { Result } from "effect"

/** Why a text is not JSON: the offset in UTF-16 units, and a sentence. */
export interface JsonFault {
  readonly offset: number
  readonly reason: string
}

const isWhiteSpace = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09
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

/** What is at hand when a token is visited. */
interface Token {
  readonly start: number
  readonly end: number
  /** How many arrays and objects are open around the token; a bracket counts as outside of its own. */
  readonly depth: number
  readonly isKey: boolean
}

/**
 * Visits every token of a JSON text (strings, numbers, literals and punctuation) in order.
 *
 * @returns the offset of the first fault, or undefined if the text is JSON.
 */
const scan = (text: string, visit: (token: Token) => void): number | undefined => {
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
    visit({ start, end: at, depth, isKey })
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

/**
 * Reads a JSON text from bytes: strict UTF-8, a byte order mark allowed. An integer beyond what a double holds is given
 * as a `bigint`.
 */
export const parse = (
  bytes: Uint8Array
): Result.Result<{ readonly text: string; readonly value: unknown }, JsonFault> => {
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

const memberTextAsSent = (text: string, member: string): MemberText | undefined => {
  let inside = false
  let parts: Array<string> = []
  let deepest = 0
  let found = false
  scan(text, ({ depth, end, isKey, start }) => {
    if (depth <= 1 && (isKey || depth === 0)) {
      inside = isKey && JSON.parse(text.slice(start, end)) === member
      if (inside) {
        parts = []
        deepest = 0
        found = true
      }
      return
    }
    if (!inside) return
    const token = text.slice(start, end)
    if (depth === 1 && (token === ":" || token === ",")) {
      if (token === ",") inside = false
      return
    }
    if (token === "{" || token === "[") deepest = Math.max(deepest, depth)
    parts.push(token)
  })
  return found ? { text: parts.join(""), depth: deepest } : undefined
}

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
  let key: string | undefined
  let parts: Array<string> = []
  const close = () => {
    if (key !== undefined) found.push({ key, name: JSON.parse(key) as string, value: parts.join("") })
    key = undefined
    parts = []
  }
  scan(text, ({ depth, end, isKey, start }) => {
    if (depth === 0) return close()
    const token = text.slice(start, end)
    if (depth === 1 && isKey) key = token
    else if (depth === 1 && token === ",") close()
    else if (depth > 1 || token !== ":") parts.push(token)
  })
  return found
}
