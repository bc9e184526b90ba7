/**
 * What a client is counted by. Pure.
 *
 * @module
 */
import { Result } from "effect"
import { NetAddress } from "effect/net"

/**
 * The key under which an address is rate limited: an IPv4 address by itself, an IPv6 address by its /64, since whoever
 * has one address of a /64 commonly has them all. An IPv4 address written as IPv6 (`::ffff:192.0.2.1`) is the IPv4
 * address. What is no address (a unix socket's peer) is its own key.
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
