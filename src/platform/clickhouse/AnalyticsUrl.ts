/**
 * Validates the URL of the ClickHouse server that stores page views and events. Pure.
 *
 * @module
 */
import { Result } from "effect"
import * as Text from "../text/Text.ts"

export interface Address {
  /** `http:` or `https:`, host and port, without user and password. */
  readonly url: string
  readonly user: string
  /** Empty for a user without a password. */
  readonly password: string
  readonly database: string
}

const protocol = /^clickhouses?:\/\//i

/** A name that ClickHouse needs no quotes for, so that it can be part of a statement. */
const isName = (text: string): boolean => /^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(text)

/**
 * Parses `clickhouse://user:password@host:8123/database`, or `clickhouses://` for TLS. The default port is that of ClickHouse's
 * HTTP interface: 8123, or 8443 for TLS. The error continues a sentence that begins with the setting's name,
 * and repeats no part of the URL.
 */
export const parse = (text: string): Result.Result<Address, string> => {
  const form = "write clickhouse://user:password@host:8123/database, or clickhouses:// for TLS"
  if (!protocol.test(text)) return Result.fail(`is not usable; ${form}.`)
  const isSecure = /^clickhouses:/i.test(text)
  // The parser validates host and port only if the scheme is one that it knows.
  const url = URL.parse(text.replace(protocol, isSecure ? "https://" : "http://"))
  if (url === null || url.hostname === "") {
    return Result.fail(
      "cannot be read; write characters such as @ : / ? # % in its password as %40 %3A %2F %3F %23 %25."
    )
  }
  if (url.search !== "" || url.hash !== "") return Result.fail(`has parameters, which it must not have; ${form}.`)
  const user = Text.decodePercent(url.username)
  const password = Text.decodePercent(url.password)
  const database = Text.decodePercent(url.pathname.slice(1))
  if (user === undefined || password === undefined || database === undefined) {
    return Result.fail("has a % that does not begin a percent-encoded character; write %25 for a literal %.")
  }
  if (!isName(database)) {
    return Result.fail(
      "names no database, or one whose name is not made of letters, digits and _, or begins with a digit."
    )
  }
  // The parser leaves out the default port of a scheme that it knows, so the port is read from the original URL.
  const port = URL.parse(text)?.port || (isSecure ? "8443" : "8123")
  return Result.succeed({
    url: `${url.protocol}//${url.hostname}:${port}`,
    user: user === "" ? "default" : user,
    password,
    database
  })
}
