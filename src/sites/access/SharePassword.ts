/**
 * The password of a shared dashboard: what is stored of it, and the proof that a browser keeps in a cookie so that the password is asked
 * once. Each share has a cookie of its own, so that one browser can show several.
 *
 * A proof is an HMAC with the stored hash as its key. It needs no table: with its share, or with another password, it ends.
 *
 * @module
 */
import { createHmac, randomBytes, scrypt, timingSafeEqual } from "node:crypto"
import { Effect, Semaphore } from "effect"
import * as HttpApiSecurity from "effect/http-api/HttpApiSecurity"
import { dayMillis } from "../../platform/text/Calendar.ts"

/** The lengths of a password, in code points. */
export const minLength = 8
export const maxLength = 200

/** How long a browser keeps a proof, in milliseconds. */
export const provenMillis = 30 * dayMillis

const saltBytes = 16
const hashBytes = 32

/** About 100 ms and 32 MB per hash. */
const cost = { N: 2 ** 15, r: 8, p: 1, maxmem: 2 ** 26 }

/** Each hash takes a thread, of which a process has four. */
const slots = Semaphore.makeUnsafe(1)

const hash = (password: string, salt: Uint8Array): Effect.Effect<Uint8Array> =>
  Effect.callback<Uint8Array>((resume) =>
    scrypt(password.normalize(), salt, hashBytes, cost, (error, key) =>
      resume(error === null ? Effect.succeed(key) : Effect.die(error))
    )
  ).pipe(slots.withPermits(1))

/** What is stored of a new password: a random salt, and the hash. */
export const seal = (password: string): Effect.Effect<Uint8Array> =>
  Effect.suspend(() => {
    const salt = randomBytes(saltBytes)
    return Effect.map(hash(password, salt), (key) => Buffer.concat([salt, key]))
  })

/** Whether a password is the stored one. Compares in constant time. */
export const matches = (password: string, stored: Uint8Array): Effect.Effect<boolean> =>
  Effect.map(hash(password, stored.subarray(0, saltBytes)), (key) => timingSafeEqual(key, stored.subarray(saltBytes)))

const signature = (stored: Uint8Array, shareId: string, until: string): Buffer =>
  createHmac("sha256", stored).update(`${shareId} ${until}`).digest()

/** The proof that somebody knew the password of a share. It is valid until a time in milliseconds since 1970. */
export const proof = (stored: Uint8Array, shareId: string, until: number): string =>
  `${until}.${signature(stored, shareId, String(until)).toString("base64url")}`

/** Whether a text is a proof for this share that is valid at `now`. */
export const isProof = (text: string, stored: Uint8Array, shareId: string, now: number): boolean => {
  const [until = "", given = ""] = text.split(".")
  const signed = Buffer.from(given, "base64url")
  const expected = signature(stored, shareId, until)
  return signed.length === expected.length && timingSafeEqual(signed, expected) && now < Number(until)
}

const cookieNameOf = (shareId: string): string => `hydracore_share_${shareId.replaceAll("-", "")}`

/** Browsers accept the prefix only from the host itself, and only with `Secure`. */
const secureCookieNameOf = (shareId: string): string => `__Host-${cookieNameOf(shareId)}`

/** The cookie to set. On http and this machine, some browsers refuse `Secure` and its prefix. */
export const cookieOf = (shareId: string, isSecure: boolean) =>
  HttpApiSecurity.apiKey({ key: (isSecure ? secureCookieNameOf : cookieNameOf)(shareId), in: "cookie" })

/** The proof that a request has for a share; empty without one. A proof cannot be forged, so its origin does not matter. */
export const proofIn = (shareId: string, cookies: Readonly<Record<string, string>>): string =>
  cookies[secureCookieNameOf(shareId)] ?? cookies[cookieNameOf(shareId)] ?? ""
