/**
 * Says of a server's certificate that was refused why, and what to do about it, by the code that Node or OpenSSL gives.
 * Pure.
 *
 * @module
 */

export const faults = ["unsigned", "expired", "early", "misnamed", "unusable"] as const

export type Fault = (typeof faults)[number]

const known: Readonly<Record<string, Fault>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: "unsigned",
  SELF_SIGNED_CERT_IN_CHAIN: "unsigned",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "unsigned",
  UNABLE_TO_GET_ISSUER_CERT: "unsigned",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "unsigned",
  CERT_UNTRUSTED: "unsigned",
  CERT_HAS_EXPIRED: "expired",
  CERT_NOT_YET_VALID: "early",
  ERR_TLS_CERT_ALTNAME_INVALID: "misnamed",
  HOSTNAME_MISMATCH: "misnamed"
}

/** Others of OpenSSL's, of which few are ever met. */
const other = /^(ERR_TLS_)?CERT_|_CERT(_|$)|^INVALID_(CA|PURPOSE)$|^PATH_LENGTH_EXCEEDED$/

/** What is wrong with a certificate, if the code is about one. */
export const faultOf = (code: string | undefined): Fault | undefined =>
  code === undefined ? undefined : Object.hasOwn(known, code) ? known[code] : other.test(code) ? "unusable" : undefined

/** Why, as a clause about the certificate. */
export const descriptions: Readonly<Record<Fault, string>> = {
  unsigned: "nobody whom this machine trusts has signed it",
  expired: "it has expired",
  early: "it is not valid yet",
  misnamed: "it is for another name",
  unusable: "it is not in order"
}

/** What to do, as a clause; `setting` is what holds the server's address. */
export const advice = (fault: Fault, setting: string): string => {
  switch (fault) {
    case "unsigned":
      return "name the file of the root that signed it, or its own if it signed itself, in NODE_EXTRA_CA_CERTS"
    case "expired":
      return "give the server a new one, or set this machine's clock right"
    case "early":
      return "set this machine's clock right, or give the server one that is valid now"
    case "misnamed":
      return `set the host in ${setting} to a name that it is for, or give the server one for that host`
    case "unusable":
      return "give the server another one"
  }
}
