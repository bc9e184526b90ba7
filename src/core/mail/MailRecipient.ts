/**
 * What is known about an address that gets, or got, the mails of a website, and whether the owner API may add it, or send it
 * another confirmation mail. Pure.
 *
 * What is known outlives the notifications of the address, so that removing and adding an address again changes no limit.
 *
 * @module
 */
import { createHmac, hkdfSync } from "node:crypto"
import { dayMillis } from "../text/Calendar.ts"

/** The maximum number of confirmation mails that a website causes in 24 hours, repeated ones included. */
export const maxMails = 20

/** The maximum number of confirmation mails about a website that one address gets in 24 hours. */
export const maxMailsToAddress = 3

/** The minimum time between two confirmation mails about a website to one address. */
export const repeatMillis = 10 * 60_000

/** The time after the latest confirmation mail in which an address that the owner API added must confirm. */
export const confirmationMillis = 7 * dayMillis

/** An address without the letter case, which mail servers ignore. */
export const normalize = (address: string): string => address.trim().toLowerCase()

/**
 * Identifies an address among the recipients of one website, so that the address need not be stored. The key is derived from
 * `SECRETS_KEY`.
 */
export const digestOf = (secretsKey: Uint8Array, websiteConfigId: string, address: string): Uint8Array =>
  new Uint8Array(
    createHmac("sha256", new Uint8Array(hkdfSync("sha256", secretsKey, "", "hydracore recipient", 32)))
      .update(`${websiteConfigId} ${normalize(address)}`)
      .digest()
  )

/** Times are milliseconds since 1970. Those older than 24 hours change nothing. */
export interface Facts {
  /** Whether the address unsubscribed from a mail of the website. */
  readonly isUnsubscribed: boolean
  /** When confirmation mails to the address were made, in any order. */
  readonly mailsAt: ReadonlyArray<number>
  /** When confirmation mails to the website's other addresses were made. */
  readonly othersMailsAt: ReadonlyArray<number>
}

export type Decision =
  | {
      readonly _tag: "Accepted"
      /** Whether the address gets a confirmation mail. */
      readonly sendsConfirmation: boolean
    }
  | { readonly _tag: "Unsubscribed" }
  | {
      readonly _tag: "TooManyNew"
      /** The time until the website may add a new address. */
      readonly waitMillis: number
    }

const isRecent = (time: number, now: number): boolean => now - time < dayMillis

/** The time until fewer than `limit` of the times are in the last 24 hours; not positive if that is so now. */
const waitFor = (times: ReadonlyArray<number>, limit: number, now: number): number => {
  const latestFirst = times.toSorted((left, right) => right - left)
  return (latestFirst[limit - 1] ?? Number.NEGATIVE_INFINITY) + dayMillis - now
}

/**
 * Whether the owner API may add a notification of an address.
 *
 * @param isKnown whether the website has a notification of the address
 */
export const decide = (
  { mailsAt, isKnown, isUnsubscribed, othersMailsAt }: Facts & { readonly isKnown: boolean },
  now: number
): Decision => {
  if (isUnsubscribed) return { _tag: "Unsubscribed" }
  if (isKnown || mailsAt.some((time) => isRecent(time, now))) return { _tag: "Accepted", sendsConfirmation: false }
  const waitMillis = waitFor(othersMailsAt, maxMails, now)
  return waitMillis > 0 ? { _tag: "TooManyNew", waitMillis } : { _tag: "Accepted", sendsConfirmation: true }
}

export type RepeatRefusal =
  /** The address gets its mails already. */
  | { readonly _tag: "Confirmed" }
  | { readonly _tag: "Unsubscribed" }
  | {
      readonly _tag: "TooSoon"
      /** The limit that lasts longest: the time between two mails, the mails of an address, or those of the website. */
      readonly limit: "interval" | "address" | "website"
      /** The time until the limit allows another mail. */
      readonly waitMillis: number
    }

export type RepeatDecision = { readonly _tag: "Accepted" } | RepeatRefusal

/**
 * Whether an address may get another confirmation mail.
 *
 * @param isConfirmed whether the address has confirmed, or the operator added it
 */
export const decideRepeat = (
  { mailsAt, isConfirmed, isUnsubscribed, othersMailsAt }: Facts & { readonly isConfirmed: boolean },
  now: number
): RepeatDecision => {
  if (isUnsubscribed) return { _tag: "Unsubscribed" }
  if (isConfirmed) return { _tag: "Confirmed" }
  const waits = [
    { limit: "interval", waitMillis: Math.max(...mailsAt) + repeatMillis - now },
    { limit: "address", waitMillis: waitFor(mailsAt, maxMailsToAddress, now) },
    { limit: "website", waitMillis: waitFor([...mailsAt, ...othersMailsAt], maxMails, now) }
  ] as const
  const longest = waits.reduce((one, other) => (other.waitMillis > one.waitMillis ? other : one))
  return longest.waitMillis > 0 ? { _tag: "TooSoon", ...longest } : { _tag: "Accepted" }
}
