/**
 * Prepares texts of visitors and owners for a mail, and has the texts that mails about a website share. Pure.
 *
 * @module
 */
import { memoize } from "../../platform/text/Memo.ts"
import type { Site } from "../../sites/Site.ts"
import type { Content } from "./Message.ts"

/** The website that a mail is about. */
export type Website = Pick<Site, "websiteConfigId" | "name" | "timeZone">

/**
 * Characters that are invisible or change the direction of text, except line feeds, tabs, and the joiners that some scripts and
 * emoji need.
 */
const invisible = /[[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]--[\n\t\u200C\u200D]]/gv

const cut = (text: string, max: number): string =>
  text.length <= max
    ? text
    : `${text
        .slice(0, max - 1)
        .toWellFormed()
        .replace(/\uFFFD$/, "")}…`

/** A text of several lines, of at most `max` UTF-16 units. */
export const block = (text: string, max: number): string =>
  cut(
    text
      .replace(/\r\n?|[\u2028\u2029\v\f\u0085]/g, "\n")
      .toWellFormed()
      .replace(invisible, "")
      .trim(),
    max
  )

/** A text of one line, such as a subject, of at most `max` UTF-16 units. */
export const line = (text: string, max: number): string => cut(block(text, 4 * max).replace(/\s+/g, " "), max)

/** The first words of a text on one line, of at most `max` UTF-16 units. Only a longer word is cut. */
export const words = (text: string, max: number): string => {
  const whole = block(text, 4 * max).replace(/\s+/g, " ")
  if (whole.length <= max) return whole
  const end = whole.slice(0, max).lastIndexOf(" ")
  return end > 0 ? `${whole.slice(0, end)}…` : cut(whole, max)
}

/**
 * A website's name on one line, of at most `max` UTF-16 units. Its owner, who also chooses whom to invite, must not send strangers
 * a link in it: mail programs make links of texts such as `evil.example/x`. So a space follows each dot, colon or at sign (also
 * one of another script) within a word.
 */
export const websiteName = (name: string, max: number): string =>
  cut(line(name, max).replace(/([.:@\u2024\u3002\uFE52\uFF0E\uFF61\uFF1A\uFF20]+)(?=[^\s.:@])/g, "$1 "), max)

/** A whole number with separators, such as `1,204`. */
export const number = (value: number): string => value.toLocaleString("en-US")

/** `1 submission`, `2 submissions`. */
export const counted = (count: number, singular: string): string =>
  `${number(count)} ${singular}${count === 1 ? "" : "s"}`

/** The maximum length of a subject, in UTF-16 units. */
export const maxSubject = 150

/** The maximum length of a website's name in a subject, in UTF-16 units. */
const maxNameInSubject = 60

/**
 * A subject that ends with the website's name, so that a mailbox with the mails of several websites shows which one each is about.
 * The rest is shortened.
 */
export const subject = (title: string, website: string): string => {
  const end = ` – ${websiteName(website, maxNameInSubject)}`
  return `${line(title, maxSubject - end.length)}${end}`
}

/**
 * Formats times for people in a website's zone. It keeps formats of the last zones, because to create one takes far longer
 * than to use it.
 */
export const timesAs = (options: Intl.DateTimeFormatOptions): ((time: number | string, timeZone: string) => string) => {
  const formatOf = memoize((timeZone) => new Intl.DateTimeFormat("en-GB", { ...options, timeZone }), 50)
  return (time, timeZone) => formatOf(timeZone).format(new Date(time))
}

const momentIn = timesAs({
  weekday: "short",
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit"
})

/** A time for people, in the website's zone. */
export const moment = (time: number, timeZone: string): string => `${momentIn(time, timeZone)} (${timeZone})`

/** A mail to a recipient of a website's notifications. `title` without the website's name is also the subject. */
export const contentOf = (
  { name }: Website,
  title: string,
  parts: Content["parts"],
  more: Partial<Content> = {}
): Content => ({
  subject: subject(title, name),
  website: websiteName(name, 200),
  title,
  parts,
  reason: `You get this mail because this address was added to the notifications of ${websiteName(name, 200)}.`,
  replyTo: null,
  ...more
})
