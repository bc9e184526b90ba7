/**
 * The settings of webhooks and mail.
 *
 * @module
 */
import { Config, Effect, Option, Redacted } from "effect"
import * as AddressGuard from "./core/delivery/AddressGuard.ts"
import * as Sealing from "./core/delivery/Sealing.ts"
import * as Address from "./core/mail/Address.ts"
import * as SmtpUrl from "./core/mail/SmtpUrl.ts"
import { invalid, onOrOff, parseBaseUrl, parsed, setting, withDefault } from "./runtime/Setting.ts"

/** A setting that is required if `SMTP_URL` is set. */
const neededForMail = <A>(name: string, config: Config.Config<Option.Option<A>>) =>
  Config.mapEffect(
    config,
    Option.match({
      onNone: () => invalid(name, "is not set; mail needs it, since SMTP_URL is set."),
      onSome: Effect.succeed
    })
  )

/** The URL of the service without a trailing slash. */
const parsePublicUrl = (text: string): Option.Option<string> =>
  Option.map(parseBaseUrl(text), (url) => url.replace(/\/+$/, ""))

const publicUrl = setting(
  "PUBLIC_URL",
  "the service's address for browsers, such as https://edge.example.com",
  parsePublicUrl
)

/** The server, the sender and the links of mails. The other variables are read only if there is a server. */
const mail = parsed("SMTP_URL", SmtpUrl.parse).pipe(
  Config.flatMap(
    Option.match({
      onNone: () => Config.succeed(Option.none()),
      onSome: (server) =>
        Config.all({
          server: Config.succeed(Redacted.make(server)),
          from: neededForMail(
            "MAIL_FROM",
            setting(
              "MAIL_FROM",
              'an address such as mail@example.com or "Example <mail@example.com>"',
              Address.parseMailbox
            )
          ),
          publicUrl: neededForMail("PUBLIC_URL", publicUrl)
        }).pipe(Config.map(Option.some))
    })
  )
)

export const fields = {
  /** Whether this process delivers events to webhooks and sends mails. */
  delivery: onOrOff("DELIVERY").pipe(withDefault(true)),
  /**
   * The key that encrypts the secrets of webhooks and the keys of agents, and signs unsubscribe links. Without it there are
   * neither webhooks nor mails.
   */
  secretsKey: Config.map(
    setting("SECRETS_KEY", "32 bytes in hexadecimal or base64", Sealing.parseKey, true),
    Option.map((key) => Redacted.make(key))
  ),
  /** Hosts and ports that webhooks may name although they are not on the public internet. */
  webhookAllow: parsed("WEBHOOK_ALLOW", AddressGuard.parseAllowed).pipe(
    withDefault<ReadonlyArray<AddressGuard.AllowedHost>>([])
  ),
  /** The service's address for browsers, without a trailing slash: in mails, and in what commands print. */
  publicUrl,
  mail
}

/** Fails if mails could not be sent because `SECRETS_KEY` is missing. The embedded database has a key of its own. */
export const requireKey = <
  A extends {
    readonly mail: Option.Option<unknown>
    readonly secretsKey: Option.Option<unknown>
    readonly databaseUrl: Option.Option<unknown>
  }
>(
  settings: A
) =>
  Option.isSome(settings.mail) && Option.isSome(settings.databaseUrl) && Option.isNone(settings.secretsKey)
    ? invalid(
        "SECRETS_KEY",
        "is not set; mail needs it, since SMTP_URL is set. Set it to 32 random bytes in hexadecimal."
      )
    : Effect.succeed(settings)
