/**
 * Reads JSON without losing what `JSON.parse` loses: the place of a fault, and integers of any size. Pure.
 *
 * @module
 */
import { Result } from "effect"
import { isClosing, isOpening, scan } from "./JsonScan.ts"

/** Why a text is not JSON: the offset in UTF-16 units (of what is nested too deeply, in bytes), and a sentence. */
export interface JsonFault {
  readonly offset: number
  readonly reason: string
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

/** Bytes. To take apart a text that is no longer costs little more than any request does, however deeply it is nested. */
export const cheapBytes = 16_384

/** How deeply a large text may be nested: what is nested in each of its bytes takes ten times as long to read. */
export const maxDepth = 1_000

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
  const tooDeep = bytes.length > cheapBytes ? tooDeepAt(bytes, maxDepth) : undefined
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
