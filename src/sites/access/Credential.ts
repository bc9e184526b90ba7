/**
 * The secrets that authenticate clients: their syntax, their digest, when they are valid, and what their revocation includes. Pure: the
 * random bytes and the time are arguments.
 *
 * @module
 */
import { hash, timingSafeEqual } from "node:crypto"
import { dayMillis } from "../../platform/text/Calendar.ts"
import type { Access } from "./Access.ts"

/** The syntax of one kind of secrets: a prefix, an underscore, and 32 bytes in base64url. */
export interface Syntax {
  /** Makes a secret of 32 random bytes. */
  readonly format: (bytes: Uint8Array) => string
  /** Whether a text can be a secret of this kind. Any other text needs no lookup. */
  readonly isWellFormed: (text: string) => boolean
}

/** @param prefix lower-case letters */
export const syntax = (prefix: string): Syntax => {
  const pattern = new RegExp(`^${prefix}_[A-Za-z0-9_-]{43}$`)
  return {
    format: (bytes) => `${prefix}_${Buffer.from(bytes).toString("base64url")}`,
    isWellFormed: pattern.test.bind(pattern)
  }
}

/** What is stored of a secret: 32 bytes of SHA-256. A secret has 256 random bits, so it needs no slow hash. */
export const digest = (secret: string): Uint8Array => hash("sha256", secret, "buffer")

/** Compares two digests in constant time. */
export const sameDigest = (left: Uint8Array, right: Uint8Array): boolean =>
  left.length === right.length && timingSafeEqual(left, right)

/** When a secret stops being valid, in milliseconds since 1970. */
export interface Validity {
  readonly expiresAt: number | null
  readonly revokedAt: number | null
}

/** How long after its revocation or expiry a secret is deleted with its label, in milliseconds. */
export const keptMillis = 30 * dayMillis

/** Whether a secret is valid at a time (milliseconds since 1970): not revoked and not expired. */
export const isValidAt = ({ expiresAt, revokedAt }: Validity, now: number): boolean =>
  revokedAt === null && (expiresAt === null || now < expiresAt)

/** The state of a secret at a time, in one word. */
export const stateAt = (validity: Validity, now: number): "valid" | "expired" | "revoked" =>
  validity.revokedAt !== null ? "revoked" : isValidAt(validity, now) ? "valid" : "expired"

/** What is revoked together with a key or a session. */
export interface RevokeOptions {
  /**
   * Whether the sessions that were opened with its links also end, with the keys and the links that were created in them. If
   * not, invited colleagues keep their sessions, but so does a thief who has already opened a link.
   */
  readonly withOpened?: boolean
}

/** Which keys or sessions a caller may revoke. */
export interface ManagedBy {
  /** The websites of the caller: only what reaches no other one is revoked. Absent for the operator, who revokes any. */
  readonly callerSites?: Access["sites"]
}

/** The keys, sessions and links that come from a revoked key or session and are still valid. */
export interface Remaining {
  readonly keys: number
  /** Sessions and unopened links. */
  readonly sessions: number
}

export const nothingRemains: Remaining = { keys: 0, sessions: 0 }
