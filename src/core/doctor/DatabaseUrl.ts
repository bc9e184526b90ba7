/**
 * What a database's address may say besides where it is, and how it has the database spoken to. Pure.
 *
 * The driver skips parameters that it does not know. One that asks for TLS in another program's words would so be
 * spoken to in plaintext without a word; an address with such a parameter is not used. Nor is one that the driver cannot
 * read: it would only say so when it is to connect, like of a database that is away.
 *
 * @module
 */
import { Result } from "effect"

/** The parameters that the driver knows. */
export const parameters = [
  "application_name",
  "connect_timeout",
  "dbname",
  "host",
  "options",
  "password",
  "port",
  "sslmode",
  "user"
] as const

/** The protocols that an address may begin with. */
const protocol = /^postgres(ql)?:\/\//i

/**
 * An address as a URL, or why it is none, in words that follow its name. `postgres://user@/database?host=/folder`, which psql
 * takes as well, gets a host that the one in the query takes the place of.
 */
export const parse = (text: string): Result.Result<URL, string> => {
  if (!protocol.test(text)) {
    return Result.fail("is not usable; it must be an address that begins with postgres:// or postgresql://.")
  }
  const url = URL.parse(text.replace(/^([a-z]+:\/\/[^/?#]*@)(?=(:[0-9]+)?\/[^?#]*\?(.*&)?host=)/i, "$1localhost"))
  return url === null
    ? Result.fail(
        "cannot be read; write signs such as @ : / ? # % in its password as %40 %3A %2F %3F %23 %25, and name one host."
      )
    : Result.succeed(url)
}

/** The modes of TLS that the driver knows, and what it makes of them: it checks certificates in all that use TLS. */
const transports = new Map([
  ["disable", "plain"],
  ["allow", "preferred"],
  ["prefer", "preferred"],
  ["require", "tls"],
  ["verify-ca", "tls"],
  ["verify-full", "tls"]
] as const)

const isTrue = (value: string): boolean => /^(|1|true|on|yes|require)$/i.test(value)

/** What to write in place of a parameter that other programs know. */
const instead = (name: string, value: string): string => {
  if (name === "ssl") return `write sslmode=${isTrue(value) ? "require" : "disable"} in its place`
  if (name === "sslrootcert") return "give the root certificate's file to Node instead, as NODE_EXTRA_CA_CERTS"
  return `it knows ${parameters.join(", ")}`
}

/** Whether each % begins two hexadecimal digits, and what they stand for is UTF-8. */
const isEncoded = (text: string): boolean => {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

/** Whether an address says who logs in. */
export const namesUser = (url: URL): boolean => url.username !== "" || url.searchParams.has("user")

const isPort = (text: string): boolean => {
  const port = Number(text)
  return Number.isInteger(port) && port >= 1 && port <= 65_535
}

const isSeconds = (text: string): boolean => Number.isInteger(Number(text)) && Number(text) >= 0

/** What the driver could not read of an address; null if it reads all of it. */
const unreadable = (url: URL): string | null => {
  if (![url.username, url.password, url.hostname, url.pathname].every(isEncoded)) {
    return "has a % that begins no percent-encoded character; write %25 for one that stands for itself."
  }
  const ports = url.searchParams.getAll("port")
  if (url.port !== "") ports.push(url.port)
  if (!ports.every(isPort)) return "has a port that is no number from 1 to 65535."
  return url.searchParams.getAll("connect_timeout").every(isSeconds)
    ? null
    : "has a connect_timeout that is no whole number of seconds."
}

/**
 * Why an address is not to be used, in words that follow its name; null if it may be. A value is never repeated, nor is a
 * name that may be a part of a password which was not percent-encoded.
 */
export const fault = (url: URL): string | null => {
  for (const [name, value] of url.searchParams) {
    if ((parameters as ReadonlyArray<string>).includes(name)) continue
    const known = /^[a-z_]{1,40}$/i.test(name) && !url.search.includes("@") ? `the parameter "${name}"` : "a parameter"
    return `has ${known}, which the driver does not know; ${instead(name, value)}.`
  }
  const isMode = url.searchParams.getAll("sslmode").every((mode) => (transports as Map<string, string>).has(mode))
  return isMode
    ? unreadable(url)
    : `has an sslmode that the driver does not know; it knows ${[...transports.keys()].join(", ")}.`
}

/**
 * How a database is spoken to: within this machine; without TLS; with it; or with it if the server has it, which only the
 * server can say.
 */
export type Transport = "local" | "plain" | "tls" | "preferred"

/** How the driver speaks to the database at an address without `fault`. Without a mode that is without TLS. */
export const transportOf = (url: URL): Transport => {
  const host = url.searchParams.getAll("host").at(-1) ?? url.hostname
  if (/^(|localhost|127(\.[0-9]{1,3}){3}|\[?::1\]?|(\/|%2f).*)$/i.test(host)) return "local"
  return (transports as Map<string, Transport>).get(url.searchParams.getAll("sslmode").at(-1) ?? "disable") ?? "plain"
}
