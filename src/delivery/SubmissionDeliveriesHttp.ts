/**
 * The endpoint at `/v1/owner/sites/{site_id}/submissions/{submission_id}/deliveries`.
 *
 * @module
 */
import { Effect, Option } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../api/OwnerApi.ts"
import { Inbox } from "../forms/Inbox.ts"
import { unknownSubmission } from "../forms/OwnerSubmissionsHttp.ts"
import * as Authorized from "../sites/access/Authorized.ts"
import { SiteSlots } from "../sites/access/SiteSlots.ts"
import { Deliveries } from "./Delivery.ts"
import { Notifications } from "./mail/Notifications.ts"
import * as OperatorsWebhook from "./OperatorsWebhook.ts"
import type { Options } from "./OwnerWebhooksHttp.ts"
import { Webhooks } from "./Webhook.ts"

export const layer = ({ webhookAllow }: Options) =>
  HttpApiBuilder.group(
    OwnerApi,
    "submissionDeliveries",
    Effect.fnUntraced(function* (handlers) {
      const inbox = yield* Inbox
      const { lists } = yield* SiteSlots
      const webhooks = yield* Webhooks
      const deliveries = yield* Deliveries
      const notifications = yield* Notifications
      return handlers.handle(
        "list",
        Effect.fnUntraced(function* ({ params: { submission_id: submissionId } }) {
          const { websiteConfigId } = (yield* Authorized.inbox.read.proof).site
          const submission = yield* lists.run(websiteConfigId, inbox.find(websiteConfigId, submissionId))
          if (Option.isNone(submission)) return yield* Effect.fail(unknownSubmission)
          const found = yield* deliveries.ofSubmission(websiteConfigId, submissionId)
          const own = new Map((yield* webhooks.list(websiteConfigId)).map((webhook) => [webhook.webhook_id, webhook]))
          return {
            webhooks: found.flatMap((delivery) => {
              const webhook = own.get(delivery.webhook_id)
              return webhook === undefined
                ? []
                : [{ ...delivery, host: OperatorsWebhook.shown(webhookAllow, webhook).host }]
            }),
            mails: yield* notifications.ofSubmission(websiteConfigId, submissionId)
          }
        })
      )
    })
  )
