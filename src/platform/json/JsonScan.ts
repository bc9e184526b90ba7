/**
 * Scans JSON token by token. Pure. Nothing here recurses, so that no depth can exhaust the stack.
 *
 * @module
 */

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
