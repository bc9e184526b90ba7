/**
 * Determines the country of a request's client.
 *
 * @module
 */
import { Option } from "effect"
import type { IpNetwork } from "effect/net"
import * as Country from "../../core/analytics/Country.ts"
import * as ClientAddress from "../../core/limits/ClientAddress.ts"
import type { Countries } from "../../services/analytics/Countries.ts"
import type { RequestHead } from "./RequestHead.ts"

export interface Options {
  /** The header in which a proxy names the country. */
  readonly header: Option.Option<string>
  /** The proxies whose header is trusted. */
  readonly trustedProxies: ReadonlyArray<IpNetwork.IpNetwork>
}

/** Finds the country of a request: the one that a trusted proxy names, else the one of the client's address, else null. */
export const make = (
  countries: Countries["Service"],
  { header, trustedProxies }: Options
): ((head: RequestHead) => string | null) => {
  if (Option.isNone(header)) return ({ address }) => countries.of(address)
  const name = header.value.toLowerCase()
  const isProxy = ClientAddress.makeIsProxy(trustedProxies)
  return ({ address, headers, peer }) => (isProxy(peer) ? Country.parse(headers[name]) : null) ?? countries.of(address)
}
