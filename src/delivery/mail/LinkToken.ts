/**
 * The tokens in the links of mails, so that the database need not keep them. That of a notification or a confirmation is a text with a
 * signature (HMAC-SHA256): it cannot be guessed or changed. That of an invitation is encrypted: the address and the websites, which the
 * service does not store, and which must not be in a URL that is logged. Pure: the nonce is an argument.
 *
 * @module
 */
import { timingSafeEqual } from "node:crypto"
import { Option } from "effect"
import { NotificationId, WebsiteConfigId } from "../../platform/Id.ts"
import * as Sealing from "../../platform/secrets/Sealing.ts"
import { isAddress } from "../../platform/text/MailAddress.ts"
import type { Invited } from "../../sites/access/MailedLink.ts"
import * as MailRecipient from "./MailRecipient.ts"

const signatureBytes = 32

/** What a link is for. A token of one purpose is not valid for another. */
export type Purpose = "unsubscribe" | "confirmation"

/** @param text letters, digits, `-`, `_` and `.`, so that the token is safe in a URL's path */
const sign = (secretsKey: Uint8Array, purpose: Purpose, text: string): string =>
  `${text}.${Buffer.from(Sealing.digest(secretsKey, purpose, text)).toString("base64url")}`

/** The text of a token; none if the token was not signed with this key for this purpose. */
export const verify = (secretsKey: Uint8Array, purpose: Purpose, token: string): Option.Option<string> => {
  const bounded = token.slice(0, 200)
  const end = bounded.lastIndexOf(".")
  const text = bounded.slice(0, Math.max(0, end))
  const given = Buffer.from(bounded.slice(end + 1), "base64url")
  if (given.length !== signatureBytes) return Option.none()
  return timingSafeEqual(given, Sealing.digest(secretsKey, purpose, text)) ? Option.some(text) : Option.none()
}

/** The token in a mail's unsubscribe link, which is safe in a URL's path. */
export const signUnsubscribe = (secretsKey: Uint8Array, notificationId: NotificationId): string =>
  sign(secretsKey, "unsubscribe", notificationId)

/** The notification of a token; none if the token was not signed with this key. */
export const verifyUnsubscribe = (secretsKey: Uint8Array, token: string): Option.Option<NotificationId> =>
  Option.flatMap(verify(secretsKey, "unsubscribe", token), (id) => NotificationId.makeOption(id))

const digestOf = (secretsKey: Uint8Array, websiteConfigId: WebsiteConfigId, address: string): string =>
  Buffer.from(MailRecipient.digestOf(secretsKey, websiteConfigId, address)).toString("base64url")

/**
 * The token in the link of a confirmation mail: the website and the recipient's digest, safe in a URL's path. It confirms the recipient
 * for all notifications of the website. It does not contain the email address, because URLs are logged.
 */
export const signConfirmation = (secretsKey: Uint8Array, websiteConfigId: WebsiteConfigId, address: string): string =>
  sign(secretsKey, "confirmation", `${websiteConfigId}.${digestOf(secretsKey, websiteConfigId, address)}`)

export interface Confirmed {
  readonly websiteConfigId: WebsiteConfigId
  /** Whether the token was signed for an address. */
  readonly isRecipient: (address: string) => boolean
}

/** What a token confirms; none if the token was not signed with this key. */
export const verifyConfirmation = (secretsKey: Uint8Array, token: string): Option.Option<Confirmed> =>
  Option.flatMap(verify(secretsKey, "confirmation", token), (text) => {
    const [id = "", digest = ""] = text.split(".")
    return Option.map(WebsiteConfigId.makeOption(id), (websiteConfigId) => ({
      websiteConfigId,
      isRecipient: (address) => digestOf(secretsKey, websiteConfigId, address) === digest
    }))
  })

/** Distinguishes these tokens from those of `signUnsubscribe`, which begin with a UUID. */
const invitationPrefix = "i."

const invitationContext = "hydracore invitation"

/** The maximum number of websites that a token names, so that the link stays short. Beyond that, it names all. */
const maxNamedSites = 30

/**
 * Safe in a URL's path.
 *
 * @param nonce 12 random bytes, never used before
 */
export const sealInvitation = (secretsKey: Uint8Array, nonce: Uint8Array, { address, sites }: Invited): string => {
  const named = sites === "all" || sites.length > maxNamedSites ? ["all"] : sites
  const sealed = Sealing.seal(secretsKey, nonce, invitationContext, [address, ...named].join(" "))
  return invitationPrefix + Buffer.from(sealed).toString("base64url")
}

/** None if the token was not made with this key. */
export const openInvitation = (secretsKey: Uint8Array, token: string): Option.Option<Invited> => {
  if (!token.startsWith(invitationPrefix) || token.length > 4_000) return Option.none()
  return Option.flatMap(
    Sealing.open(secretsKey, invitationContext, Buffer.from(token.slice(invitationPrefix.length), "base64url")),
    (text) => {
      const [address = "", ...named] = text.split(" ")
      if (!isAddress(address)) return Option.none()
      if (named[0] === "all") return Option.some({ address, sites: "all" as const })
      return Option.map(Option.all(named.map((id) => WebsiteConfigId.makeOption(id))), (sites) => ({ address, sites }))
    }
  )
}
