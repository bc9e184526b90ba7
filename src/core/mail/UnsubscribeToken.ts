/**
 * The token in a mail's unsubscribe link: the id of the notification with a signature (HMAC-SHA256). A link cannot be guessed
 * or changed, and the database need not store the token. Pure.
 *
 * @module
 */
import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto"
import { Option } from "effect"
import { isCanonicalUuid } from "../text/Uuid.ts"

const signatureBytes = 32

/** The signing key. It is derived from `SECRETS_KEY`, which also encrypts stored secrets. */
const keyOf = (secretsKey: Uint8Array): Uint8Array =>
  new Uint8Array(hkdfSync("sha256", secretsKey, "", "hydracore unsubscribe", 32))

const signatureOf = (secretsKey: Uint8Array, notificationId: string): Buffer =>
  createHmac("sha256", keyOf(secretsKey)).update(notificationId).digest()

/** The token of a notification, which is safe in a URL's path. */
export const sign = (secretsKey: Uint8Array, notificationId: string): string =>
  `${notificationId}.${signatureOf(secretsKey, notificationId).toString("base64url")}`

/** The id of the notification of a token; none if the token was not signed with this key. */
export const verify = (secretsKey: Uint8Array, token: string): Option.Option<string> => {
  const [notificationId = "", signature = "", ...rest] = token.slice(0, 200).split(".")
  const given = Buffer.from(signature, "base64url")
  if (rest.length > 0 || !isCanonicalUuid(notificationId) || given.length !== signatureBytes) return Option.none()
  return timingSafeEqual(given, signatureOf(secretsKey, notificationId)) ? Option.some(notificationId) : Option.none()
}
