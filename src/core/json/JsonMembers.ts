/**
 * Gives the members of an object as they were written, which `JSON.parse` does not keep: each digit, each escape, and those
 * that stand more than once. Pure. Nothing here recurses.
 *
 * @module
 */
import { isOpening, scan } from "./JsonScan.ts"

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
 * What `memberText` gives for a flat object (or array) that stands in a text just as `JSON.stringify` writes it, which is
 * what nearly all clients send, in half of the time. Undefined for any other: that the text says nothing else is known by
 * writing it.
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

const backslash = 0x5c

const holdsEscape = (text: string, start: number, end: number): boolean => {
  for (let at = start; at < end; at++) if (text.charCodeAt(at) === backslash) return true
  return false
}

/** Whether a key's text is this name. Without an escape it says what it is: a body may have tens of thousands of keys. */
const isNamed = (text: string, start: number, end: number, name: string): boolean =>
  holdsEscape(text, start, end)
    ? JSON.parse(text.slice(start, end)) === name
    : end - start === name.length + 2 && text.startsWith(name, start + 1)

/** What a key's text says. */
const nameOf = (key: string): string =>
  holdsEscape(key, 0, key.length) ? (JSON.parse(key) as string) : key.slice(1, -1)

const memberTextAsSent = (text: string, member: string): MemberText | undefined => {
  const runs = new Runs(text)
  let inside = false
  let deepest = 0
  let found = false
  scan(text, (start, end, depth, isKey) => {
    if (depth <= 1 && (isKey || depth === 0)) {
      inside = isKey && isNamed(text, start, end, member)
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
    if (key !== undefined) found.push({ key, name: nameOf(key), value })
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
