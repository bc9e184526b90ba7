/**
 * Makes two words of a client's key, so that many keys can be kept as numbers. Pure.
 *
 * @module
 */
import { hash } from "node:crypto"

/** What a key comes to. Two keys come to the same only if they are the same, or if two digests are. */
export interface KeyHash {
  /** What the words are: an IPv4 address, the /64 of an IPv6 address, or a digest of anything else. */
  kind: 0 | 1 | 2
  /** 32 bits each. */
  high: number
  low: number
}

/** An IPv4 address in its canonical spelling, as a number; -1 for anything else. */
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
      // A zero in front would be another spelling.
      if (digit < 0 || digit > 9 || octet === 0) return -1
      octet = octet === -1 ? digit : octet * 10 + digit
      if (octet > 255) return -1
    }
  }
  return dots === 3 && octet !== -1 ? address * 256 + octet : -1
}

const suffix = "::/64"

const groups =
  /^(0|[1-9a-f][0-9a-f]{0,3}):(0|[1-9a-f][0-9a-f]{0,3}):(0|[1-9a-f][0-9a-f]{0,3}):(0|[1-9a-f][0-9a-f]{0,3})::\/64$/

/** The first half of an IPv6 address as `core/limits/ClientKey` spells it. */
const isIpv6 = (key: string, words: KeyHash): boolean => {
  if (!key.endsWith(suffix)) return false
  const match = groups.exec(key)
  if (match === null) return false
  const [, first = "", second = "", third = "", fourth = ""] = match
  words.kind = 1
  words.high = Number.parseInt(first, 16) * 0x1_0000 + Number.parseInt(second, 16)
  words.low = Number.parseInt(third, 16) * 0x1_0000 + Number.parseInt(fourth, 16)
  return true
}

/** Reads a key into `words`. A key that is no address comes to the first 64 bits of its SHA-256. */
export const hashInto = (key: string, words: KeyHash): void => {
  const address = ipv4(key)
  if (address !== -1) {
    words.kind = 0
    words.high = 0
    words.low = address
  } else if (!isIpv6(key, words)) {
    // As UTF-16, since UTF-8 has one spelling for all lone surrogates.
    const digest = hash("sha256", Buffer.from(key, "utf16le"), "hex")
    words.kind = 2
    words.high = Number.parseInt(digest.slice(0, 8), 16)
    words.low = Number.parseInt(digest.slice(8, 16), 16)
  }
}
