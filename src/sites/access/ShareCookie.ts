/**
 * The cookie that holds the proof of a shared dashboard's password. Each share has its own, so that one browser can show several.
 * Pure.
 *
 * @module
 */
import * as HttpApiSecurity from "effect/http-api/HttpApiSecurity"

const nameOf = (shareId: string): string => `hydracore_share_${shareId.replaceAll("-", "")}`

/** Browsers accept the prefix only from the host itself, and only with `Secure`. */
const secureNameOf = (shareId: string): string => `__Host-${nameOf(shareId)}`

/** The cookie to set. On http and this machine, some browsers refuse `Secure` and its prefix. */
export const securityOf = (shareId: string, isSecure: boolean) =>
  HttpApiSecurity.apiKey({ key: (isSecure ? secureNameOf : nameOf)(shareId), in: "cookie" })

/** The proof that a request has for a share; empty without one. A proof cannot be forged, so its origin does not matter. */
export const of = (shareId: string, cookies: Readonly<Record<string, string>>): string =>
  cookies[secureNameOf(shareId)] ?? cookies[nameOf(shareId)] ?? ""
