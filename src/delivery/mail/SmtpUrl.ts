/**
 * Parses the URL of an SMTP server, `smtp://user:password@host:587` or `smtps://user:password@host`. Pure.
 *
 * Without encryption, a password may be sent to this machine and to the IP addresses of private networks only, unless the URL
 * has `?tls=optional`.
 *
 * @module
 */
import { Result } from "effect"
import { NetAddress } from "effect/net"
import { isLoopback } from "../../platform/http/Host.ts"
import * as AddressGuard from "../../platform/outward/AddressGuard.ts"
import * as Text from "../../platform/text/Text.ts"

export interface SmtpServer {
  readonly host: string
  readonly port: number
  /** Whether the connection begins with TLS. If not, STARTTLS is used if the server offers it. */
  readonly isTls: boolean
  /** Whether mail must not be sent without TLS: a password would cross a network unencrypted. */
  readonly needsTls: boolean
  readonly login: { readonly user: string; readonly password: string } | null
}

const ports = { "smtp:": 587, "smtps:": 465 } as const

const isProtocol = (text: string): text is keyof typeof ports => text in ports

/** Whether a host is an IP address that the public internet does not reach. False for a name, which may have any address. */
const isPrivate = (host: string): boolean =>
  Result.match(NetAddress.ipFromString(host), {
    onFailure: () => false,
    onSuccess: (address) => !AddressGuard.isPublic(address)
  })

/** Allows mail without TLS although there is a password. */
const optionalTls = "?tls=optional"

const expected = "it must be an address such as smtps://user:password@mail.example.com or smtp://mail.example.com:587"

/**
 * The error continues a sentence that begins with the setting's name. It does not repeat the value, which may have a password.
 */
export const parse = (text: string): Result.Result<SmtpServer, string> => {
  const url = URL.parse(text)
  if (url === null || !isProtocol(url.protocol) || url.hostname === "" || url.hash !== "") {
    return Result.fail(`is not usable; ${expected}.`)
  }
  if (url.search !== "" && (url.search !== optionalTls || url.protocol === "smtps:")) {
    return Result.fail(`has an unknown parameter; only ${optionalTls} is allowed, and only with smtp://.`)
  }
  if (url.pathname !== "" && url.pathname !== "/") return Result.fail(`has a path; ${expected}.`)
  const [user, password] = [Text.decodePercent(url.username), Text.decodePercent(url.password)]
  if (user === undefined || password === undefined || /[\0\r\n]/.test(user + password)) {
    return Result.fail("has a user or password that is not percent-encoded; write %25 for a percent sign.")
  }
  if ((user === "") !== (password === "")) return Result.fail("has a user or a password without the other.")
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1")
  return Result.succeed({
    host,
    port: url.port === "" ? ports[url.protocol] : Number(url.port),
    isTls: url.protocol === "smtps:",
    needsTls: user !== "" && url.search === "" && !isLoopback(host) && !isPrivate(host),
    login: user === "" ? null : { user, password }
  })
}
