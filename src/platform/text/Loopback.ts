/**
 * Hosts that are this machine and no other. Pure.
 *
 * @module
 */
import { Result } from "effect"
import { NetAddress } from "effect/net"

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
