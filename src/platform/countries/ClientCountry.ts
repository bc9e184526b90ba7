/**
 * Determines the country of a request's client.
 *
 * @module
 */
import { Option } from "effect"
import type { IpNetwork } from "effect/net"
import type { RequestHead } from "../http/RequestHead.ts"
import * as ClientAddress from "../limits/ClientAddress.ts"
import type { Countries } from "./Countries.ts"
import * as Country from "./Country.ts"

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
