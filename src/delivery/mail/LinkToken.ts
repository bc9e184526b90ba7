/**
 * The token in a mail's link: a text with a signature (HMAC-SHA256). A token cannot be guessed or changed, so the database need
 * not keep it. Pure.
 *
 * @module
 */
import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto"
import { Option } from "effect"

const signatureBytes = 32

/** What a link is for. A token of one purpose is not valid for another. */
export type Purpose = "unsubscribe" | "confirmation"

/** The signing key. It is derived from `SECRETS_KEY`, which also encrypts stored secrets. */
const keyOf = (secretsKey: Uint8Array, purpose: Purpose): Uint8Array =>
  new Uint8Array(hkdfSync("sha256", secretsKey, "", `hydracore ${purpose}`, 32))

const signatureOf = (secretsKey: Uint8Array, purpose: Purpose, text: string): Buffer =>
  createHmac("sha256", keyOf(secretsKey, purpose)).update(text).digest()

/** @param text letters, digits, `-`, `_` and `.`, so that the token is safe in a URL's path */
export const sign = (secretsKey: Uint8Array, purpose: Purpose, text: string): string =>
  `${text}.${signatureOf(secretsKey, purpose, text).toString("base64url")}`

/** The text of a token; none if the token was not signed with this key for this purpose. */
export const verify = (secretsKey: Uint8Array, purpose: Purpose, token: string): Option.Option<string> => {
  const bounded = token.slice(0, 200)
  const end = bounded.lastIndexOf(".")
  const text = bounded.slice(0, Math.max(0, end))
  const given = Buffer.from(bounded.slice(end + 1), "base64url")
  if (given.length !== signatureBytes) return Option.none()
  return timingSafeEqual(given, signatureOf(secretsKey, purpose, text)) ? Option.some(text) : Option.none()
}
