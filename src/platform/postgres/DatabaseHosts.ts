/**
 * The servers that a database URL names, and which of them to use, in libpq's syntax. Pure.
 *
 *     postgres://user@a:5432,b:5432/database?target_session_attrs=read-write
 *     postgres://user@localhost/database?host=a,b&port=5432,5433&target_session_attrs=read-write
 *
 * Only the second is a valid URL; `normalized` converts the first to it.
 *
 * @module
 */
import { Result } from "effect"

export interface DatabaseHost {
  /** A name, an IP address, or the folder of a Unix socket. */
  readonly host: string
  readonly port: number
}

/**
 * Which servers to use: `read-write` and `read-only` by whether they accept writes, `primary`, `standby` and `prefer-standby`
 * by whether they are standbys.
 */
export const attributes = ["any", "read-write", "read-only", "primary", "standby", "prefer-standby"] as const

export type Attribute = (typeof attributes)[number]

/** The state that a server reports. */
export interface ServerState {
  readonly isStandby: boolean
  readonly isReadOnly: boolean
}

/**
 * Whether an attribute asks for a server in this state. With `prefer-standby`, a primary is used if no standby is reachable.
 */
export const isSuitable = (attribute: Attribute, { isReadOnly, isStandby }: ServerState): boolean => {
  switch (attribute) {
    case "any":
      return true
    case "read-write":
      return !isReadOnly
    case "read-only":
      return isReadOnly
    case "primary":
      return !isStandby
    case "standby":
    case "prefer-standby":
      return isStandby
  }
}

/** The name of the URL's parameter that holds the attribute. */
export const parameter = "target_session_attrs"

const defaultPort = "5432"

const urlWithList = /^([a-z]+:\/\/(?:[^/?#]*@)?)([^/?#@]*,[^/?#@]*)((?:\/[^?#@]*)?)(?:\?([^#]*))?$/i

const hostAndPort = /^(\[[0-9a-f:.]+\]|[^:[\]]*)(?::([0-9]*))?$/i

/**
 * Moves a list of hosts from before the path into the query, or removes the list if the query names hosts. Undefined if the
 * list is invalid.
 */
export const normalized = (text: string): string | undefined => {
  const match = urlWithList.exec(text)
  if (match === null) return text
  const [, head = "", list = "", path = "", query = ""] = match
  const hosts = list.split(",").map((one) => hostAndPort.exec(one))
  if (hosts.some((host) => host === null)) return undefined
  const parameters = new URLSearchParams(query)
  if (!parameters.has("host")) {
    parameters.set("host", hosts.map((host) => (host?.[1] ?? "").replace(/^\[|\]$/g, "")).join(","))
    parameters.set("port", hosts.map((host) => host?.[2] || defaultPort).join(","))
  }
  return `${head}localhost${path}?${parameters}`
}

/** In a list, an empty port means the default one. The driver refuses a single empty port. */
const portsIn = (text: string): ReadonlyArray<string> =>
  text.includes(",") ? text.split(",").map((port) => port || defaultPort) : [text]

/** The driver reads a port as JavaScript reads a number. */
const isPort = (text: string): boolean => {
  const port = Number(text)
  return Number.isInteger(port) && port >= 1 && port <= 65_535
}

const decoded = (text: string): string => decodeURIComponent(text).replace(/^\[|\]$/g, "")

/** The maximum number of servers that a URL may name. */
const maxHosts = 16

/**
 * The servers in their order. The error continues a sentence that begins with the setting's name. The URL's encoding must be
 * valid.
 */
export const hostsOf = (url: URL): Result.Result<ReadonlyArray<DatabaseHost>, string> => {
  const listed = url.searchParams.getAll("host").at(-1)
  const hosts = listed === undefined ? [decoded(url.hostname)] : listed.split(",")
  // The driver parses every port, even one that another overrides.
  const given = [...(url.port === "" ? [] : [url.port]), ...url.searchParams.getAll("port")]
  const ports = portsIn(given.at(-1) ?? defaultPort)
  if (!given.flatMap(portsIn).every(isPort)) return Result.fail("has a port that is not a number from 1 to 65535.")
  if (ports.length > 1 && ports.length !== hosts.length) {
    return Result.fail(
      `names ${hosts.length} hosts and ${ports.length} ports; name one port for each host, or one for all.`
    )
  }
  if (hosts.length > maxHosts) return Result.fail(`names more than ${maxHosts} hosts.`)
  return Result.succeed(
    hosts.map((host, index) => ({
      host: host || "localhost",
      port: Number(ports.length === 1 ? ports[0] : ports[index])
    }))
  )
}

/** Undefined if the URL's attribute is unknown. The default is `read-write` for several hosts and `any` for one. */
export const attributeOf = (url: URL): Attribute | undefined => {
  const text = url.searchParams.getAll(parameter).at(-1)
  if (text === undefined) return isList(url) ? "read-write" : "any"
  return attributes.find((attribute) => attribute === text)
}

const isList = (url: URL): boolean => (url.searchParams.getAll("host").at(-1) ?? "").includes(",")

/** Whether a suitable server must be found for each connection. */
export const isRouted = (url: URL): boolean => isList(url) || url.searchParams.has(parameter)

/** Adds the attribute to a URL that names several servers and no attribute. */
export const withAttribute = (url: URL, attribute: Attribute): URL => {
  if (!isList(url) || url.searchParams.has(parameter)) return url
  const complete = new URL(url)
  complete.searchParams.set(parameter, attribute)
  return complete
}

/** The URL for one of the servers that a URL names. */
export const urlOf = (url: URL, { host, port }: DatabaseHost): URL => {
  const one = new URL(url)
  one.searchParams.delete(parameter)
  one.searchParams.set("host", host)
  one.searchParams.set("port", `${port}`)
  return one
}
