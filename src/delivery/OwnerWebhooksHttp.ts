/**
 * The endpoints at and below `/v1/owner/sites/{site_id}/webhooks`.
 *
 * @module
 */
import { Effect } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../api/OwnerApi.ts"
import * as Calendar from "../platform/text/Calendar.ts"
import * as Access from "../sites/access/Access.ts"
import { Caller } from "../sites/access/AuthenticationApi.ts"
import { CallerOperations } from "../sites/access/CallerOperations.ts"
import * as Failures from "../sites/access/Failures.ts"
import * as ListQuery from "../sites/access/ListQuery.ts"
import { OwnerSites } from "../sites/OwnerSites.ts"
import type { ShownWebhook } from "./OperatorsWebhook.ts"
import { OwnerWebhooks } from "./OwnerWebhooks.ts"
import type { Selection } from "./Replay.ts"
import * as Webhook from "./Webhook.ts"

/** A URL may hold a secret, so only a caller who may change the webhook sees it. */
const toJson = (webhook: ShownWebhook, mayChange: boolean) => ({
  webhook_id: webhook.webhookId,
  url: mayChange ? webhook.url : null,
  host: webhook.url === null ? null : Webhook.hostOf(webhook.url),
  events: webhook.events,
  format: webhook.format,
  created_at: Calendar.iso(webhook.createdAt),
  failing_since: Calendar.isoOrNull(webhook.failingSince),
  disabled_at: Calendar.isoOrNull(webhook.disabledAt)
})

const deliveryJson = (delivery: Webhook.Delivery) => ({
  event_id: delivery.eventId,
  type: delivery.type,
  created_at: Calendar.iso(delivery.createdAt),
  status: delivery.status,
  attempts: delivery.attempts,
  next_attempt_at: Calendar.isoOrNull(delivery.nextAttemptAt)
})

const resultJson = ({ answer, error, millis, status }: Webhook.AttemptResult) => ({ status, millis, answer, error })

const selectionOf = (
  webhookId: string,
  { since, status }: { readonly since: string; readonly status?: Webhook.DeliveryStatus }
): Selection => ({ webhookId, since: Date.parse(since), status })

export const layer = HttpApiBuilder.group(
  OwnerApi,
  "webhooks",
  Effect.fnUntraced(function* (handlers) {
    const ownerSites = yield* OwnerSites
    const operations = yield* CallerOperations
    const webhooks = yield* OwnerWebhooks
    return handlers
      .handle(
        "list",
        Effect.fnUntraced(
          function* ({ params }) {
            const mayChange = Access.permits(yield* Caller, "settings", "change")
            const listed = yield* Effect.flatMap(ownerSites.authorize(params.site_id, "read"), webhooks.list)
            return { webhooks: listed.map((webhook) => toJson(webhook, mayChange)) }
          },
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
      .handle("create", ({ params, payload: { events = [], format = "standard", url } }) =>
        ownerSites.authorize(params.site_id, "write").pipe(
          Effect.flatMap((proof) => webhooks.create(proof, { url, events, format })),
          Effect.map(({ secret, webhook }) => ({ webhook_id: webhook.webhookId, secret })),
          Effect.catchTags(Failures.ofCreation)
        )
      )
      .handle("update", ({ params, payload: { enabled, ...change } }) =>
        ownerSites.authorize(params.site_id, "write").pipe(
          Effect.flatMap((proof) =>
            webhooks.update(proof, params.webhook_id, {
              ...change,
              ...(enabled === undefined ? {} : { isEnabled: enabled })
            })
          ),
          Effect.map((webhook) => toJson(webhook, true)),
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
      .handle("delete", ({ params }) =>
        ownerSites.authorize(params.site_id, "write").pipe(
          Effect.flatMap((proof) => webhooks.delete(proof, params.webhook_id)),
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
      .handle("rotate", ({ params }) =>
        ownerSites.authorize(params.site_id, "write").pipe(
          Effect.flatMap((proof) => webhooks.rotate(proof, params.webhook_id)),
          Effect.map(({ secret, webhook }) => ({ webhook_id: webhook.webhookId, secret })),
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
      .handle(
        "test",
        Effect.fnUntraced(
          function* ({ params }) {
            const proof = yield* ownerSites.authorize(params.site_id, "write")
            yield* operations.beginTest
            const tested = yield* webhooks.test(proof, params.webhook_id)
            return { event_id: tested.eventId, delivered: tested.isDelivered, ...resultJson(tested) }
          },
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
      .handle("deliveries", ({ params, query }) =>
        ownerSites.authorize(params.site_id, "read").pipe(
          Effect.flatMap((proof) =>
            webhooks.deliveries(proof, params.webhook_id, {
              status: query.status,
              ...ListQuery.rangeOf(query)
            })
          ),
          Effect.map(({ items, next }) => ({
            deliveries: items.map(deliveryJson),
            next: ListQuery.formatNext(next)
          })),
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
      .handle("countReplay", ({ params, query }) =>
        ownerSites.authorize(params.site_id, "read").pipe(
          Effect.flatMap((proof) => webhooks.countReplay(proof, selectionOf(params.webhook_id, query))),
          Effect.map((deliveries) => ({ deliveries })),
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
      .handle("replay", ({ params, payload }) =>
        ownerSites.authorize(params.site_id, "write").pipe(
          Effect.flatMap((proof) => webhooks.replay(proof, selectionOf(params.webhook_id, payload))),
          Effect.map((deliveries) => ({ deliveries })),
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
      .handle("delivery", ({ params }) =>
        ownerSites.authorize(params.site_id, "read").pipe(
          Effect.flatMap((proof) => webhooks.delivery(proof, params.webhook_id, params.event_id)),
          Effect.map((details) => ({
            ...deliveryJson(details),
            payload: details.payload,
            history: details.history.map((attempt) => ({
              attempted_at: Calendar.iso(attempt.attemptedAt),
              ...resultJson(attempt)
            }))
          })),
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
      .handle("retry", ({ params }) =>
        ownerSites.authorize(params.site_id, "write").pipe(
          Effect.flatMap((proof) => webhooks.retry(proof, params.webhook_id, params.event_id)),
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
  })
)
