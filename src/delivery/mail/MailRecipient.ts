/**
 * What is known about an address that gets, or got, the mails of a website, and whether the owner API may add it, send it
 * another confirmation mail, or invite it to the console, with what an owner reads if not. Pure.
 *
 * What is known outlives the notifications of the address, so that removing and adding an address again changes no limit.
 *
 * @module
 */
import type { WebsiteConfigId } from "../../platform/Id.ts"
import * as Sealing from "../../platform/secrets/Sealing.ts"
import { dayMillis } from "../../platform/text/Calendar.ts"

/**
 * The maximum number of mails that a website causes in 24 hours to addresses that have not confirmed: confirmation mails, repeated
 * ones included, and invitations to the console.
 */
export const maxMails = 20

/** The maximum number of such mails about a website that one address gets in 24 hours. */
export const maxMailsToAddress = 3

/** The minimum time between two such mails about a website to one address. */
export const repeatMillis = 10 * 60_000

/** The time after the latest confirmation mail in which an address that the owner API added must confirm. */
export const confirmationMillis = 7 * dayMillis

/** An address without the letter case, which mail servers ignore. */
export const normalize = (address: string): string => address.trim().toLowerCase()

/** Identifies an address among the recipients of one website, so that the address need not be stored. */
export const digestOf = (secretsKey: Uint8Array, websiteConfigId: WebsiteConfigId, address: string): Uint8Array =>
  Sealing.digest(secretsKey, "recipient", `${websiteConfigId} ${normalize(address)}`)

/** Times are milliseconds since 1970. Those older than 24 hours change nothing. */
export interface Facts {
  /** Whether the address unsubscribed from a mail of the website. */
  readonly isUnsubscribed: boolean
  /** When confirmation mails to the address were made, in any order. */
  readonly mailsAt: ReadonlyArray<number>
  /** When the address was invited to the console before it had confirmed. */
  readonly invitedAt: ReadonlyArray<number>
  /** When confirmation mails to the website's other addresses were made, and such invitations. */
  readonly othersMailsAt: ReadonlyArray<number>
}

export interface TooSoon {
  readonly _tag: "TooSoon"
  /** The limit that lasts longest: the time between two mails, the mails of an address, or those of the website. */
  readonly limit: "interval" | "address" | "website"
  /** The time until the limit allows another mail. */
  readonly waitMillis: number
}

export type Decision =
  | {
      readonly _tag: "Accepted"
      /** Whether the address gets a confirmation mail. */
      readonly sendsConfirmation: boolean
    }
  | { readonly _tag: "Unsubscribed" }
  | TooSoon

const isRecent = (time: number, now: number): boolean => now - time < dayMillis

/** The time until fewer than `limit` of the times are in the last 24 hours; not positive if that is so now. */
const waitFor = (times: ReadonlyArray<number>, limit: number, now: number): number => {
  const latestFirst = times.toSorted((left, right) => right - left)
  return (latestFirst[limit - 1] ?? Number.NEGATIVE_INFINITY) + dayMillis - now
}

/** Why an address that has not confirmed gets no further mail now; undefined if it may get one. */
const limitOf = ({ invitedAt, mailsAt, othersMailsAt }: Facts, now: number): TooSoon | undefined => {
  const own = [...mailsAt, ...invitedAt]
  const waits = [
    { limit: "interval", waitMillis: Math.max(...own) + repeatMillis - now },
    { limit: "address", waitMillis: waitFor(own, maxMailsToAddress, now) },
    { limit: "website", waitMillis: waitFor([...own, ...othersMailsAt], maxMails, now) }
  ] as const
  const longest = waits.reduce((one, other) => (other.waitMillis > one.waitMillis ? other : one))
  return longest.waitMillis > 0 ? { _tag: "TooSoon", ...longest } : undefined
}

/**
 * Whether the owner API may add a notification of an address.
 *
 * @param isKnown whether the website has a notification of the address
 */
export const decide = ({ isKnown, ...facts }: Facts & { readonly isKnown: boolean }, now: number): Decision => {
  if (facts.isUnsubscribed) return { _tag: "Unsubscribed" }
  if (isKnown || facts.mailsAt.some((time) => isRecent(time, now))) {
    return { _tag: "Accepted", sendsConfirmation: false }
  }
  return limitOf(facts, now) ?? { _tag: "Accepted", sendsConfirmation: true }
}

export type RepeatRefusal =
  /** The address gets its mails already. */
  { readonly _tag: "Confirmed" } | { readonly _tag: "Unsubscribed" } | TooSoon

export type RepeatDecision = { readonly _tag: "Accepted" } | RepeatRefusal

/** What is known about an address and one website. */
export interface ConsentFacts extends Facts {
  /** Whether the address has confirmed, or the operator added it. */
  readonly isConfirmed: boolean
}

/** Whether an address may get another confirmation mail. */
export const decideRepeat = ({ isConfirmed, ...facts }: ConsentFacts, now: number): RepeatDecision => {
  if (facts.isUnsubscribed) return { _tag: "Unsubscribed" }
  if (isConfirmed) return { _tag: "Confirmed" }
  return limitOf(facts, now) ?? { _tag: "Accepted" }
}

export type InvitationRefusal = Exclude<RepeatRefusal, { readonly _tag: "Confirmed" }>

export type InvitationDecision = { readonly _tag: "Accepted" } | InvitationRefusal

/**
 * Whether an address may be invited to the console of some websites by mail. If several websites refuse it, the refusal that
 * lasts longest decides.
 */
export const decideInvitation = (websites: ReadonlyArray<ConsentFacts>, now: number): InvitationDecision => {
  if (websites.some(({ isUnsubscribed }) => isUnsubscribed)) return { _tag: "Unsubscribed" }
  return websites.reduce<InvitationDecision>(
    (longest, { isConfirmed, ...facts }) => {
      const limit = isConfirmed ? undefined : limitOf(facts, now)
      if (limit === undefined) return longest
      return longest._tag === "TooSoon" && longest.waitMillis >= limit.waitMillis ? longest : limit
    },
    { _tag: "Accepted" }
  )
}

const minute = 60_000

const counted = (number: number, unit: string): string => (number === 1 ? `1 ${unit}` : `${number} ${unit}s`)

/** A wait, rounded up: in minutes below two hours, otherwise in hours. */
const inWords = (millis: number): string => {
  const minutes = Math.max(1, Math.ceil(millis / minute))
  return minutes < 120 ? counted(minutes, "minute") : counted(Math.ceil(minutes / 60), "hour")
}

const reasons = {
  interval: `At least ${repeatMillis / minute} minutes pass between two mails to an address that has not confirmed.`,
  address: `An address that has not confirmed gets at most ${maxMailsToAddress} mails a day.`,
  website: `A website sends at most ${maxMails} mails a day to addresses that have not confirmed.`
}

/** Sentences for the owner, with the next step. */
export const refusalText = (refusal: RepeatRefusal): string => {
  switch (refusal._tag) {
    case "Confirmed":
      return "This address is confirmed already, and gets its mails."
    case "Unsubscribed":
      return "This address unsubscribed from mails of this website. Only the service's operator can add it again, with `hydracore notify add`, if the person asks for it."
    case "TooSoon":
      return `${reasons[refusal.limit]} Try again in ${inWords(refusal.waitMillis)}.`
  }
}

/** The same for an invitation to the console. */
export const invitationRefusalText = (refusal: InvitationRefusal): string =>
  refusal._tag === "Unsubscribed"
    ? "This address unsubscribed from mails of this website. Create the link without an email address, and send it to the person yourself."
    : refusalText(refusal)
