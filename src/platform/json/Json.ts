/**
 * Parses JSON, and unlike `JSON.parse` reports the offset of an error and preserves large integers. Pure.
 *
 * @module
 */
import { Result } from "effect"
import { constVoid } from "effect/Function"
import { isClosing, isOpening, scan } from "./JsonScan.ts"

export interface JsonFault {
  /** In UTF-16 units; in bytes if the text is nested too deeply; 0 if the bytes are not UTF-8. */
  readonly offset: number
  readonly reason: string
}

/** The offset of the first error, or undefined if the text is JSON. */
export const faultOffset = (text: string): number | undefined => scan(text, constVoid)

const decoder = new TextDecoder("utf-8", { fatal: true })

/** The shortest run of digits that can be an unsafe integer. */
export const manyDigits = /[0-9]{16}/

const isUnsafe = (value: unknown): boolean => typeof value === "number" && !(Math.abs(value) <= Number.MAX_SAFE_INTEGER)

/** Whether a value may hold an unsafe integer. Nested arrays and objects are not searched; any of them is assumed to hold one. */
const mayHoldUnsafe = (value: unknown): boolean => {
  if (typeof value !== "object" || value === null) return isUnsafe(value)
  for (const key in value) {
    const member = (value as Record<string, unknown>)[key]
    if (isUnsafe(member) || (typeof member === "object" && member !== null)) return true
  }
  return false
}

/** A reviver that returns unsafe integers of up to 4,400 digits as `bigint`. */
const keepInteger = (_key: string, value: unknown, context?: { readonly source?: string }): unknown =>
  typeof value === "number" &&
  !Number.isSafeInteger(value) &&
  context?.source !== undefined &&
  /^-?[0-9]{1,4400}$/.test(context.source)
    ? BigInt(context.source)
    : value

/** Texts up to this length, in bytes, are cheap to parse at any depth. */
export const cheapBytes = 16_384

/** The maximum depth of a longer text. A text in which each byte opens a level takes ten times as long to parse as others. */
export const maxDepth = 1_000

/** The offset, in bytes, of the first bracket that is more than `levels` deep; undefined if there is none. */
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

/** The text of bytes: strict UTF-8, with or without a byte order mark, of at most `maxDepth` levels if it is longer than `cheapBytes`. */
export const decodeText = (bytes: Uint8Array): Result.Result<string, JsonFault> => {
  const tooDeep = bytes.length > cheapBytes ? tooDeepAt(bytes, maxDepth) : undefined
  if (tooDeep !== undefined) {
    return Result.fail({ offset: tooDeep, reason: `the text is nested more than ${maxDepth} levels deep here` })
  }
  try {
    return Result.succeed(decoder.decode(bytes))
  } catch {
    return Result.fail({ offset: 0, reason: "the body is not valid UTF-8" })
  }
}

/** The fault of a text that `JSON.parse` refuses. */
export const faultOf = (text: string): JsonFault => {
  const offset = faultOffset(text) ?? 0
  return {
    offset,
    reason: offset >= text.length ? "the text ends too early" : "this character is not allowed here"
  }
}

/**
 * Parses a JSON text from bytes that `decodeText` accepts. Unsafe integers (beyond 2^53 - 1) become `bigint`s if they have at most 4,400 digits and the text
 * is not too deep for a reviver.
 */
export const parse = (
  bytes: Uint8Array
): Result.Result<{ readonly text: string; readonly value: unknown }, JsonFault> =>
  Result.flatMap(decodeText(bytes), (text) => {
    try {
      const value: unknown = JSON.parse(text)
      return Result.succeed({
        text,
        value: mayHoldUnsafe(value) && manyDigits.test(text) ? reparse(text, value) : value
      })
    } catch {
      return Result.fail(faultOf(text))
    }
  })

/** The value with `bigint`s. `JSON.parse` recurses if it has a reviver: a text that is too deep for that keeps its doubles. */
const reparse = (text: string, value: unknown): unknown => {
  try {
    return JSON.parse(text, keepInteger)
  } catch {
    return value
  }
}
