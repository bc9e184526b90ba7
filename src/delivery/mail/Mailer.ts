/**
 * How a process sends mails: over SMTP, with one connection per mail, so that a hanging server delays no other mail, and an abandoned
 * attempt leaves no connection; and a mailer for tests that collects them.
 *
 * `nodemailer` is loaded by `loadSmtp`, or by the first attempt.
 *
 * @module
 */
import { Context, Duration, Effect, Exit, type Option, Predicate, type Redacted, Result } from "effect"
import { NetAddress } from "effect/net"
import type SMTPConnection from "nodemailer/lib/smtp-connection"
import type { SMTPConnectionOptions } from "nodemailer/lib/smtp-connection"
import { isLoopback } from "../../platform/http/Host.ts"
import * as AddressGuard from "../../platform/outward/AddressGuard.ts"
import type { Mailbox } from "../../platform/text/MailAddress.ts"
import * as SystemErrorCode from "../../platform/text/SystemErrorCode.ts"
import * as Text from "../../platform/text/Text.ts"
import * as Mail from "./Mail.ts"
import type { Message } from "./Message.ts"

/** The outcome of a connection that logs in and sends no mail. */
export type MailFacts =
  | { readonly _tag: "Ready"; readonly isEncrypted: boolean; readonly isLocal: boolean }
  /** `error` is the server's answer, or what went wrong before an answer. It holds no password. */
  | { readonly _tag: "Failed"; readonly error: string }
  /** The server offers no TLS, and there is a password that must not be sent without it. */
  | { readonly _tag: "WithoutTls" }

/** Sends to one mail server. */
export interface Mailer {
  /** Attempts to send a mail, within 15 seconds. Never fails: a failure is an outcome. */
  readonly send: (message: Message) => Effect.Effect<Mail.Outcome>
  /** Connects and logs in as `send` does, and sends nothing. Within 15 seconds. */
  readonly check: Effect.Effect<MailFacts>
}

/** The sender of a process that sends mails. */
export interface Sender {
  readonly from: Mailbox
  /** The service's URL for browsers, without a trailing slash. */
  readonly publicUrl: string
  /** The console's URL without a trailing slash; null if `publicUrl` does not lead to the console. */
  readonly consoleUrl: string | null
  /** Signs the links to unsubscribe and to confirm. */
  readonly secretsKey: Redacted.Redacted<Uint8Array>
}

/** How a process sends mails. */
export interface Sending {
  readonly sender: Sender
  readonly mailer: Mailer
}

/** None if this process sends no mails, because `SMTP_URL` or `SECRETS_KEY` is not set. */
export class MailServer extends Context.Service<MailServer, Option.Option<Sending>>()(
  "hydracore/delivery/mail/MailServer"
) {}

/**
 * Collects the mails in `sent`.
 *
 * @param respond the outcome of a mail; by default each is accepted
 */
export const makeMemory = (
  sent: Array<Message>,
  respond: (message: Message) => Mail.Outcome = () => ({ _tag: "Accepted" })
): Mailer => ({
  check: Effect.succeed({ _tag: "Ready", isEncrypted: true, isLocal: true } as const),
  send: (message) =>
    Effect.sync(() => {
      sent.push(message)
      return respond(message)
    })
})

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
 * Parses the URL of an SMTP server, `smtp://user:password@host:587` or `smtps://user:password@host`. Without encryption, a password
 * may be sent to this machine and to the IP addresses of private networks only, unless the URL has `?tls=optional`.
 *
 * The error continues a sentence that begins with the setting's name. It does not repeat the value, which may have a password.
 */
