/**
 * The URL of the database: which servers it names and which of them to use, in libpq's syntax, whether it is valid, and which
 * transport it requires. Pure.
 *
 *     postgres://user@a:5432,b:5432/database?target_session_attrs=read-write
 *     postgres://user@localhost/database?host=a,b&port=5432,5433&target_session_attrs=read-write
 *
 * Only the second is a valid URL; `normalized` converts the first to it.
 *
 * The driver ignores parameters that it does not support. A URL that requires TLS by another program's parameter would
 * silently be used in plaintext, so URLs with unknown parameters are rejected. So are URLs that the driver cannot parse: the
 * driver would fail only on connecting, as if the database were unreachable.
 *
 * @module
 */
import { Result } from "effect"
import { isLoopback } from "../http/Host.ts"

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
export const attributeParameter = "target_session_attrs"

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
  const text = url.searchParams.getAll(attributeParameter).at(-1)
  if (text === undefined) return isList(url) ? "read-write" : "any"
  return attributes.find((attribute) => attribute === text)
}

const isList = (url: URL): boolean => (url.searchParams.getAll("host").at(-1) ?? "").includes(",")

/** Whether a suitable server must be found for each connection. */
export const isRouted = (url: URL): boolean => isList(url) || url.searchParams.has(attributeParameter)

/** Adds the attribute to a URL that names several servers and no attribute. */
export const withAttribute = (url: URL, attribute: Attribute): URL => {
  if (!isList(url) || url.searchParams.has(attributeParameter)) return url
  const complete = new URL(url)
  complete.searchParams.set(attributeParameter, attribute)
  return complete
}

/** The URL for one of the servers that a URL names. */
export const urlOfHost = (url: URL, { host, port }: DatabaseHost): URL => {
  const one = new URL(url)
  one.searchParams.delete(attributeParameter)
  one.searchParams.set("host", host)
  one.searchParams.set("port", `${port}`)
  return one
}

/** The parameters that the driver supports. */
export const parameters = [
  "application_name",
  "connect_timeout",
  "dbname",
  "host",
  "options",
  "password",
  "port",
  "sslmode",
  attributeParameter,
  "user"
] as const

const protocol = /^postgres(ql)?:\/\//i

/**
 * Parses a URL. The error continues a sentence that begins with the setting's name.
 *
 * Two forms that psql accepts get `localhost` as the URL's host, which the query's `host` overrides:
 * `postgres://user@/database?host=/folder`, and `postgres://user@a,b/database`, whose list of hosts is moved into the query.
 */
export const parse = (text: string): Result.Result<URL, string> => {
  if (!protocol.test(text)) {
    return Result.fail("is not usable; it must be an address that begins with postgres:// or postgresql://.")
  }
  const single = normalized(text) ?? ""
  const url = URL.parse(single.replace(/^([a-z]+:\/\/[^/?#]*@)(?=(:[0-9]+)?\/[^?#]*\?(.*&)?host=)/i, "$1localhost"))
  if (url !== null) return Result.succeed(url)
  return Result.fail(
    /^[a-z]+:\/\/[^/?#@]*@(:[0-9]*)?([/?#][^@]*)?$/i.test(text)
      ? "names no server; write its host before the database, or add ?host=/folder for the socket in a folder."
      : "cannot be read; write characters such as @ : / ? # % in its password as %40 %3A %2F %3F %23 %25, and its hosts as host:port, separated by commas."
  )
}

/** The driver's transport for each `sslmode`. It verifies certificates in all modes that use TLS. */
const transports = new Map([
  ["disable", "plain"],
  ["allow", "preferred"],
  ["prefer", "preferred"],
  ["require", "tls"],
  ["verify-ca", "tls"],
  ["verify-full", "tls"]
] as const)

const isTrue = (value: string): boolean => /^(|1|true|on|yes|require)$/i.test(value)

/** What to write instead of a parameter that other programs support. */
const alternative = (name: string, value: string): string => {
  if (name === "ssl") return `write sslmode=${isTrue(value) ? "require" : "disable"} instead`
  if (name === "sslrootcert") return "set NODE_EXTRA_CA_CERTS to the root certificate's file instead"
  return `it supports ${parameters.join(", ")}`
}

/** Whether a text is valid percent-encoded UTF-8. */
const isEncoded = (text: string): boolean => {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

export const namesUser = (url: URL): boolean => url.username !== "" || url.searchParams.has("user")

const isSeconds = (text: string): boolean => Number.isInteger(Number(text)) && Number(text) >= 0

/** Why the driver cannot parse a URL; null if it can. */
const parseFault = (url: URL): string | null => {
  if (![url.username, url.password, url.hostname, url.pathname].every(isEncoded)) {
    return "has a % that does not begin a percent-encoded character; write %25 for a literal %."
  }
  const hosts = hostsOf(url)
  if (Result.isFailure(hosts)) return hosts.failure
  return url.searchParams.getAll("connect_timeout").every(isSeconds)
    ? null
    : "has a connect_timeout that is not a whole number of seconds."
}

/**
 * Why a URL is rejected, as the end of a sentence that begins with the setting's name; null if the URL is valid. The text never
 * repeats a value, nor a name that may be part of a password that was not percent-encoded.
 */
export const fault = (url: URL): string | null => {
  for (const [name, value] of url.searchParams) {
    if ((parameters as ReadonlyArray<string>).includes(name)) continue
    const mention =
      /^[a-z_]{1,40}$/i.test(name) && !url.search.includes("@") ? `the parameter "${name}"` : "a parameter"
    return `has ${mention}, which the driver does not support; ${alternative(name, value)}.`
  }
  const isKnownMode = url.searchParams.getAll("sslmode").every((mode) => (transports as Map<string, string>).has(mode))
  if (attributeOf(url) === undefined) {
    return `has a ${attributeParameter} that the service does not support; it supports ${attributes.join(", ")}.`
  }
  if (isKnownMode && isRouted(url) && modeOf(url) === "preferred") {
    return `needs sslmode=require or sslmode=disable, since it names several hosts or a ${attributeParameter}.`
  }
  return isKnownMode
    ? parseFault(url)
    : `has an sslmode that the driver does not support; it supports ${[...transports.keys()].join(", ")}.`
}

/** `local`: on this machine. `preferred`: TLS if the server supports it, which is unknown before the connection. */
export type Transport = "local" | "plain" | "tls" | "preferred"

/** Whether a host is this machine. An empty host is the driver's default, and a path is the folder of a Unix socket. */
const isLocal = (host: string): boolean => host === "" || /^(\/|%2f)/i.test(host) || isLoopback(host)

/** The transport that a URL without `fault` has if its hosts are on the network. The default is `plain`. */
const modeOf = (url: URL): Transport =>
  (transports as Map<string, Transport>).get(url.searchParams.getAll("sslmode").at(-1) ?? "disable") ?? "plain"

/** The transport that the driver uses for a URL without `fault`. */
export const transportOf = (url: URL): Transport =>
  Result.match(hostsOf(url), { onFailure: () => [], onSuccess: (hosts) => hosts }).every(({ host }) => isLocal(host))
    ? "local"
    : modeOf(url)

/** Whether each connection of a URL without `fault` uses TLS. */
export const usesTls = (url: URL): boolean => modeOf(url) === "tls"

/** The password of a URL without `fault`; empty if it has none. */
export const passwordOf = (url: URL): string =>
  url.searchParams.getAll("password").at(-1) ?? decodeURIComponent(url.password)
