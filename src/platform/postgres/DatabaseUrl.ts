/**
 * Validates the URL of the database and determines which transport it requires. Pure.
 *
 * The driver ignores parameters that it does not support. A URL that requires TLS by another program's parameter would
 * silently be used in plaintext, so URLs with unknown parameters are rejected. So are URLs that the driver cannot parse: the
 * driver would fail only on connecting, as if the database were unreachable.
 *
 * @module
 */
import { Result } from "effect"
import { isLoopback } from "../text/Loopback.ts"
import * as DatabaseHosts from "./DatabaseHosts.ts"

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
  DatabaseHosts.parameter,
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
  const single = DatabaseHosts.normalized(text) ?? ""
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
  const hosts = DatabaseHosts.hostsOf(url)
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
  if (DatabaseHosts.attributeOf(url) === undefined) {
    return `has a ${DatabaseHosts.parameter} that the service does not support; it supports ${DatabaseHosts.attributes.join(", ")}.`
  }
  if (isKnownMode && DatabaseHosts.isRouted(url) && modeOf(url) === "preferred") {
    return `needs sslmode=require or sslmode=disable, since it names several hosts or a ${DatabaseHosts.parameter}.`
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
  Result.match(DatabaseHosts.hostsOf(url), { onFailure: () => [], onSuccess: (hosts) => hosts }).every(({ host }) =>
    isLocal(host)
  )
    ? "local"
    : modeOf(url)

/** Whether each connection of a URL without `fault` uses TLS. */
export const usesTls = (url: URL): boolean => modeOf(url) === "tls"

/** The password of a URL without `fault`; empty if it has none. */
export const passwordOf = (url: URL): string =>
  url.searchParams.getAll("password").at(-1) ?? decodeURIComponent(url.password)
