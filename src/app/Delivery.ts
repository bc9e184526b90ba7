/**
 * Composes the delivery of events to webhooks and by mail, as part of `App`.
 *
 * @module
 */
import { Layer, Option, Redacted } from "effect"
import type { Settings } from "../Config.ts"
import * as Dispatcher from "../delivery/Dispatcher.ts"
import * as MailDispatcher from "../delivery/MailDispatcher.ts"
import * as OutwardClient from "../delivery/OutwardClient.ts"
import * as SmtpMailer from "../delivery/SmtpMailer.ts"
import * as Deliveries from "../postgres/delivery/Deliveries.ts"
import * as Webhooks from "../postgres/delivery/Webhooks.ts"
import * as Mails from "../postgres/mail/Mails.ts"

/** Webhooks and their deliveries, and the client that sends them. Requires `database`. */
export const delivery = ({ databaseTimeout: timeout, secretsKey, webhookAllow: allowed }: Settings) =>
  Layer.mergeAll(
    Webhooks.layer({ timeout, secretsKey }),
    Deliveries.layer({ timeout, secretsKey }),
    OutwardClient.layer({ allowed })
  )

/** What sends mails: none without `SMTP_URL`. */
export const mail = ({ mail, secretsKey }: Pick<Settings, "mail" | "secretsKey">) =>
  Option.map(Option.all({ mail, secretsKey }), ({ mail: { from, publicUrl, server }, secretsKey: key }) => ({
    sender: { from, publicUrl, secretsKey: key },
    mailer: SmtpMailer.layer({ server: Redacted.value(server) })
  }))

/** Delivers in the background, unless `DELIVERY` is off. Requires `storage` and `database`. */
export const live = (settings: Settings) => {
  if (!settings.delivery) return Layer.empty
  const mails = Option.match(mail(settings), {
    onNone: () => Layer.empty,
    onSome: ({ mailer, sender }) =>
      MailDispatcher.layer(sender).pipe(Layer.provide([mailer, Mails.layer({ timeout: settings.databaseTimeout })]))
  })
  return Layer.merge(Layer.provide(Dispatcher.layer, delivery(settings)), mails)
}
