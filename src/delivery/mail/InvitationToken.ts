/**
 * The token in the unsubscribe link of an invitation: the address and the websites of the invitation, encrypted. The service does
 * not store the addresses that it invites, and URLs are logged. Pure: the nonce is an argument.
 *
 * @module
 */
import { Option } from "effect"
import { WebsiteConfigId } from "../../platform/Id.ts"
import * as Sealing from "../../platform/secrets/Sealing.ts"
import { isAddress } from "../../platform/text/MailAddress.ts"
import type { Invited } from "../../sites/access/MailedLink.ts"

/** Distinguishes these tokens from those of `LinkToken.signUnsubscribe`, which begin with a UUID. */
const prefix = "i."

const context = "hydracore invitation"

/** The maximum number of websites that a token names, so that the link stays short. Beyond that, it names all. */
const maxSites = 30

/**
 * Safe in a URL's path.
 *
 * @param nonce 12 random bytes, never used before
 */
export const seal = (secretsKey: Uint8Array, nonce: Uint8Array, { address, sites }: Invited): string => {
  const named = sites === "all" || sites.length > maxSites ? ["all"] : sites
  const sealed = Sealing.seal(secretsKey, nonce, context, [address, ...named].join(" "))
  return prefix + Buffer.from(sealed).toString("base64url")
}

/** None if the token was not made with this key. */
export const open = (secretsKey: Uint8Array, token: string): Option.Option<Invited> => {
  if (!token.startsWith(prefix) || token.length > 4_000) return Option.none()
  return Option.flatMap(
    Sealing.open(secretsKey, context, Buffer.from(token.slice(prefix.length), "base64url")),
    (text) => {
      const [address = "", ...named] = text.split(" ")
      if (!isAddress(address)) return Option.none()
      if (named[0] === "all") return Option.some({ address, sites: "all" as const })
      return Option.map(Option.all(named.map((id) => WebsiteConfigId.makeOption(id))), (sites) => ({ address, sites }))
    }
  )
}
