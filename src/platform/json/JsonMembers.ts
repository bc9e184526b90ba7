/**
 * Extracts the members of a JSON object as source text. Unlike `JSON.parse` this preserves every digit, every escape and
 * repeated members. Pure. Nothing here recurses.
 *
 * @module
 */
import { isOpening, scan } from "./JsonScan.ts"

export interface MemberText {
  /** The tokens of the value, without white space between them. */
  readonly text: string
  /** The nesting depth: 1 for an object of plain values. */
  readonly depth: number
}

const isPlain = (value: unknown): boolean =>
  value === null || (typeof value !== "object" && typeof value !== "bigint" && value !== undefined)

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
 * @param value the result of `Json.parse`. If it is given, most texts need not be scanned.
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
