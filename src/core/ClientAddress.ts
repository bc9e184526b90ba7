/**
 * Which address a request comes from, where reverse proxies stand in front. Pure.
 *
 * @module
 */
import { Result } from "effect"
import { IpNetwork, NetAddress } from "effect/net"

/** An address as it stands alone, in brackets, or with a port behind it; undefined for what is none. */
const parse = (text: string): NetAddress.IpAddress | undefined => {
  const bare = NetAddress.ipFromString(text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text)
  if (Result.isSuccess(bare)) return NetAddress.toCanonical(bare.success)
  const withPort = NetAddress.inetAddressFromString(text)
  return Result.isSuccess(withPort) ? NetAddress.toCanonical(withPort.success.address) : undefined
}

const octet = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"

/** An IPv4 address in its one canonical spelling: what a proxy nearly always sends. */
const ipv4 = new RegExp(`^${octet}(?:\\.${octet}){3}$`)

/** Makes the function that says whether an address is a trusted proxy's. */
export const makeIsProxy = (trustedProxies: ReadonlyArray<IpNetwork.IpNetwork>): ((address: string) => boolean) => {
  if (trustedProxies.length === 0) return () => false
  return (text) => {
    const address = parse(text)
    return address !== undefined && trustedProxies.some((network) => IpNetwork.contains(network, address))
  }
}

/**
 * Makes the function from the connection's peer and the `X-Forwarded-For` field to the client's address: the one furthest
 * to the right that is no trusted proxy's, or the leftmost if all are; the peer itself if it is no proxy, if there is no
 * field, or if what a proxy should have written is no address. It gives what `HttpMiddleware.xForwardedHeaders` gives, for
 * a tenth of the time in the common case of one proxy.
 */
export const make = (
  trustedProxies: ReadonlyArray<IpNetwork.IpNetwork>
): ((peer: string, forwardedFor: string | undefined) => string) => {
  if (trustedProxies.length === 0) return (peer) => peer
  const isTrusted = (address: NetAddress.IpAddress): boolean =>
    trustedProxies.some((network) => IpNetwork.contains(network, address))
  /** The last peer: behind a proxy it is the same again and again. */
  let last: { readonly peer: string; readonly isProxy: boolean } | undefined
  const isProxy = (peer: string): boolean => {
    if (last?.peer !== peer) {
      const address = parse(peer)
      last = { peer, isProxy: address !== undefined && isTrusted(address) }
    }
    return last.isProxy
  }
  return (peer, forwardedFor) => {
    if (forwardedFor === undefined || !isProxy(peer)) return peer
    if (ipv4.test(forwardedFor)) return forwardedFor
    const hops = forwardedFor.split(",")
    for (let index = hops.length - 1; index >= 0; index--) {
      const address = parse(hops[index]!.trim())
      if (address === undefined) return peer
      if (index === 0 || !isTrusted(address)) return NetAddress.formatIp(address)
    }
    return peer
  }
}
