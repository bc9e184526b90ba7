/**
 * The key by which clients are counted. Pure.
 *
 * @module
 */
import { Result } from "effect"
import { NetAddress } from "effect/net"

/**
 * The key of an address: the IPv4 address, or the /64 network of an IPv6 address, since a client usually controls a whole
 * /64. An IPv4-mapped IPv6 address (`::ffff:192.0.2.1`) counts as the IPv4 address. Any other text, such as the peer of a
 * Unix socket, is its own key.
 */
export const clientKey = (address: string): string => {
  if (!address.includes(":")) return address
  const parsed = NetAddress.ipFromString(address)
  if (Result.isFailure(parsed)) return address
  const canonical = NetAddress.toCanonical(parsed.success)
  if (NetAddress.isIpv4Address(canonical)) return NetAddress.formatIp(canonical)
  const groups = NetAddress.ipv6ToSegments(canonical).slice(0, 4)
  return `${groups.map((group) => group.toString(16)).join(":")}::/64`
}

const suffix = "::/64"

/**
 * The key of the /48 network of a client key that ends with an IPv6 /64, such as `2001:db8:1::/48`, with whatever precedes the
 * /64 in the key. Undefined for any other key.
 */
export const networkKey = (clientKey: string): string | undefined => {
  if (!clientKey.endsWith(suffix)) return undefined
  const end = clientKey.lastIndexOf(":", clientKey.length - suffix.length - 1)
  return end === -1 ? undefined : `${clientKey.slice(0, end)}::/48`
}
