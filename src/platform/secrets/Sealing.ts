/**
 * Encrypts secrets that the service must be able to read again (AES-256-GCM), and hashes texts that it must only recognise. Pure: the
 * nonce is an argument.
 *
 * A sealed secret is a version byte, the nonce, the tag and the ciphertext. It can be opened only with its `context`, so that
 * it is worthless in another row.
 *
 * @module
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from "node:crypto"
import { Option } from "effect"

export const keyBytes = 32
export const nonceBytes = 12
const tagBytes = 16
const version = 1

/** Parses a key of 32 bytes in hexadecimal or base64. */
export const parseKey = (text: string): Option.Option<Uint8Array> => {
  const bytes = /^[0-9a-f]{64}$/i.test(text)
    ? Buffer.from(text, "hex")
    : /^[A-Za-z0-9+/_-]{43}=?$/.test(text)
      ? Buffer.from(text, "base64")
      : Buffer.alloc(0)
  return bytes.length === keyBytes ? Option.some(new Uint8Array(bytes)) : Option.none()
}

/** A keyed hash (HMAC-SHA256) of a text. Those of two purposes cannot be compared: each purpose has a key, derived from `key`. */
export const digest = (key: Uint8Array, purpose: string, text: string): Uint8Array =>
  new Uint8Array(
    createHmac("sha256", new Uint8Array(hkdfSync("sha256", key, "", `hydracore ${purpose}`, 32)))
      .update(text)
      .digest()
  )

/** @param nonce 12 random bytes, never used before */
export const seal = (key: Uint8Array, nonce: Uint8Array, context: string, secret: string): Uint8Array => {
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(context))
  const text = Buffer.concat([cipher.update(secret, "utf8"), cipher.final()])
  return Buffer.concat([Uint8Array.of(version), nonce, cipher.getAuthTag(), text])
}

/** The secret; none if it was sealed with another key or context, or if `sealed` was changed. */
export const open = (key: Uint8Array, context: string, sealed: Uint8Array): Option.Option<string> => {
  if (sealed[0] !== version || sealed.length < 1 + nonceBytes + tagBytes) return Option.none()
  const tagAt = 1 + nonceBytes
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(1, tagAt), { authTagLength: tagBytes })
    decipher.setAAD(Buffer.from(context)).setAuthTag(sealed.subarray(tagAt, tagAt + tagBytes))
    const text = Buffer.concat([decipher.update(sealed.subarray(tagAt + tagBytes)), decipher.final()])
    return Option.some(text.toString("utf8"))
  } catch {
    return Option.none()
  }
}
