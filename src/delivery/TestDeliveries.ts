/**
 * Sends tests to webhooks and to recipients of mails, as the dispatchers send real events and mails.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { Clock, Effect, Option } from "effect"
import { EventId, type WebhookId, type WebsiteConfigId } from "../platform/Id.ts"
import * as Schedule from "../platform/outward/Schedule.ts"
import { SiteDirectory } from "../sites/SiteDirectory.ts"
import * as Event from "./Event.ts"
import type * as Mail from "./mail/Mail.ts"
import * as MailContent from "./mail/MailContent.ts"
import * as MailDispatcher from "./mail/MailDispatcher.ts"
import type { Sending } from "./mail/Mailer.ts"
import * as MailTimes from "./mail/MailTimes.ts"
import type { Notification, StoredNotification } from "./mail/Notification.ts"
import * as SubmissionMail from "./mail/SubmissionMail.ts"
import { Webhooks } from "./Webhook.ts"
import * as WebhookSender from "./WebhookSender.ts"

/** The content of a test mail; for a notification about reports, the report of the latest period. */
const contentOf = Effect.fnUntraced(function* ({ report }: Notification, site: Mail.MailSite, now: number) {
  if (report === null) return SubmissionMail.testContent(site)
  const range = MailTimes.latest(report, { now, timeZone: site.timeZone })
  return yield* MailContent.report(site, report, range)
})

/** Sends one event to a webhook; none if the website has no such webhook. */
export const webhook = Effect.fnUntraced(function* (websiteConfigId: WebsiteConfigId, webhookId: WebhookId) {
  const found = yield* Webhooks.use(({ withSecrets }) => withSecrets(websiteConfigId, webhookId))
  const website = yield* SiteDirectory.use(({ byWebsiteConfigId }) => byWebsiteConfigId(websiteConfigId))
  if (Option.isNone(found) || Option.isNone(website)) return Option.none()
  const { receiver, secrets } = found.value
  const event_id = EventId.make(randomUUID())
  const data = JSON.stringify({ webhook_id: webhookId })
  const time = yield* Clock.currentTimeMillis
  const payload = Event.payload({ type: Event.testType, time, website: website.value }, data)
  const response = yield* WebhookSender.send(receiver, secrets, event_id, payload)
  const { answer, error, millis, status } = response
  return Option.some({ event_id, delivered: Schedule.isDelivered(response), status, millis, answer, error })
})

/** Mails a test, or the report of the latest period, to a recipient; none if the website is deleted. */
export const notification = Effect.fnUntraced(function* (
  { mailer, sender }: Sending,
  notification: StoredNotification
) {
  const site = yield* SiteDirectory.use(({ byWebsiteConfigId }) => byWebsiteConfigId(notification.website_config_id))
  if (Option.isNone(site)) return Option.none()
  const createdAt = yield* Clock.currentTimeMillis
  const outcome = yield* contentOf(notification, site.value, createdAt).pipe(
    Effect.map((content) =>
      MailDispatcher.messageOf(sender, content, { mailId: randomUUID(), createdAt, notification })
    ),
    Effect.flatMap(mailer.send),
    Effect.catchTag("ReportTooLarge", ({ limit }) =>
      Effect.succeed<Mail.Outcome>({ _tag: "Failed", error: `the report needs more than ${limit}` })
    )
  )
  return Option.some(outcome)
})
