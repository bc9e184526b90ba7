/**
 * The automatic reply of a website to the sender of a form: what it says, which addresses get it, and how many. `Replies` stores one for
 * each form, and the fan-out of events makes the mails from them. Pure.
 *
 * Anybody can enter the address of somebody else. So the reply repeats nothing that was entered but a name, and an address gets
 * few of them.
 *
 * @module
 */
import { Option, Schema } from "effect"
import * as Inbox from "../../forms/Inbox.ts"
import * as Sealing from "../../platform/secrets/Sealing.ts"
import { dayMillis, hourMillis } from "../../platform/text/Calendar.ts"
import * as MailAddress from "../../platform/text/MailAddress.ts"
import * as Text from "../../platform/text/Text.ts"
import * as Fields from "../../sites/access/Fields.ts"
import * as MailRecipient from "./MailRecipient.ts"

/** The maximum lengths, in UTF-16 units. */
export const limits = { subject: 150, text: 5_000 }

/** The placeholder for the sender's name, in the subject and the text. */
export const placeholder = "{name}"

export const AutoReply = Schema.Struct({
  page: Schema.String.annotate({ description: "The `page_slug` of the submissions that get the reply" }),
  subject: Schema.String,
  text: Schema.String.annotate({ description: `\`${placeholder}\` stands for the name of the sender` }),
  reply_to: Schema.String.annotate({ description: "The address that gets what the visitor answers" }),
  created_at: Fields.time,
  updated_at: Fields.time
})

export type AutoReply = typeof AutoReply.Type

export type NewAutoReply = Pick<AutoReply, "page" | "subject" | "text" | "reply_to">

/** Parses a subject: one line, without control characters. */
export const parseSubject = (text: string): Option.Option<string> =>
  Option.liftPredicate(
    text.trim(),
    (line) => line !== "" && line.length <= limits.subject && line.isWellFormed() && !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(line)
  )

/** Parses a text, and removes white space around it. */
export const parseText = Text.parser(limits.text)

/** The maximum length of a name that a reply repeats, in UTF-16 units. */
export const maxName = 60

/** Letters with spaces, apostrophes and hyphens: neither an address nor a link. */
const namePattern = /^\p{L}[\p{L}\p{M} '’-]*$/u

/**
 * The sender's name as a reply may repeat it; null if there is none, or if it could be anything but a name.
 *
 * @param source as for `Inbox.preview`
 */
export const nameIn = (source: string): string | null => {
  const name = Inbox.senderOf(source)
  return name !== null && name.length <= maxName && namePattern.test(name) ? name : null
}

/** Replaces the placeholder by the name; without a name, leaves it out with the space before it. */
export const fill = (text: string, name: string | null): string =>
  text.replace(/ ?\{name\}/g, (found) => (name === null ? "" : found.replace(placeholder, () => name)))

/** The mailboxes of programs: of mail servers, of senders that read no mail, and of mailing lists (RFC 2142, RFC 3834). */
const machines =
  /^(mailer-?daemon|postmaster|(no|do-?not|never)-?reply.*|bounces?(-.*)?|owner-.*|.*-(request|bounces?|owner)|.*-?no-?reply)$/

/** The address that gets the reply; null if a program may read it, or if mail cannot be sent to it. */
export const recipientOf = (email: string): string | null => {
  const address = email.trim()
  if (!MailAddress.isAddress(address)) return null
  const [local = ""] = address.toLowerCase().replace(/[._]/g, "-").split(/[+@]/)
  return machines.test(local) ? null : address
}

/**
 * Identifies an address among all that got automatic replies, so that the address need not be stored. What follows a `+` in the
 * name does not count: most servers deliver it to the same mailbox.
 */
export const digestOf = (secretsKey: Uint8Array, address: string): Uint8Array =>
  Sealing.digest(secretsKey, "auto reply", MailRecipient.normalize(address).replace(/(?<=[^+])\+[^@]*(?=@)/, ""))

/** The maximum number of automatic replies that an address gets in 24 hours, from all websites of the service. */
export const maxPerDay = 3

/** The maximum number of automatic replies to the submissions of a website within an hour. */
export const maxPerHour = 100

/** Why an automatic reply is not sent, as its submission shows it. */
export const refusals = {
  address: `not sent: an address gets at most ${maxPerDay} automatic replies in 24 hours`,
  website: `not sent: a website sends at most ${maxPerHour} automatic replies an hour`
}

export type Refusal = keyof typeof refusals

/** A reply that is about to be made. */
export interface Wanted {
  readonly websiteConfigId: string
  /** Identifies the address; see `digestOf`. */
  readonly recipient: string
  /** When its submission was accepted, in milliseconds since 1970. */
  readonly createdAt: number
}

/** When earlier replies were made, in milliseconds since 1970, in any order. */
export interface Made {
  /** By the address, from all websites. */
  readonly toAddresses: ReadonlyMap<string, ReadonlyArray<number>>
  /** The `createdAt` of those of each website. */
  readonly ofWebsites: ReadonlyMap<string, ReadonlyArray<number>>
}

/** Decides about replies in their order: null for one that is sent. */
export const decide = (
  all: ReadonlyArray<Wanted>,
  { ofWebsites, toAddresses }: Made,
  now: number
): ReadonlyArray<Refusal | null> => {
  const addresses = new Map(toAddresses)
  const websites = new Map(ofWebsites)
  return all.map(({ createdAt, recipient, websiteConfigId }) => {
    const toAddress = addresses.get(recipient) ?? []
    const ofWebsite = websites.get(websiteConfigId) ?? []
    if (toAddress.filter((time) => now - time < dayMillis).length >= maxPerDay) return "address"
    if (ofWebsite.filter((time) => Math.abs(time - createdAt) < hourMillis).length >= maxPerHour) return "website"
    addresses.set(recipient, [...toAddress, now])
    websites.set(websiteConfigId, [...ofWebsite, createdAt])
    return null
  })
}