export const parseUrl = (text: string): Result.Result<SmtpServer, string> => {
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

/** The time limit of an attempt, which is shorter than the lease of a mail. */
export const timeout = Duration.seconds(15)

export interface Options {
  readonly server: SmtpServer
  /** The time limit of an attempt, by default `timeout`. */
  readonly timeout?: Duration.Input
  /** For tests: the certificates that are trusted. */
  readonly tls?: SMTPConnectionOptions["tls"]
}

/** An error of `nodemailer`. */
interface SmtpFailure extends Error {
  readonly code?: string
  readonly command?: string
  readonly responseCode?: number
  readonly response?: string
}

type FailedOutcome = Exclude<Mail.Outcome, { readonly _tag: "Accepted" }>

/** Whether the server refused STARTTLS, without which the password is not sent. */
const isWithoutTls = ({ code, responseCode }: SmtpFailure): boolean => code === "ETLS" && responseCode !== undefined

const withoutTls: FailedOutcome = {
  _tag: "Failed",
  error: "the mail server offers no TLS, so the password is not sent; use smtps://, or add ?tls=optional to SMTP_URL"
}

/** The error as it is stored: with the server's answer, and without our commands, which may contain the login. */
const outcomeOf = (error: SmtpFailure): FailedOutcome => {
  if (isWithoutTls(error)) return withoutTls
  const detail = SystemErrorCode.of(error)
  const words = error.message
    .replace(/[\p{Cc}\p{Cf}]+/gu, " ")
    .slice(0, 500)
    .toWellFormed()
  return Mail.smtpOutcome({
    command: error.command,
    code: error.responseCode,
    answer: error.response,
    message: detail === undefined || words.includes(detail) ? words : `${words} (${detail})`
  })
}

const headersOf = ({ autoSubmitted, unsubscribeUrl }: Message) => ({
  ...(unsubscribeUrl === null
    ? {}
    : { "List-Unsubscribe": `<${unsubscribeUrl}>`, "List-Unsubscribe-Post": "List-Unsubscribe=One-Click" }),
  ...(autoSubmitted === null ? {} : { "Auto-Submitted": autoSubmitted })
})

const domainOf = (address: string): string => address.slice(address.lastIndexOf("@") + 1)

/** Loads the modules of `nodemailer`. */
export const loadSmtp = async () => {
  const [composer, connection] = await Promise.all([
    import("nodemailer/lib/mail-composer"),
    import("nodemailer/lib/smtp-connection")
  ])
  return { MailComposer: composer.default, Connection: connection.default }
}

/** Makes the mailer of a server. */
export const makeSmtp = ({ server, timeout: attemptTimeout = timeout, tls }: Options): Mailer => {
  /** The mail as an RFC 5322 message. */
  const sourceOf = (message: Message) =>
    Effect.tryPromise({
      try: async () => {
        const { MailComposer } = await loadSmtp()
        return new MailComposer({
          from: message.from,
          to: { name: "", address: message.to },
          ...(message.replyTo === null ? {} : { replyTo: { name: "", address: message.replyTo } }),
          subject: message.subject,
          text: message.text,
          html: message.html,
          date: new Date(message.createdAt),
          messageId: `<${message.mailId}@${domainOf(message.from.address)}>`,
          headers: headersOf(message),
          disableFileAccess: true,
          disableUrlAccess: true,
          newline: "win"
        })
          .compile()
          .build()
      },
      catch: (cause): SmtpFailure => (Predicate.isError(cause) ? cause : new Error(String(cause)))
    })

  const open = Effect.acquireRelease(
    Effect.map(
      Effect.promise(loadSmtp),
      ({ Connection }) =>
        new Connection({
          host: server.host,
          port: server.port,
          secure: server.isTls,
          requireTLS: server.needsTls && !server.isTls,
          socketTimeout: Duration.toMillis(timeout),
          socketCloseTimeout: 0,
          ...(tls === undefined ? {} : { tls })
        })
    ),
    (connection, exit) => Effect.sync(() => (Exit.isSuccess(exit) ? connection.quit() : connection.close()))
  )

  /** Connects, logs in, and runs `use`. */
  const session = <A>(use: (connection: SMTPConnection, done: (error: Error | null, value: A) => void) => void) =>
    Effect.flatMap(open, (connection) =>
      Effect.callback<A, SmtpFailure>((resume) => {
        const fail = (error: Error) => resume(Effect.fail(error))
        const ready = () => use(connection, (error, value) => (error ? fail(error) : resume(Effect.succeed(value))))
        // Without a listener, an error would end the process.
        connection.on("error", fail)
        connection.connect((error) => {
          if (error) return fail(error)
          if (server.login === null) return ready()
          connection.login({ user: server.login.user, pass: server.login.password }, (refused) =>
            refused ? fail(refused) : ready()
          )
        })
      })
    ).pipe(
      Effect.scoped,
      Effect.mapError(outcomeOf),
      Effect.timeoutOrElse({ duration: attemptTimeout, orElse: () => Effect.fail(unanswered) })
    )

  const unanswered: FailedOutcome = {
    _tag: "Failed",
    error: `the mail server did not answer within ${Duration.format(Duration.fromInputUnsafe(attemptTimeout))}`
  }

  return {
    send: (message) =>
      sourceOf(message).pipe(
        Effect.mapError(outcomeOf),
        Effect.flatMap((source) =>
          session<void>((connection, done) =>
            connection.send({ from: message.from.address, to: [message.to] }, source, (error) => done(error, undefined))
          )
        ),
        Effect.as<Mail.Outcome>({ _tag: "Accepted" }),
        Effect.catch((outcome) => Effect.succeed<Mail.Outcome>(outcome))
      ),
    check: session<boolean>((connection, done) => done(null, connection.secure)).pipe(
      Effect.map((isEncrypted): MailFacts => ({ _tag: "Ready", isEncrypted, isLocal: isLoopback(server.host) })),
      Effect.catch((outcome) =>
        Effect.succeed<MailFacts>(
          outcome === withoutTls ? { _tag: "WithoutTls" } : { _tag: "Failed", error: outcome.error }
        )
      )
    )
  }
}
