/**
 * What is known about an address that gets, or got, the mails of a website, and whether the owner API may add it. Pure.
 *
 * What is known outlives the notifications of the address, so that removing and adding an address again changes no limit.
 *
 * @module
 */
import { createHmac, hkdfSync } from "node:crypto"
import { dayMillis } from "../text/Calendar.ts"

/** The maximum number of new addresses that the owner API adds to a website in 24 hours. */
export const maxNew = 20

/** The time in which an address that the owner API added must confirm. */
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

/** Times are milliseconds since 1970. */
export interface Facts {
  /** Whether the address unsubscribed from a mail of the website. */
  readonly isUnsubscribed: boolean
  /** Whether the website has a notification of the address. */
  readonly isKnown: boolean
  /** When the owner API last added the address as a new one; null if it did not. */
  readonly addedAt: number | null
  /** The same of the website's other addresses, in any order. */
  readonly othersAddedAt: ReadonlyArray<number>
}

export type Decision =
  | {
      readonly _tag: "Accepted"
      /** Whether the address counts as a new one of this day, and gets a confirmation mail. */
      readonly isNew: boolean
    }
  | { readonly _tag: "Unsubscribed" }
  | {
      readonly _tag: "TooManyNew"
      /** The time until the website may add a new address. */
      readonly waitMillis: number
    }

/** Whether the owner API may add a notification of an address. */
export const decide = ({ addedAt, isKnown, isUnsubscribed, othersAddedAt }: Facts, now: number): Decision => {
  const isRecent = (time: number) => now - time < dayMillis
  if (isUnsubscribed) return { _tag: "Unsubscribed" }
  if (isKnown || (addedAt !== null && isRecent(addedAt))) return { _tag: "Accepted", isNew: false }
  const recent = othersAddedAt.filter(isRecent).sort((left, right) => right - left)
  // Once this one is a day old, fewer than `maxNew` count.
  const blocking = recent[maxNew - 1]
  return blocking === undefined
    ? { _tag: "Accepted", isNew: true }
    : { _tag: "TooManyNew", waitMillis: blocking + dayMillis - now }
}
