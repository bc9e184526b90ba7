/**
 * Parses `REDIS_URL`: one Redis server, nodes of a Redis Cluster, or Sentinels and the name of the master that they watch.
 * Pure.
 *
 *     redis://[user:password@]host[:6379][,host[:port]...][/database]
 *     redis+sentinel://[user:password@]host[:26379][,host[:port]...]/master[/database][?sentinel_user=...&sentinel_password=...]
 *
 * `rediss` in place of `redis` uses TLS for all of these connections.
 *
 * @module
 */
import { Result } from "effect"
import * as Text from "../text/Text.ts"

export const protocols = ["redis:", "rediss:", "redis+sentinel:", "rediss+sentinel:"] as const

export interface Host {
  readonly host: string
  readonly port: number
}

export interface Login {
  readonly username: string | undefined
  readonly password: string | undefined
}

/** The master that the Sentinels look up, and their own login. */
export interface SentinelMaster {
  readonly name: string
  readonly login: Login
}

export interface RedisAddress {
  /** Redis servers, or Sentinels if there is a `master`. At least one. */
  readonly hosts: ReadonlyArray<Host>
  readonly tls: boolean
  /** The login of the Redis servers. */
  readonly login: Login
  readonly database: number | undefined
  readonly master: SentinelMaster | undefined
}

const shape = /^(rediss?)(\+sentinel)?:\/\/(?:([^/?#]*)@)?([^/?#@]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/i

const defaultPort = 6379
const defaultSentinelPort = 26_379

/** The maximum number of hosts that a URL may name. */
const maxHosts = 32

const badEncoding =
  "has a % that does not begin a percent-encoded character; write %25 for a literal % in a user or password."

const loginOf = (user: string, password: string | undefined): Result.Result<Login, string> => {
  const username = Text.decodePercent(user)
  const secret = password === undefined ? undefined : Text.decodePercent(password)
  if (username === undefined || (password !== undefined && secret === undefined)) return Result.fail(badEncoding)
  return Result.succeed({ username: username || undefined, password: secret || undefined })
}

/** The login before the `@`. */
const loginOfUserInfo = (text: string): Result.Result<Login, string> => {
  const colon = text.indexOf(":")
  return colon < 0 ? loginOf(text, undefined) : loginOf(text.slice(0, colon), text.slice(colon + 1))
}

const hostOf = (text: string, standardPort: number): Host | undefined => {
  // The `http` parser validates names, IPv4 and IPv6 addresses and ports.
  const url = /^[^\s:]+(:[0-9]+)?$|^\[[0-9a-f:.]+\](:[0-9]+)?$/i.test(text) ? URL.parse(`http://${text}`) : null
  if (url === null || url.hostname === "") return undefined
  const port = /:([0-9]+)$/.exec(text.replace(/^\[.*\]/, ""))?.[1]
  if (port === "0" || Number(port) > 65_535) return undefined
  return { host: url.hostname.replace(/^\[|\]$/g, ""), port: port === undefined ? standardPort : Number(port) }
}

const hostsOf = (text: string, standardPort: number): Result.Result<ReadonlyArray<Host>, string> => {
  const names = text.split(",")
  const hosts = names.map((name) => hostOf(name, standardPort)).filter((host) => host !== undefined)
  if (names.length > maxHosts) return Result.fail(`names more than ${maxHosts} hosts.`)
  return hosts.length === names.length
    ? Result.succeed(hosts)
    : Result.fail("has a host that cannot be read; write host or host:port, and separate several hosts by commas.")
}

const isDatabase = (text: string): boolean => /^[0-9]{1,6}$/.test(text)

interface Path {
  readonly name: string
  readonly database: number | undefined
}

/** `[database]`, or with Sentinel `master[/database]`. */
const pathOf = (path: string, hasMaster: boolean): Result.Result<Path, string> => {
  const parts = path.replace(/\/$/, "").split("/")
  const name = hasMaster ? Text.decodePercent(parts.shift() ?? "") : ""
  const [database = "", ...more] = parts
  if (name === undefined) return Result.fail(badEncoding)
  if (hasMaster && name === "") {
    return Result.fail(
      "names no master; write redis+sentinel://host:26379/name, with the master's name from sentinel.conf."
    )
  }
  if (more.length > 0 || !(database === "" || isDatabase(database))) {
    return Result.fail(
      hasMaster
        ? "must end with /master or /master/number, where the number is that of the database."
        : "must end with its hosts, or with a slash and the number of the database."
    )
  }
  return Result.succeed({ name, database: database === "" ? undefined : Number(database) })
}

/** The login of the Sentinels. A URL may have no other parameters. */
const sentinelLogin = (query: string, hasMaster: boolean): Result.Result<Login, string> => {
  // A `+` is itself, as in the login before the `@`: `URLSearchParams` would take it for a space.
  const parameters = new URLSearchParams(query.replaceAll("+", "%2B"))
  const known = hasMaster ? ["sentinel_user", "sentinel_password"] : []
  for (const name of parameters.keys()) {
    if (known.includes(name)) continue
    return Result.fail(
      hasMaster
        ? `has a parameter that the service does not support; it supports ${known.join(" and ")}.`
        : "has a parameter; a Redis server has none."
    )
  }
  return Result.succeed({
    username: parameters.get("sentinel_user") || undefined,
    password: parameters.get("sentinel_password") || undefined
  })
}

/** The error continues a sentence that begins with the setting's name, and repeats no part of the URL. */
export const parse = (text: string): Result.Result<RedisAddress, string> => {
  const match = shape.exec(text)
  if (match === null) {
    return Result.fail(
      `is not usable; it must be an address that begins with ${protocols.map((one) => `${one}//`).join(" or ")}, with characters such as @ / ? # in its password as %40 %2F %3F %23.`
    )
  }
  const [, scheme = "", sentinel, userInfo = "", authority = "", path = "", query = ""] = match
  const hasMaster = sentinel !== undefined
  return Result.gen(function* () {
    const login = yield* loginOfUserInfo(userInfo)
    const hosts = yield* hostsOf(authority, hasMaster ? defaultSentinelPort : defaultPort)
    const { database, name } = yield* pathOf(path, hasMaster)
    const loginAtSentinels = yield* sentinelLogin(query, hasMaster)
    return {
      hosts,
      tls: scheme.toLowerCase() === "rediss",
      login,
      database,
      master: hasMaster ? { name, login: loginAtSentinels } : undefined
    }
  })
}
