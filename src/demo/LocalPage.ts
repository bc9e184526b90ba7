/**
 * Recognizes requests that foreign pages or other machines make to a program on this machine or in the local network. Pure.
 *
 * @module
 */
import { isIP } from "node:net"
import { isLoopback, isLoopbackHost } from "../platform/http/Host.ts"

/** The request headers that name the page that made the request. */
export interface PageHeaders {
  readonly host: string | undefined
  readonly origin: string | undefined
  readonly secFetchSite: string | undefined
}

/** Whether a name cannot be in the public DNS. The owner of a public name could point it here (DNS rebinding). */
const isLocalName = (name: string): boolean =>
  !name.includes(".") || /\.(?:localhost|local|internal|home\.arpa)$/.test(name)

/** Whether a host is an IP address or a local name. DNS rebinding needs a public name. */
const cannotBeRebound = (host: string): boolean => {
  const name = URL.parse(`http://${host}`)?.hostname
  if (name === undefined || name === "") return false
  return isIP(name.replace(/^\[(.*)\]$/, "$1")) !== 0 || isLocalName(name.replace(/\.$/, ""))
}

/**
 * Whether a request comes from a page of the program itself or from no page: `Host` is an IP address or a local name,
 * `Origin` is absent or has that host, and `Sec-Fetch-Site` is absent, `same-origin` or `none`. Browsers omit
 * `Sec-Fetch-Site` for URLs that are neither https nor loopback.
 */
export const isFromNoForeignPage = ({ host, origin, secFetchSite }: PageHeaders): boolean =>
  host !== undefined &&
  cannotBeRebound(host) &&
  (origin === undefined || URL.parse(origin)?.host === URL.parse(`http://${host}`)?.host) &&
  (secFetchSite === undefined || secFetchSite === "same-origin" || secFetchSite === "none")

/** Headers that proxies and tunnels add to the requests that they forward. */
export const forwardingHeaders = [
  "forwarded",
  "via",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-forwarded-server",
  "x-real-ip",
  "cf-connecting-ip"
] as const

/** What shows who sent a request: its headers, with names in lower case, and the IP address of the socket's peer. */
export interface Sender {
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly peer: string
}

/**
 * Whether a program on this machine sent the request. A proxy or a tunnel on this machine that adds none of these headers cannot
 * be recognized: its requests count as local, wherever they come from.
 */
export const isFromThisMachine = ({ headers, peer }: Sender): boolean =>
  isLoopback(peer) &&
  isLoopbackHost(headers["host"]) &&
  forwardingHeaders.every((header) => headers[header] === undefined)
