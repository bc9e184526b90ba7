/**
 * Sends mails over SMTP, with one connection per mail, so that a hanging server delays no other mail, and an abandoned attempt
 * leaves no connection.
 *
 * `nodemailer` is loaded when the layer is built.
 *
 * @module
 */
import { Duration, Effect, Exit, Layer, Predicate } from "effect"
import type SMTPConnection from "nodemailer/lib/smtp-connection"
import type { SMTPConnectionOptions } from "nodemailer/lib/smtp-connection"
import { isLoopback } from "../../platform/http/Host.ts"
import * as SystemErrorCode from "../../platform/text/SystemErrorCode.ts"
import { Mailer, type MailFacts } from "./Mailer.ts"
import * as MailSchedule from "./MailSchedule.ts"
import type { Message } from "./Message.ts"
import type { SmtpServer } from "./SmtpUrl.ts"

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

type FailedOutcome = Exclude<MailSchedule.Outcome, { readonly _tag: "Accepted" }>

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
  return MailSchedule.outcomeOf({
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

/** Makes the mailer with the modules of `nodemailer`. */
const make = (
  { server, timeout: attemptTimeout = timeout, tls }: Options,
  { MailComposer, Connection }: Awaited<ReturnType<typeof load>>
): Mailer["Service"] => {
  /** The mail as an RFC 5322 message. */
  const sourceOf = (message: Message) =>
    Effect.tryPromise({
      try: () =>
        new MailComposer({
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
          .build(),
      catch: (cause): SmtpFailure => (Predicate.isError(cause) ? cause : new Error(String(cause)))
    })

  const open = Effect.acquireRelease(
    Effect.sync(
      () =>
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
        Effect.as<MailSchedule.Outcome>({ _tag: "Accepted" }),
        Effect.catch((outcome) => Effect.succeed<MailSchedule.Outcome>(outcome))
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

const load = async () => {
  const [composer, connection] = await Promise.all([
    import("nodemailer/lib/mail-composer"),
    import("nodemailer/lib/smtp-connection")
  ])
  return { MailComposer: composer.default, Connection: connection.default }
}

export const layer = (options: Options): Layer.Layer<Mailer> =>
  Layer.effect(
    Mailer,
    Effect.map(Effect.promise(load), (modules) => make(options, modules))
  )
