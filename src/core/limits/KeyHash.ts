/**
 * Converts client keys to numbers, so that tables of many clients need no strings. Pure.
 *
 * @module
 */
import { hash } from "node:crypto"

/** Two different keys have the same hash only if neither is an address and their digests collide. */
export interface KeyHash {
  /** 0 for an IPv4 address, 1 for the /64 of an IPv6 address, 2 for the digest of any other key, 3 for an IPv6 /48. */
  kind: 0 | 1 | 2 | 3
  /** 32 bits each. */
  high: number
  low: number
}

/** The number of a canonical IPv4 address; -1 for any other text. */
const ipv4 = (key: string): number => {
  let address = 0
  let octet = -1
  let dots = 0
  for (let index = 0; index < key.length; index++) {
    const code = key.charCodeAt(index)
    if (code === 0x2e) {
      if (octet === -1 || dots === 3) return -1
      address = address * 256 + octet
      octet = -1
      dots++
    } else {
      const digit = code - 0x30
      // A leading zero is not canonical.
      if (digit < 0 || digit > 9 || octet === 0) return -1
      octet = octet === -1 ? digit : octet * 10 + digit
      if (octet > 255) return -1
    }
  }
  return dots === 3 && octet !== -1 ? address * 256 + octet : -1
}

const group = "(0|[1-9a-f][0-9a-f]{0,3})"

const network = new RegExp(`^${group}:${group}:${group}(?:::/48|:${group}::/64)$`)

/** Hashes a /64 or /48 network in the form of `ClientKey`. False for any other key. */
const hashIpv6 = (key: string, target: KeyHash): boolean => {
  if (!key.endsWith("::/64") && !key.endsWith("::/48")) return false
  const match = network.exec(key)
  if (match === null) return false
  const [, first = "", second = "", third = "", fourth] = match
  target.kind = fourth === undefined ? 3 : 1
  target.high = Number.parseInt(first, 16) * 0x1_0000 + Number.parseInt(second, 16)
  target.low = Number.parseInt(third, 16) * 0x1_0000 + Number.parseInt(fourth ?? "0", 16)
  return true
}

/** Writes the hash of a key into `target`. A key that is not an address is hashed to the first 64 bits of its SHA-256. */
export const hashInto = (key: string, target: KeyHash): void => {
  const address = ipv4(key)
  if (address !== -1) {
    target.kind = 0
    target.high = 0
    target.low = address
  } else if (!hashIpv6(key, target)) {
    // UTF-16, since UTF-8 encodes all lone surrogates alike.
    const digest = hash("sha256", Buffer.from(key, "utf16le"), "hex")
    target.kind = 2
    target.high = Number.parseInt(digest.slice(0, 8), 16)
    target.low = Number.parseInt(digest.slice(8, 16), 16)
  }
}
