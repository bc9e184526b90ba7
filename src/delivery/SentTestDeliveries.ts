/**
 * Sends test events and test mails, as the dispatchers send real ones.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { Clock, Effect, Layer, Option } from "effect"
import { Reports } from "../analytics/reports/Reports.ts"
import { EventId } from "../platform/Id.ts"
import { OutwardClient } from "../platform/outward/OutwardClient.ts"
import * as Schedule from "../platform/outward/Schedule.ts"
import { SiteDirectory } from "../sites/SiteDirectory.ts"
import * as Event from "./Event.ts"
import type { MailSite } from "./mail/Mail.ts"
import * as MailContent from "./mail/MailContent.ts"
import * as MailDispatcher from "./mail/MailDispatcher.ts"
import { Mailer } from "./mail/Mailer.ts"
import type * as MailSchedule from "./mail/MailSchedule.ts"
import type { Notification } from "./mail/Notification.ts"
import { Notifications } from "./mail/Notifications.ts"
import * as ReportPeriod from "./mail/ReportPeriod.ts"
import * as SubmissionMail from "./mail/SubmissionMail.ts"
import { MailNotSetUp, TestDeliveries } from "./TestDeliveries.ts"
import { Webhooks } from "./Webhook.ts"
import * as WebhookSender from "./WebhookSender.ts"

export interface Options {
  /** The sender and the mail server; none if this process sends no mails. */
  readonly mail: Option.Option<{
    readonly sender: MailDispatcher.Options
    readonly mailer: Layer.Layer<Mailer>
  }>
}

/** The content of a test mail; for a notification about reports, the report of the latest period. */
const contentOf = Effect.fnUntraced(function* ({ report }: Notification, site: MailSite, now: number) {
  if (report === null) return SubmissionMail.testContent(site)
  const range = ReportPeriod.latest(report, { now, timeZone: site.timeZone })
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
          Effect.succeed<MailSchedule.Outcome>({ _tag: "Failed", error: `the report needs more than ${limit}` })
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
