/**
 * Judges whether a submission looks like spam. No submission is dropped: one that looks like spam is quarantined, and the
 * website's owner can release it. Pure: repetitions and times are arguments.
 *
 * @module
 */

import { hash } from "node:crypto"
import type { WebsiteConfigId } from "../platform/Id.ts"
import { hourMillis } from "../platform/text/Calendar.ts"
import * as FormSender from "./FormSender.ts"
import * as Inbox from "./Inbox.ts"
import type { Hints, Status, Submission } from "./Submission.ts"

export interface SpamSignals {
  /** Whether the hidden field was filled in. */
  readonly honeypot: boolean
  /** The number of URLs in the form data. */
  readonly links: number
  /** Whether the form data holds link markup, in HTML or BBCode. */
  readonly linkMarkup: boolean
  /** How many times the same content was sent to the same website before. See `Repetitions`. */
  readonly repetitions: number
  /** Milliseconds between the form's appearance and its submission; null if they were not measured. */
  readonly millis: number | null
  /** Whether the email address belongs to a disposable email service. */
  readonly disposableEmail: boolean
  /** Whether the website's owner marked the address or the text as spam. See `isMarked`. */
  readonly marked: boolean
}

export const noSignals: SpamSignals = {
  honeypot: false,
  links: 0,
  linkMarkup: false,
  repetitions: 0,
  millis: null,
  disposableEmail: false,
  marked: false
}

/** A signal that added to the score. */
export type SpamReason = "honeypot" | "links" | "link-markup" | "repeated" | "fast" | "disposable-email" | "marked"

export interface SpamVerdict {
  readonly status: Status
  readonly score: number
  /** All signals that added to the score, in the order in which `SpamReason` lists them. An accepted submission may have some. */
  readonly reasons: ReadonlyArray<SpamReason>
}

/**
 * The minimum score of a quarantined submission. Of all signals, only the honeypot, a mark and ten links reach it alone; repeated
 * content reaches it if it has a link.
 */
export const threshold = 5

/** Few people fill in a form in less time, in milliseconds. A browser can do it for them. */
const fastMillis = 2_000

const linkPoints = (links: number): number => (links >= 10 ? 5 : links >= 5 ? 3 : links >= 3 ? 1 : 0)

const repetitionPoints = ({ linkMarkup, links, repetitions }: SpamSignals): number => {
  if (repetitions === 0) return 0
  // Nothing is lost: the first submission of this content is not a repetition.
  if (links > 0 || linkMarkup) return threshold
  return repetitions >= 3 ? 2 : 1
}

/** Scores a submission. One more signal, or a stronger one, never lowers the score. */
export const judge = (signals: SpamSignals): SpamVerdict => {
  const points: ReadonlyArray<readonly [SpamReason, number]> = [
    ["honeypot", signals.honeypot ? threshold : 0],
    ["links", linkPoints(signals.links)],
    ["link-markup", signals.linkMarkup ? 3 : 0],
    ["repeated", repetitionPoints(signals)],
    ["fast", signals.millis !== null && signals.millis < fastMillis ? 2 : 0],
    ["disposable-email", signals.disposableEmail ? 3 : 0],
    ["marked", signals.marked ? threshold : 0]
  ]
  const score = points.reduce((sum, [, value]) => sum + value, 0)
  return {
    status: score >= threshold ? "quarantined" : "accepted",
    score,
    reasons: points.flatMap(([reason, value]) => (value > 0 ? [reason] : []))
  }
}

/**
 * Disposable email services. A short list suffices: this signal only adds to others, since it does not reach `threshold`
 * alone.
 */
const disposableDomains = new Set([
  "10minutemail.com",
  "dispostable.com",
  "fakeinbox.com",
  "getnada.com",
  "guerrillamail.com",
  "guerrillamail.info",
  "guerrillamail.net",
  "guerrillamail.org",
  "mailcatch.com",
  "maildrop.cc",
  "mailinator.com",
  "mailnesia.com",
  "mintemail.com",
  "sharklasers.com",
  "spam4.me",
  "temp-mail.org",
  "tempmail.com",
  "throwawaymail.com",
  "trashmail.com",
  "yopmail.com"
])

/** Whether a domain or a parent of it is a disposable email service. */
const isDisposableDomain = (domain: string): boolean =>
  disposableDomains.has(domain) || (domain.includes(".") && isDisposableDomain(domain.slice(domain.indexOf(".") + 1)))

/** Whether the domain of an address, or a parent of it, is a disposable email service. */
export const isDisposable = (email: string | null): boolean => {
  if (email === null) return false
  const mark = email.lastIndexOf("@")
  return isDisposableDomain(
    email
      .slice(mark + 1, mark + 255)
      .trim()
      .toLowerCase()
  )
}

/** Links beyond this number are not counted: the score is the same. */
const maxLinks = 100

const url = /https?:\\?\/\\?\/|\bwww\.[a-z0-9]/gi
const markup = /<a\s|\[(?:url|link)[=\]]/i

/** The links in a text, which may be JSON text with escaped slashes (`https:\/\/`). */
export const linksIn = (text: string): Pick<SpamSignals, "links" | "linkMarkup"> => {
  let links = 0
  url.lastIndex = 0
  while (links < maxLinks && url.test(text)) links++
  return { links, linkMarkup: markup.test(text) }
}

