/**
 * Explains why a server's certificate was rejected, and what to do about it, by the error code of Node or OpenSSL. Pure.
 *
 * @module
 */

export const faults = ["untrusted", "expired", "not-yet-valid", "wrong-host", "invalid"] as const

export type Fault = (typeof faults)[number]

const known: Readonly<Record<string, Fault>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: "untrusted",
  SELF_SIGNED_CERT_IN_CHAIN: "untrusted",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "untrusted",
  UNABLE_TO_GET_ISSUER_CERT: "untrusted",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "untrusted",
  CERT_UNTRUSTED: "untrusted",
  CERT_HAS_EXPIRED: "expired",
  CERT_NOT_YET_VALID: "not-yet-valid",
  ERR_TLS_CERT_ALTNAME_INVALID: "wrong-host",
  HOSTNAME_MISMATCH: "wrong-host"
}

/** Matches the rarer codes of Node and OpenSSL. */
const other = /^(ERR_TLS_)?CERT_|_CERT(_|$)|^INVALID_(CA|PURPOSE)$|^PATH_LENGTH_EXCEEDED$/

/** Undefined if the code is not about a certificate. */
export const faultOf = (code: string | undefined): Fault | undefined =>
  code === undefined ? undefined : Object.hasOwn(known, code) ? known[code] : other.test(code) ? "invalid" : undefined

/** Clauses whose subject is the certificate. */
export const descriptions: Readonly<Record<Fault, string>> = {
  untrusted: "it is not signed by an authority that this machine trusts",
  expired: "it has expired",
  "not-yet-valid": "it is not valid yet",
  "wrong-host": "it is for another host",
  invalid: "it is invalid"
}

/** What to do, as a clause. `setting` names the setting that contains the server's host. */
export const advice = (fault: Fault, setting: string): string =>
  ({
    untrusted:
      "set NODE_EXTRA_CA_CERTS to the file of the root certificate that signed the server's certificate, or of the server's certificate if that is self-signed",
    expired: "renew the server's certificate, or correct this machine's clock",
    "not-yet-valid": "correct this machine's clock, or install a certificate that is valid now",
    "wrong-host": `set the host in ${setting} to one that the certificate is for, or install a certificate for that host`,
    invalid: "install a valid certificate on the server"
  })[fault]

/** What to do, as a sentence. */
export const adviceSentence = (fault: Fault, setting: string): string => {
  const clause = advice(fault, setting)
  return `${clause.slice(0, 1).toUpperCase()}${clause.slice(1)}.`
}
