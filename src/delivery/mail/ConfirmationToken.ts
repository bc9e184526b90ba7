/**
 * The token in the link of a confirmation mail: the website and the recipient's digest, signed. It confirms the recipient for all
 * notifications of the website. It does not contain the email address, because URLs are logged. Pure.
 *
 * @module
 */
import { Option } from "effect"
import { WebsiteConfigId } from "../../platform/Id.ts"
import * as LinkToken from "./LinkToken.ts"
import * as MailRecipient from "./MailRecipient.ts"

const digestOf = (secretsKey: Uint8Array, websiteConfigId: WebsiteConfigId, address: string): string =>
  Buffer.from(MailRecipient.digestOf(secretsKey, websiteConfigId, address)).toString("base64url")

/** Safe in a URL's path. */
export const sign = (secretsKey: Uint8Array, websiteConfigId: WebsiteConfigId, address: string): string =>
  LinkToken.sign(secretsKey, "confirmation", `${websiteConfigId}.${digestOf(secretsKey, websiteConfigId, address)}`)

export interface Confirmed {
  readonly websiteConfigId: WebsiteConfigId
  /** Whether the token was signed for an address. */
  readonly isRecipient: (address: string) => boolean
}

/** What a token confirms; none if the token was not signed with this key. */
export const verify = (secretsKey: Uint8Array, token: string): Option.Option<Confirmed> =>
  Option.flatMap(LinkToken.verify(secretsKey, "confirmation", token), (text) => {
    const [id = "", digest = ""] = text.split(".")
    return Option.map(WebsiteConfigId.makeOption(id), (websiteConfigId) => ({
      websiteConfigId,
      isRecipient: (address) => digestOf(secretsKey, websiteConfigId, address) === digest
    }))
  })
