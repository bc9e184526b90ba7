/**
 * Whether a request comes from a page that whoever runs a program on this machine, or in this network, has opened by
 * themselves, or from no page; and whether it can come from another machine at all. Pure.
 *
 * @module
 */
import { isIP } from "node:net"

/** What the head of a request says of where it was made; undefined where it says nothing. */
export interface OriginHeaders {
  readonly host: string | undefined
  readonly origin: string | undefined
  readonly secFetchSite: string | undefined
}

/** A name that nobody can have in the public DNS: whoever has one there could have it lead here (DNS rebinding). */
const isLocalName = (name: string): boolean =>
  !name.includes(".") || /\.(?:localhost|local|internal|home\.arpa)$/.test(name)

const isLocalHost = (host: string): boolean => {
  const name = URL.parse(`http://${host}`)?.hostname
  if (name === undefined || name === "") return false
  return isIP(name.replace(/^\[(.*)\]$/, "$1")) !== 0 || isLocalName(name.replace(/\.$/, ""))
}

/** Whether what listens on this host, as it stands in a URL, is reached from this machine alone. */
export const isLoopback = (hostname: string): boolean =>
  hostname === "localhost" || hostname === "[::1]" || (isIP(hostname) === 4 && hostname.startsWith("127."))

/**
 * The address must be one of an IP address's, or a name that is local. `Origin`, which browsers send for another website's
 * page, must be that address. `Sec-Fetch-Site`, which they leave out where the address is neither https nor this machine's,
 * must say that the page is of the same origin, or that there is none.
 */
export const isLocal = ({ host, origin, secFetchSite }: OriginHeaders): boolean =>
  host !== undefined &&
  isLocalHost(host) &&
  (origin === undefined || URL.parse(origin)?.host === URL.parse(`http://${host}`)?.host) &&
  (secFetchSite === undefined || secFetchSite === "same-origin" || secFetchSite === "none")
