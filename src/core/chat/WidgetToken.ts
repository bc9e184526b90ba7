/**
 * The secret with which a widget authenticates: its spelling, its digest, and when it is valid. Pure: the random bytes
 * and the time are given.
 *
 * @module
 */
import { hash, timingSafeEqual } from "node:crypto"

/** A token as it is kept: no secret in it. */
export interface WidgetToken {
  readonly tokenId: string
  readonly instanceId: string
  readonly label: string | null
  /** Milliseconds since 1970, as are the other times. */
  readonly createdAt: number
  readonly expiresAt: number | null
  readonly revokedAt: number | null
}

/** A token at the moment of its issue, the only one at which its secret is known. */
export interface IssuedToken extends WidgetToken {
  readonly token: string
}

const spelling = /^hwt_[A-Za-z0-9_-]{43}$/

/** Spells 32 random bytes as a token: `hwt_` and 43 characters of base64url. */
export const format = (bytes: Uint8Array): string => `hwt_${Buffer.from(bytes).toString("base64url")}`

/** Whether a string can be a token at all; one that cannot need not be looked up. */
export const isSpelledLikeToken = (token: string): boolean => spelling.test(token)

/** What is stored of a token: 32 bytes of SHA-256. With 256 random bits no slow hash is needed. */
export const digest = (token: string): Uint8Array => hash("sha256", token, "buffer")

/** Compares two digests in constant time. */
export const sameDigest = (left: Uint8Array, right: Uint8Array): boolean =>
  left.length === right.length && timingSafeEqual(left, right)

/** Whether a token is good at a moment (milliseconds since 1970): not revoked, and not expired. */
export const isValidAt = (token: Pick<WidgetToken, "expiresAt" | "revokedAt">, now: number): boolean =>
  token.revokedAt === null && (token.expiresAt === null || now < token.expiresAt)
