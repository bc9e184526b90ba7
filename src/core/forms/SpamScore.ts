/**
 * Judges whether a submission looks like spam, from marks that were seen on it. It drops nothing: what looks like spam is
 * stored as well, apart, and its owner can release it. Pure: what was seen before, and how fast, is given.
 *
 * @module
 */
import type { Status } from "./Submission.ts"

/** What was seen on a submission. */
export interface SpamSignals {
  /** Whether the field that no person sees was filled in. */
  readonly honeypot: boolean
  /** Addresses in what was written. */
  readonly links: number
  /** Whether it is written in HTML's or a forum's markup for links. */
  readonly linkMarkup: boolean
  /** How often the same was sent to the same website within the last hour. */
  readonly repetitions: number
  /** Milliseconds between the form's appearance and its submission, or null if nobody measured. */
  readonly millis: number | null
  /** Whether the email address is of a service that gives them away for minutes. */
  readonly disposableEmail: boolean
}

/** The marks of what nobody could object to. */
export const noSignals: SpamSignals = {
  honeypot: false,
  links: 0,
  linkMarkup: false,
  repetitions: 0,
  millis: null,
  disposableEmail: false
}

/** A mark that spoke against a submission. */
export type SpamReason = "honeypot" | "links" | "link-markup" | "repeated" | "fast" | "disposable-email"

export interface Verdict {
  readonly status: Status
  readonly score: number
  /** Every mark that added to the score, in the order of the type; some speak against accepted submissions as well. */
  readonly reasons: ReadonlyArray<SpamReason>
}

/** The score from which on a submission is quarantined. Of the marks, only the honeypot and many links reach it alone. */
export const threshold = 5

/** Faster than this nobody fills in a form, in milliseconds. */
const fastMillis = 2_000

const linkPoints = (links: number): number => (links >= 10 ? 5 : links >= 5 ? 3 : links >= 3 ? 1 : 0)

/** The verdict on a submission. One more mark, or a stronger one, never lowers the score. */
export const judge = (marks: SpamSignals): Verdict => {
  const points: ReadonlyArray<readonly [SpamReason, number]> = [
    ["honeypot", marks.honeypot ? threshold : 0],
    ["links", linkPoints(marks.links)],
    ["link-markup", marks.linkMarkup ? 3 : 0],
    ["repeated", marks.repetitions >= 3 ? 2 : marks.repetitions >= 1 ? 1 : 0],
    ["fast", marks.millis !== null && marks.millis < fastMillis ? 2 : 0],
    ["disposable-email", marks.disposableEmail ? 3 : 0]
  ]
  const score = points.reduce((sum, [, value]) => sum + value, 0)
  return {
    status: score >= threshold ? "quarantined" : "accepted",
    score,
    reasons: points.flatMap(([mark, value]) => (value > 0 ? [mark] : []))
  }
}

/** Services whose addresses live for minutes. The list is short on purpose: it adds to a score, and decides nothing. */
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

/** Whether an address is of such a service, or of a domain beneath one. */
export const isDisposable = (email: string | null): boolean => {
  const domain =
    email
      ?.slice(email.lastIndexOf("@") + 1, email.lastIndexOf("@") + 255)
      .trim()
      .toLowerCase() ?? ""
  const labels = domain.split(".")
  return labels.some((_, index) => disposableDomains.has(labels.slice(index).join(".")))
}

/** How many addresses are counted at most: beyond it the score is the same. */
const enoughLinks = 100

const address = /https?:\\?\/\\?\/|\bwww\.[a-z0-9]/gi
const markup = /<a\s|\[(?:url|link)[=\]]/i

/** Counts the addresses in a text, which may be JSON text (`https:\/\/` is one too), and looks for links in markup. */
export const linksIn = (text: string): Pick<SpamSignals, "links" | "linkMarkup"> => {
  let links = 0
  for (const _ of text.matchAll(address)) if (++links >= enoughLinks) break
  return { links, linkMarkup: markup.test(text) }
}
