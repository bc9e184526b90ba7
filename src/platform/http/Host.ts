/**
 * Hosts: which texts can be one to listen on, whether two of them may be the same address, and which are this machine and no other.
 * Pure: looks up no name.
 *
 * @module
 */
import { Option, Result } from "effect"
import { NetAddress } from "effect/net"

const maxNameLength = 253

/** The host as the system reads it: `0` is `0.0.0.0`. Undefined for a text that can be neither an address nor a name. */
const hostNameOf = (host: string): string | undefined =>
  /^[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?$/i.test(host) && host.length <= maxNameLength
    ? URL.parse(`http://${host}/`)?.hostname
    : undefined

const addressOf = (host: string): Option.Option<NetAddress.IpAddress> =>
  Option.map(Result.getSuccess(NetAddress.ipFromString(hostNameOf(host) ?? host)), (address) =>
    NetAddress.toCanonical(address)
  )

/** Whether a text is an IP address, without brackets or a port, or may be a host's name. */
export const isValid = (host: string): boolean =>
  hostNameOf(host) !== undefined ||
  Option.isSome(addressOf(host)) ||
  Result.isSuccess(NetAddress.scopedIpv6LiteralFromString(host))

/** Whether servers on these hosts cannot have the same port. False for names whose addresses are unknown. */
export const overlap = (a: string, b: string): boolean => {
  const isAll = (host: string) => Option.exists(addressOf(host), NetAddress.isUnspecified)
  const isIpv6 = (host: string) => Option.exists(addressOf(host), NetAddress.isIpv6Address)
  // A server on `::` also accepts IPv4, and one on `0.0.0.0` does not accept IPv6.
  const includes = (all: string, other: string) => isAll(all) && (isIpv6(all) || !isIpv6(other))
  if (includes(a, b) || includes(b, a)) return true
  const [first, second] = [addressOf(a), addressOf(b)]
  if (Option.isSome(first) && Option.isSome(second)) {
    return NetAddress.formatIp(first.value) === NetAddress.formatIp(second.value)
  }
  const isLocalName = (host: string) => Option.isNone(addressOf(host)) && isLoopback(host)
  return a.toLowerCase() === b.toLowerCase() || (isLocalName(a) && isLoopback(b)) || (isLocalName(b) && isLoopback(a))
}

/**
 * Whether a host is `localhost` or a loopback address. An IPv6 address may be in brackets, as in a URL, and may map an IPv4
 * address. Any other name may lead to another machine.
 */
export const isLoopback = (host: string): boolean =>
  Result.match(NetAddress.ipFromString(host.replace(/^\[(.*)\]$/, "$1")), {
    onFailure: () => host.toLowerCase() === "localhost",
    onSuccess: (address) => NetAddress.isLoopback(NetAddress.toCanonical(address))
  })

/** Whether the header `Host` names this machine, with or without a port. */
export const isLoopbackHost = (host: string | undefined): boolean => {
  const name = URL.parse(`http://${host ?? ""}`)?.hostname
  return name !== undefined && isLoopback(name)
}
