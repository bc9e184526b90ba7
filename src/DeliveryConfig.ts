/**
 * The settings of webhooks and mail.
 *
 * @module
 */
import { Config, Effect, Option, Redacted } from "effect"
import * as SmtpUrl from "./delivery/mail/SmtpUrl.ts"
import * as AddressGuard from "./platform/outward/AddressGuard.ts"
import * as Sealing from "./platform/secrets/Sealing.ts"
import {
  all,
  ifSet,
  invalid,
  onOrOff,
  parseBaseUrl,
  parsed,
  required,
  setting,
  text,
  withDefault
} from "./platform/settings/Setting.ts"
import * as MailAddress from "./platform/text/MailAddress.ts"

/** The fault of an unset variable that is required if `SMTP_URL` is set. */
const missing = "is not set; mail needs it, since SMTP_URL is set."

/** The URL of the service without a trailing slash. */
const parsePublicUrl = (text: string): Option.Option<string> =>
  Option.map(parseBaseUrl(text), (url) => url.replace(/\/+$/, ""))

const publicUrl = setting(
  "PUBLIC_URL",
  "the service's address for browsers, such as https://edge.example.com",
  parsePublicUrl
)

/** The server, the sender and the links of mails. The other variables are read only if there is a server. */
const mail = ifSet(
  "SMTP_URL",
  (name) => parsed(name, SmtpUrl.parse),
  (server) =>
    all({
      server: Config.map(server, (parsed) => Redacted.make(parsed)),
      from: setting(
        "MAIL_FROM",
        'an address such as mail@example.com or "Example <mail@example.com>"',
        MailAddress.parseMailbox
      ).pipe(required("MAIL_FROM", missing)),
      publicUrl: publicUrl.pipe(required("PUBLIC_URL", missing))
    })
)

const secretsKey = Config.map(
  setting("SECRETS_KEY", "32 bytes in hexadecimal or base64", Sealing.parseKey, true),
  Option.map((key) => Redacted.make(key))
)

export const fields = {
  /** Whether this process delivers events to webhooks and sends mails. */
  delivery: onOrOff("DELIVERY").pipe(withDefault(true)),
  /**
   * The key that encrypts the secrets of webhooks and the keys of agents, and signs unsubscribe links. Without it there are
   * neither webhooks nor mails.
   */
  secretsKey,
  /** Hosts and ports that webhooks may name although they are not on the public internet. */
  webhookAllow: parsed("WEBHOOK_ALLOW", AddressGuard.parseAllowed).pipe(
    withDefault<ReadonlyArray<AddressGuard.AllowedHost>>([])
  ),
  /** The service's address for browsers, without a trailing slash: in mails, and in what commands print. */
  publicUrl,
  mail
}

/** Fails if mails could not be sent because `SECRETS_KEY` is missing. The embedded database has a key of its own. */
export const keyForMail = all([text("SMTP_URL"), text("DATABASE_URL"), secretsKey]).pipe(
  Config.mapEffect(([server, database, key]) =>
    Option.isSome(server) && Option.isSome(database) && Option.isNone(key)
      ? invalid("SECRETS_KEY", `${missing} Set it to 32 random bytes in hexadecimal.`)
      : Effect.void
  )
)