/** By what a submission is recognised; null where it has nothing to be recognised by. */
export interface Traits {
  readonly email: string | null
  /** The SHA-256 of the text in hexadecimal, with the website's id, so that it cannot be compared between websites. */
  readonly textDigest: string | null
  /** The beginning of the text. */
  readonly text: string | null
}

/** The marks of a website as a submission needs them. */
export interface Marks {
  readonly addresses: ReadonlySet<string>
  readonly textDigests: ReadonlySet<string>
}

export const noMarks: Marks = { addresses: new Set(), textDigests: new Set() }

/** The minimum length of a message, since many people write `Hello`, and of another field, which may be a choice of many people. */
const minLength = { message: 20, other: 80 } as const

/** The maximum length of an address that is kept, in UTF-16 units. */
const maxAddress = 320

/** What is kept of a text. */
const maxText = 100

/** A text without what a sender changes most easily: case, width and white space. */
const normalized = (text: string): string => text.normalize("NFKC").toLowerCase().replace(/\s+/g, " ").trim()

/** The text that a submission is recognised by: the message or, without a field for it, the longest text. */
const textOf = (formData: string): string | null => {
  const texts = Inbox.fieldsOf(formData).filter(({ type }) => type === "text")
  const messages = texts.filter(({ name }) => FormSender.isMessage(name)).map(({ value }) => value)
  if (messages.length > 0) {
    const message = messages.join("\n")
    return normalized(message).length >= minLength.message ? message : null
  }
  const longest = texts.reduce((found, { value }) => (value.length > found.length ? value : found), "")
  return normalized(longest).length >= minLength.other ? longest : null
}

export const traitsOf = (
  websiteConfigId: WebsiteConfigId,
  { email, formData }: Pick<Submission, "email" | "formData">
): Traits => {
  const address = email?.trim().toLowerCase() ?? ""
  const text = textOf(formData)
  const line = text
    ?.toWellFormed()
    .replace(/[\s\p{Cc}]+/gu, " ")
    .trim()
  return {
    email: address === "" || address.length > maxAddress ? null : address,
    textDigest: text === null ? null : hash("sha256", JSON.stringify([websiteConfigId, normalized(text)])),
    text: line?.slice(0, maxText).toWellFormed() ?? null
  }
}

/** Whether a website's owner marked the submission's address or text as spam. */
export const isMarked = (
  { addresses, textDigests }: Marks,
  websiteConfigId: WebsiteConfigId,
  submission: Pick<Submission, "email" | "formData">
): boolean => {
  if (addresses.size === 0 && textDigests.size === 0) return false
  const { email, textDigest } = traitsOf(websiteConfigId, submission)
  return (email !== null && addresses.has(email)) || (textDigest !== null && textDigests.has(textDigest))
}

/** The signals of a submission. */
export const signalsOf = (
  content: { readonly formData: string; readonly email: string | null },
  { hints, marked, repetitions }: { readonly hints: Hints; readonly marked: boolean; readonly repetitions: number }
): SpamSignals => ({
  ...linksIn(content.formData),
  honeypot: hints.honeypot,
  millis: hints.millis,
  repetitions,
  marked,
  disposableEmail: isDisposable(content.email)
})

interface Occurrences {
  /** The time of the last occurrence, in milliseconds since 1970. */
  readonly lastAt: number
  readonly times: number
  /** The `Idempotency-Key` of the last occurrence, or null. */
  readonly key: string | null
}

/** How long a digest is remembered after its last occurrence, in milliseconds. */
export const windowMillis = hourMillis

export interface Repetitions {
  /**
   * Records a submission and returns how many times the same content was sent before, each within `windowMillis` of the
   * next. A retry, which has the same idempotency key as the last occurrence, does not count.
   */
  readonly record: (digest: string, key: string | null, now: number) => number
  /** Takes back the last `record` of a digest whose submission was not stored, so that the next attempt is no repetition. */
  readonly forget: (digest: string) => void
}

/** Keeps at most `capacity` digests; evicts the least recent first. */
export const makeRepeated = (capacity: number): Repetitions => {
  const occurrences = new Map<string, Occurrences>()
  // One iterator for all evictions: a new one would skip all deleted entries of the map again.
  const byAge = occurrences.keys()
  return {
    record: (digest, key, now) => {
      const last = occurrences.get(digest)
      const isRecent = last !== undefined && Math.abs(now - last.lastAt) <= windowMillis
      const isRetry = isRecent && key !== null && key === last.key
      const before = isRecent ? (isRetry ? last.times - 1 : last.times) : 0
      // A Map keeps the order of insertion, so that its first key is the least recent.
      occurrences.delete(digest)
      occurrences.set(digest, { lastAt: now, times: before + 1, key })
      if (occurrences.size > capacity) occurrences.delete(byAge.next().value ?? digest)
      return before
    },
    forget: (digest) => {
      const last = occurrences.get(digest)
      if (last === undefined) return
      if (last.times === 1) occurrences.delete(digest)
      else occurrences.set(digest, { ...last, times: last.times - 1, key: null })
    }
  }
}
