/**
 * The address of a client: which one it is behind reverse proxies, whose networks are trusted, and the key by which clients are
 * counted. Pure.
 *
 * @module
 */
import { Result } from "effect"
import { IpInterface, IpNetwork, NetAddress } from "effect/net"

/** Parses an IP address that may have brackets or a port. Undefined for any other text. */
const parse = (text: string): NetAddress.IpAddress | undefined => {
  const bare = NetAddress.ipFromString(text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text)
  if (Result.isSuccess(bare)) return NetAddress.toCanonical(bare.success)
  const withPort = NetAddress.inetAddressFromString(text)
  return Result.isSuccess(withPort) ? NetAddress.toCanonical(withPort.success.address) : undefined
}

const octet = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"

/** A canonical IPv4 address: the usual value of `X-Forwarded-For`. */
const ipv4 = new RegExp(`^${octet}(?:\\.${octet}){3}$`)

/** Makes a predicate for the addresses of trusted proxies. */
export const makeIsProxy = (trustedProxies: ReadonlyArray<IpNetwork.IpNetwork>): ((peer: string) => boolean) => {
  if (trustedProxies.length === 0) return () => false
  // Caches one result: behind a proxy, nearly all requests have the same peer.
  let last: { readonly peer: string; readonly isProxy: boolean } | undefined
  return (peer) => {
    if (last?.peer !== peer) {
      const address = parse(peer)
      last = { peer, isProxy: address !== undefined && networksContain(trustedProxies, address) }
    }
    return last.isProxy
  }
}

/**
 * Makes a function from the connection's peer and the `X-Forwarded-For` field to the client address: the rightmost address
 * that is not a trusted proxy, or the leftmost if all are trusted. It is the peer if the peer is not trusted, if there is
 * no field, or if an entry that a proxy should have written is not an address. The result is that of
 * `HttpMiddleware.xForwardedHeaders`, and in the common case of one proxy it takes a tenth of the time.
 */
export const make = (
  trustedProxies: ReadonlyArray<IpNetwork.IpNetwork>
): ((peer: string, forwardedFor: string | undefined) => string) => {
  if (trustedProxies.length === 0) return (peer) => peer
  const isProxyPeer = makeIsProxy(trustedProxies)
  return (peer, forwardedFor) => {
    if (forwardedFor === undefined || !isProxyPeer(peer)) return peer
    if (ipv4.test(forwardedFor)) return forwardedFor
    const hops = forwardedFor.split(",")
    for (let index = hops.length - 1; index >= 0; index--) {
      const address = parse(hops[index]!.trim())
      if (address === undefined) return peer
      if (index === 0 || !networksContain(trustedProxies, address)) return NetAddress.formatIp(address)
    }
    return peer
  }
}

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

const quoted = (text: string): string => `"${text.slice(0, 80)}"`

/** A network or an address. Bits beyond the prefix are an error: either the address or the prefix may be wrong. */
const network = (part: string): Result.Result<IpNetwork.IpNetwork, string> => {
  const text = part.includes("/") ? part : `${part}/${part.includes(":") ? 128 : 32}`
  return Result.mapError(IpNetwork.fromString(text), () =>
    Result.match(IpInterface.fromString(text), {
      onFailure: () =>
        `holds ${quoted(part)}, which is not a network; it must be a list such as "10.0.0.0/8, 2001:db8::/32".`,
      onSuccess: (address) =>
        `holds ${quoted(part)}, whose address has bits beyond /${address.prefixLength}; did you mean ${IpNetwork.format(IpNetwork.fromInterface(address))}?`
    })
  )
}

/** The error continues a sentence that begins with the setting's name. */
export const parseNetworks = (text: string): Result.Result<ReadonlyArray<IpNetwork.IpNetwork>, string> =>
  Result.all(
    text
      .split(",")
      .map((part) => part.trim())
      .filter((part) => part !== "")
      .map(network)
  )

/** Whether an IP address is in one of the networks. */
export const networksContain = (networks: ReadonlyArray<IpNetwork.IpNetwork>, address: NetAddress.IpAddress): boolean =>
  networks.some((network) => IpNetwork.contains(network, address))
