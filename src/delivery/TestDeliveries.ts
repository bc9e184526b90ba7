/**
 * Sends tests to webhooks and to recipients of mails, as the dispatchers send real events and mails.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { Clock, Context, Effect, Layer, Option, Schema } from "effect"
import { Reports } from "../analytics/reports/Reports.ts"
import { EventId, type NotificationId, type WebhookId, type WebsiteConfigId } from "../platform/Id.ts"
import { OutwardClient } from "../platform/outward/OutwardClient.ts"
import * as Schedule from "../platform/outward/Schedule.ts"
import type { ReportTimeout, StorageUnavailable } from "../platform/Storage.ts"
import { SiteDirectory } from "../sites/SiteDirectory.ts"
import * as Event from "./Event.ts"
import type * as Mail from "./mail/Mail.ts"
import * as MailContent from "./mail/MailContent.ts"
import * as MailDispatcher from "./mail/MailDispatcher.ts"
import { Mailer } from "./mail/Mailer.ts"
import * as MailTimes from "./mail/MailTimes.ts"
import { type Notification, Notifications } from "./mail/Notification.ts"
import * as SubmissionMail from "./mail/SubmissionMail.ts"
import { type SecretsKeyUnusable, Webhooks, type WebhookTest } from "./Webhook.ts"
import * as WebhookSender from "./WebhookSender.ts"

/** This process sends no mail: `SMTP_URL`, `MAIL_FROM`, `PUBLIC_URL` or `SECRETS_KEY` is not set. */
export class MailNotSetUp extends Schema.TaggedError<MailNotSetUp>()("MailNotSetUp", {}) {}

export class TestDeliveries extends Context.Service<
  TestDeliveries,
  {
    /** Whether mails can be sent. */
    readonly canSendMail: boolean
    /** Sends one event to a webhook; none if the website has no such webhook. */
    readonly webhook: (
      websiteConfigId: WebsiteConfigId,
      webhookId: WebhookId
    ) => Effect.Effect<Option.Option<WebhookTest>, StorageUnavailable | SecretsKeyUnusable>
    /** Mails a test, or the report of the latest period, to a recipient; none if the website has no such notification. */
    readonly notification: (
      websiteConfigId: WebsiteConfigId,
      notificationId: NotificationId
    ) => Effect.Effect<
      Option.Option<{ readonly recipient: string; readonly outcome: Mail.Outcome }>,
      StorageUnavailable | ReportTimeout | MailNotSetUp
    >
  }
>()("hydracore/delivery/TestDeliveries") {}

export interface Options {
  /** The sender and the mail server; none if this process sends no mails. */
  readonly mail: Option.Option<{
    readonly sender: MailDispatcher.Options
    readonly mailer: Layer.Layer<Mailer>
  }>
}

/** The content of a test mail; for a notification about reports, the report of the latest period. */
const contentOf = Effect.fnUntraced(function* ({ report }: Notification, site: Mail.MailSite, now: number) {
  if (report === null) return SubmissionMail.testContent(site)
  const range = MailTimes.latest(report, { now, timeZone: site.timeZone })
  return yield* MailContent.report(site, report, range)
})

const make = Effect.fnUntraced(function* (
  mail: Option.Option<{ readonly sender: MailDispatcher.Options; readonly mailer: Mailer["Service"] }>
) {
  const webhooks = yield* Webhooks
  const outward = yield* OutwardClient
  const notifications = yield* Notifications
  const sites = yield* SiteDirectory
  const reports = yield* Reports

  return TestDeliveries.of({
    canSendMail: Option.isSome(mail),
    webhook: Effect.fnUntraced(function* (websiteConfigId, webhookId) {
      const found = yield* webhooks.withSecrets(websiteConfigId, webhookId)
      if (Option.isNone(found)) return Option.none()
      const { receiver, secrets } = found.value
      const website = yield* sites.byWebsiteConfigId(websiteConfigId)
      if (Option.isNone(website)) return Option.none()
      const eventId = EventId.make(randomUUID())
      const data = JSON.stringify({ webhook_id: webhookId })
      const time = yield* Clock.currentTimeMillis
      const payload = Event.payload({ type: Event.testType, time, website: website.value }, data)
      const response = yield* WebhookSender.send(receiver, secrets, eventId, payload).pipe(
        Effect.provideService(OutwardClient, outward)
      )
      const { answer, error, millis, status } = response
      return Option.some({
        event_id: eventId,
        delivered: Schedule.isDelivered(response),
        status,
        millis,
        answer,
        error
      })
    }),
    notification: Effect.fnUntraced(function* (websiteConfigId, notificationId) {
      if (Option.isNone(mail)) return yield* new MailNotSetUp()
      const { mailer, sender } = mail.value
      const notification = yield* notifications.find(websiteConfigId, notificationId)
      if (Option.isNone(notification)) return Option.none()
      const site = yield* sites.byWebsiteConfigId(websiteConfigId)
      if (Option.isNone(site)) return Option.none()
      const createdAt = yield* Clock.currentTimeMillis
      const outcome = yield* contentOf(notification.value, site.value, createdAt).pipe(
        Effect.flatMap((content) =>
          mailer.send(
            MailDispatcher.messageOf(sender, content, {
              mailId: randomUUID(),
              createdAt,
              notification: notification.value
            })
          )
        ),
        Effect.catchTag("ReportTooLarge", ({ limit }) =>
          Effect.succeed<Mail.Outcome>({ _tag: "Failed", error: `the report needs more than ${limit}` })
        ),
        Effect.provideService(Reports, reports)
      )
      return Option.some({ recipient: notification.value.to, outcome })
    })
  })
})

/** Requires `OutwardClient`, because one client for the whole process limits the connections that are kept open. */
export const layer = ({ mail }: Options) =>
  Option.match(mail, {
    onNone: () => Layer.effect(TestDeliveries, make(Option.none())),
    onSome: ({ mailer, sender }) =>
      Layer.effect(
        TestDeliveries,
        Mailer.use((mailer) => make(Option.some({ mailer, sender })))
      ).pipe(Layer.provide(mailer))
  })
