/**
 * Decides which IP addresses and ports an outward request may reach: the public internet, and hosts that the operator allows.
 * Pure.
 *
 * The reserved ranges are those of the IANA special-purpose address registries (RFC 6890) that are not globally reachable, and
 * multicast. An IPv6 address that contains an IPv4 address (mapped, NAT64, 6to4) is judged by the IPv4 address, which the
 * connection would reach.
 *
 * @module
 */
import { Option, Result } from "effect"
import { IpNetwork, NetAddress } from "effect/net"
import { networksContain } from "../limits/ClientAddress.ts"

const reserved4 = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/3"
].map(IpNetwork.fromStringUnsafe)

/** Reserved ranges in 2000::/3. No address outside of 2000::/3 is public. */
const reserved6 = ["2001::/23", "2001:db8::/32", "3fff::/20"].map(IpNetwork.fromStringUnsafe)

const global6 = IpNetwork.fromStringUnsafe("2000::/3")
const sixToFour = IpNetwork.fromStringUnsafe("2002::/16")
const nat64 = IpNetwork.fromStringUnsafe("64:ff9b::/96")

/** The IPv4 address in the two segments from `index` on. */
const embedded = (segments: ReadonlyArray<number>, index: number): NetAddress.Ipv4Address => {
  const [high = 0, low = 0] = segments.slice(index, index + 2)
  return NetAddress.ipv4FromBytesUnsafe(Uint8Array.of(high >> 8, high & 255, low >> 8, low & 255))
}

/** Whether an address belongs to the public internet. */
export const isPublic = (address: NetAddress.IpAddress): boolean => {
  if (NetAddress.isIpv4Address(address)) return !networksContain(reserved4, address)
  const segments = NetAddress.ipv6ToSegments(address)
  if (NetAddress.isIpv4Mapped(address) || IpNetwork.contains(nat64, address)) return isPublic(embedded(segments, 6))
  if (IpNetwork.contains(sixToFour, address)) return isPublic(embedded(segments, 1))
  return IpNetwork.contains(global6, address) && !networksContain(reserved6, address)
}

/** `isPublic` for the text of an address, as a resolver returns it; false for any other text. */
export const isPublicText = (text: string): boolean =>
  Result.match(NetAddress.ipFromString(text), { onFailure: () => false, onSuccess: isPublic })

/** Where a request goes. */
export interface Target {
  /** In lower case; an IPv6 address without brackets. */
  readonly host: string
  readonly port: number
}

/** A host and port that the operator allows, whatever IP address the host has. */
export interface AllowedHost extends Target {}

const withoutBrackets = (host: string): string => host.replace(/^\[(.*)\]$/, "$1")

/** The host and port of a URL. The URL's parser has already normalized other notations of an IPv4 address. */
export const targetOf = ({ hostname, port, protocol }: URL): Target => ({
  host: withoutBrackets(hostname.toLowerCase()),
  port: port === "" ? (protocol === "https:" ? 443 : 80) : Number(port)
})

/** A target as `parseAllowed` reads it. */
export const hostAndPort = ({ host, port }: Target): string => `${host.includes(":") ? `[${host}]` : host}:${port}`

/**
 * Parses a list such as `hooks.internal:8080, [::1]:9000`. The error continues a sentence that begins with the setting's name.
 */
export const parseAllowed = (text: string): Result.Result<ReadonlyArray<AllowedHost>, string> =>
  Result.all(
    text
      .split(",")
      .map((part) => part.trim())
      .filter((part) => part !== "")
      .map((part) => {
        const url = /^[^\s/?#@\\]+:[0-9]{1,5}$/.test(part) ? URL.parse(`http://${part}`) : null
        return url === null
          ? Result.fail(
              `holds "${part.slice(0, 80)}", which is not a host and port; it must be a list such as "hooks.internal:8080, 10.0.0.4:9000".`
            )
          : Result.succeed(targetOf(url))
      })
  )

export const isAllowed = (allowed: ReadonlyArray<AllowedHost>, { host, port }: Target): boolean =>
  allowed.some((one) => one.host === host && one.port === port)

/** Why a target is refused before its name is looked up; none if it is allowed, or if the lookup decides. */
export const refusalOf = (allowed: ReadonlyArray<AllowedHost>, target: Target): Option.Option<string> => {
  if (isAllowed(allowed, target)) return Option.none()
  if (target.port !== 80 && target.port !== 443) {
    return Option.some(`port ${target.port} is not allowed; only 80 and 443 are`)
  }
  if (isAddress(target.host) && !isPublicText(target.host)) return Option.some(notFound(target.host))
  return /(^|\.)localhost\.?$/.test(target.host) ? Option.some(notFound(target.host)) : Option.none()
}

/** The end of the error of a request that the guard refused. It names no host. */
const elsewhere = "the service sends elsewhere only to the hosts in WEBHOOK_ALLOW"

/** The error of a request that the guard refused, with what the operator can do. */
export const withSetting = (refusal: string): string => `${refusal}; ${elsewhere}`

/** Whether this is the error of a request that the guard refused. */
export const isRefusal = (error: string): boolean => error.endsWith(elsewhere)

/** The same without the host; none for another error. */
export const withoutHost = (error: string): Option.Option<string> =>
  isRefusal(error) ? Option.some(withSetting("the webhook is not on the public internet")) : Option.none()

/** Whether a host is an IP address, which needs no look-up. */
export const isAddress = (host: string): boolean => Result.isSuccess(NetAddress.ipFromString(host))

/**
 * The refusal of a host without a public address. The same for an unknown name and for one with private addresses only, so that an
 * owner does not learn which names exist in the operator's network.
 */
export const notFound = (host: string): string => `${host.slice(0, 253)} was not found on the public internet`
