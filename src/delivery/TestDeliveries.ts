/**
 * Sends tests to webhooks and to recipients of mails. The interface only; see `delivery/SentTestDeliveries`.
 *
 * @module
 */
import { Context, type Effect, type Option, Schema } from "effect"
import type { NotificationId, WebhookId, WebsiteConfigId } from "../platform/Id.ts"
import type { ReportTimeout, StorageUnavailable } from "../platform/Storage.ts"
import type { Outcome } from "./mail/MailSchedule.ts"
import type { SecretsKeyUnusable, WebhookTest } from "./Webhook.ts"

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
      Option.Option<{ readonly recipient: string; readonly outcome: Outcome }>,
      StorageUnavailable | ReportTimeout | MailNotSetUp
    >
  }
>()("hydracore/delivery/TestDeliveries") {}
