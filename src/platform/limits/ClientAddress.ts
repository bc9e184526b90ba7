/**
 * Determines the client address of a request behind reverse proxies. Pure.
 *
 * @module
 */
import { Result } from "effect"
import { type IpNetwork, NetAddress } from "effect/net"
import * as Networks from "./Networks.ts"

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
      last = { peer, isProxy: address !== undefined && Networks.contain(trustedProxies, address) }
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
      if (index === 0 || !Networks.contain(trustedProxies, address)) return NetAddress.formatIp(address)
    }
    return peer
  }
}
