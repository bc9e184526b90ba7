/**
 * Scans JSON token by token, finds the offset of an error, and takes members of an object as source text, which preserves every
 * digit, every escape and repeated members. Pure. Scanning does not recurse, so that no depth can exhaust the stack.
 *
 * @module
 */
import { constVoid } from "effect/Function"

export interface JsonFault {
  /** In UTF-16 units; in bytes if the text is nested too deeply; 0 if the bytes are not UTF-8. */
  readonly offset: number
  readonly reason: string
}

/** The offset of the first error, or undefined if the text is JSON. */
export const faultOffset = (text: string): number | undefined => scan(text, constVoid)

/** The shortest run of digits that can be an unsafe integer. */
export const manyDigits = /[0-9]{16}/

/** The fault of a text that `JSON.parse` refuses. */
export const faultOf = (text: string): JsonFault => {
  const offset = faultOffset(text) ?? 0
  return {
    offset,
    reason: offset >= text.length ? "the text ends too early" : "this character is not allowed here"
  }
}

const isWhiteSpace = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09
/** Whether a code unit or a byte is `[` or `{`. */
export const isOpening = (code: number): boolean => code === 0x5b || code === 0x7b
/** Whether a code unit or a byte is `]` or `}`. */
export const isClosing = (code: number): boolean => code === 0x5d || code === 0x7d
const isHexDigit = (code: number): boolean =>
  (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x46) || (code >= 0x61 && code <= 0x66)

const number = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const literal = /true|false|null/y

/** The end of the match of a sticky pattern at `offset`, or `offset` if it does not match. */
const endOf = (pattern: RegExp, text: string, offset: number): number => {
  pattern.lastIndex = offset
  return pattern.test(text) ? pattern.lastIndex : offset
}

/** The end of the string that begins at `offset`; the negative number `~error` if there is an error at the offset `error`. */
const endOfString = (text: string, offset: number): number => {
  let at = offset + 1
  for (;;) {
    const code = text.charCodeAt(at)
    if (code === 0x22) return at + 1
    // The comparison is also false for NaN, past the end.
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
 * Receives a token's start and end, the number of arrays and objects around the token, and whether it is a key. A bracket is
 * outside the array or object that it opens or closes. Four parameters rather than an object, since a text may have as many
 * tokens as characters.
 */
export type TokenHandler = (start: number, end: number, depth: number, isKey: boolean) => void

/**
 * Visits every token of a JSON text (strings, numbers, literals and punctuation) in order.
 *
 * @returns the offset of the first error, or undefined if the text is JSON.
 */
export const scan = (text: string, visit: TokenHandler): number | undefined => {
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

export interface MemberText {
  /** The tokens of the value, without white space between them. */
  readonly text: string
  /** The nesting depth: 1 for an object of plain values. */
  readonly depth: number
}

const isPlain = (value: unknown): boolean => value === null || (typeof value !== "object" && value !== undefined)

const hasOnlyPlainMembers = (value: object, except?: string): boolean => {
  for (const key in value) {
    if (key !== except && !isPlain((value as Record<string, unknown>)[key])) return false
  }
  return true
}

/**
 * The member, provided that `JSON.stringify` writes exactly this text, that the member is an object or array of plain values, and
 * that all other members are plain; otherwise undefined. Nearly all clients send such texts, and stringifying takes half the time
 * of a scan.
 */
const memberTextAsStringified = (text: string, member: string, value: unknown): MemberText | undefined => {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, member)) return undefined
  const wanted = (value as Record<string, unknown>)[member]
  return typeof wanted === "object" &&
    wanted !== null &&
    hasOnlyPlainMembers(wanted) &&
    hasOnlyPlainMembers(value, member) &&
    JSON.stringify(value) === text
    ? { text: JSON.stringify(wanted), depth: 1 }
    : undefined
}

/**
 * The value of a member of the outermost object. If the member is repeated, its last value, as with `JSON.parse`.
 *
 * @param text the JSON text of an object.
 * @param value the value of the text. If it is given, most texts need not be scanned.
 */
export const memberText = (text: string, member: string, value?: unknown): MemberText | undefined =>
  memberTextAsStringified(text, member, value) ?? scannedMemberText(text, member)

/** Concatenates ranges of a text. Adjacent ranges are sliced as one. */
class Ranges {
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

  /** Returns the concatenation, and clears it. */
  take(): string {
    const last = this.text.slice(this.start, this.end)
    const { before } = this
    this.before = []
    this.start = this.end
    return before.length === 0 ? last : before.join("") + last
  }
}

const backslash = 0x5c

const holdsEscape = (text: string, start: number, end: number): boolean => {
  for (let at = start; at < end; at++) if (text.charCodeAt(at) === backslash) return true
  return false
}

/** Whether a key's text means this name. Only keys with escapes are parsed, since a body may have tens of thousands of keys. */
const isNamed = (text: string, start: number, end: number, name: string): boolean =>
  holdsEscape(text, start, end)
    ? JSON.parse(text.slice(start, end)) === name
    : end - start === name.length + 2 && text.startsWith(name, start + 1)

const nameOf = (key: string): string =>
  holdsEscape(key, 0, key.length) ? (JSON.parse(key) as string) : key.slice(1, -1)

const scannedMemberText = (text: string, member: string): MemberText | undefined => {
  const ranges = new Ranges(text)
  let inside = false
  let deepest = 0
  let isFound = false
  scan(text, (start, end, depth, isKey) => {
    if (depth <= 1 && (isKey || depth === 0)) {
      inside = isKey && isNamed(text, start, end, member)
      if (inside) {
        ranges.take()
        deepest = 0
        isFound = true
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
    ranges.add(start, end)
  })
  return isFound ? { text: ranges.take(), depth: deepest } : undefined
}

const colon = 0x3a
const comma = 0x2c

/** A member of an object. Its texts have no white space between their tokens. */
export interface Member {
  /** The source text of the name, with its quotes and escapes. */
  readonly key: string
  readonly name: string
  readonly value: string
}

/**
 * The members of the outermost object in order, repeated ones included.
 *
 * @param text the JSON text of an object.
 */
export const members = (text: string): ReadonlyArray<Member> => {
  const all: Array<Member> = []
  const ranges = new Ranges(text)
  let key: string | undefined
  const close = () => {
    const value = ranges.take()
    if (key !== undefined) all.push({ key, name: nameOf(key), value })
    key = undefined
  }
  scan(text, (start, end, depth, isKey) => {
    if (depth === 0) close()
    else if (depth === 1 && isKey) key = text.slice(start, end)
    else if (depth > 1 || text.charCodeAt(start) !== colon) {
      if (depth === 1 && text.charCodeAt(start) === comma) close()
      else ranges.add(start, end)
    }
  })
  return all
}

/**
 * The forms in which JSON strings contain the text: with characters beyond ASCII as they are, and with their `\u` escapes; with
 * slashes as they are, and with a backslash, as PHP writes them.
 */
export const needlesOf = (search: string): ReadonlyArray<string> => {
  const escaped = JSON.stringify(search).slice(1, -1)
  const ascii = escaped.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
  return [...new Set([escaped, ascii].flatMap((form) => [form, form.replaceAll("/", "\\/")]))]
}
