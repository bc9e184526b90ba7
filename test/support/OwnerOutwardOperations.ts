/**
 * The operations of the owner API on instances, webhooks, notifications and the rules of forms, and the deletion of a website.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { Effect } from "effect"
import { Webhooks } from "../../src/services/delivery/Webhooks.ts"
import { FormDirectory } from "../../src/services/forms/FormDirectory.ts"
import { Notifications } from "../../src/services/mail/Notifications.ts"
import { deliveriesOf, fanOutSome } from "./Delivery.ts"
import {
  changing,
  newConversation,
  newSubmission,
  type Operation,
  ofSite,
  onConversation,
  reading
} from "./OwnerOperation.ts"

/** The ids of a new webhook and its delivery, or unknown ids if the website does not exist. */
const newDelivery = Effect.fnUntraced(
  function* (site: string, url: string) {
    const websiteConfigId = site.toLowerCase()
    const webhooks = yield* Webhooks
    const created = yield* webhooks.create({ websiteConfigId, url, events: [], format: "standard" })
    const { webhook } = yield* Effect.fromOption(created)
    yield* newSubmission(site)
    yield* fanOutSome
    const [delivery] = yield* deliveriesOf(webhook)
    return { webhookId: webhook.webhookId, eventId: delivery?.eventId ?? randomUUID() }
  },
  Effect.catchCause(() => Effect.succeed({ webhookId: randomUUID(), eventId: randomUUID() }))
)

/** The guard refuses this address without resolving a name, so only the operator can set it. */
const refusedUrl = "https://192.0.2.1/path"

const onWebhook = (
  method: Operation["method"],
  path: string,
  {
    body,
    query = "",
    url = refusedUrl,
    ...more
  }: Partial<Operation> & { readonly body?: unknown; readonly query?: string; readonly url?: string } = {}
): Operation => ({
  method,
  path: ofSite(":site_id", path),
  scope: "write",
  ...more,
  request: (site) =>
    Effect.map(newDelivery(site, url), ({ eventId, webhookId }) => ({
      path: ofSite(site, path.replace(":webhook_id", webhookId).replace(":event_id", eventId)) + query,
      ...(body === undefined ? {} : { body })
    }))
})

/** The id of a new notification of a website, or an unknown id if the website does not exist. */
const newNotification = (site: string) =>
  Effect.flatMap(Notifications, (notifications) =>
    notifications.add({
      websiteConfigId: site.toLowerCase(),
      recipient: `${randomUUID()}@example.com`,
      topic: { kind: "submissions", digest: null, includeQuarantined: false }
    })
  ).pipe(
    Effect.flatMap(Effect.fromOption),
    Effect.map(({ notificationId }) => notificationId),
    Effect.orElseSucceed(() => randomUUID())
  )

const newForm = (site: string) => {
  const page = randomUUID()
  return FormDirectory.use((forms) => forms.create({ websiteConfigId: site.toLowerCase(), page, rules: {} })).pipe(
    Effect.ignore,
    Effect.as(page)
  )
}

export const operations: ReadonlyArray<Operation> = [
  changing("POST", "instances", () => ({ name: "A", agent_url: "https://agent.example.com" })),
  onConversation("GET", "instances/:instance_id", { scope: "write" }),
  {
    method: "PATCH",
    path: ofSite(":site_id", "instances/:instance_id"),
    scope: "write",
    request: (site) =>
      Effect.map(newConversation(site), ({ instanceId }) => ({
        path: ofSite(site, `instances/${instanceId}`),
        body: { name: "B" }
      }))
  },
  onConversation("DELETE", "instances/:instance_id", { scope: "write", status: 204 }),
  {
    method: "POST",
    path: ofSite(":site_id", "instances/:instance_id/test"),
    scope: "write",
    request: (site) =>
      Effect.map(newConversation(site), ({ instanceId }) => ({
        path: ofSite(site, `instances/${instanceId}/test`),
        body: { question: "When?" }
      }))
  },
  reading("webhooks"),
  changing("POST", "webhooks", () => ({ url: "https://hooks.example.com/path" })),
  onWebhook("PATCH", "webhooks/:webhook_id", { body: { format: "slack" } }),
  onWebhook("DELETE", "webhooks/:webhook_id", { status: 204 }),
  onWebhook("POST", "webhooks/:webhook_id/rotate", { url: "https://hooks.example.com/path" }),
  onWebhook("POST", "webhooks/:webhook_id/test"),
  onWebhook("GET", "webhooks/:webhook_id/deliveries", { scope: "read" }),
  onWebhook("GET", "webhooks/:webhook_id/replay", { query: "?since=2026-01-31", scope: "read" }),
  onWebhook("POST", "webhooks/:webhook_id/replay", { body: { since: "2026-01-31", status: "failed" } }),
  onWebhook("GET", "webhooks/:webhook_id/deliveries/:event_id", { scope: "read" }),
  onWebhook("POST", "webhooks/:webhook_id/deliveries/:event_id/retry", { status: 204 }),
  reading("notifications"),
  // The test's server is not configured to send mail.
  changing("POST", "notifications", () => ({ to: "owner@example.com" }), { status: 422 }),
  {
    method: "DELETE",
    path: ofSite(":site_id", "notifications/:notification_id"),
    scope: "write",
    status: 204,
    request: (site) => Effect.map(newNotification(site), (id) => ({ path: ofSite(site, `notifications/${id}`) }))
  },
  {
    method: "POST",
    path: ofSite(":site_id", "notifications/:notification_id/test"),
    scope: "write",
    status: 422,
    request: (site) => Effect.map(newNotification(site), (id) => ({ path: ofSite(site, `notifications/${id}/test`) }))
  },
  {
    method: "POST",
    path: ofSite(":site_id", "notifications/:notification_id/confirmation"),
    scope: "write",
    status: 422,
    request: (site) =>
      Effect.map(newNotification(site), (id) => ({ path: ofSite(site, `notifications/${id}/confirmation`) }))
  },
  reading("forms"),
  changing("PUT", "forms", () => ({ page: "contact", rules: { name: { required: true } } })),
  {
    method: "DELETE",
    path: ofSite(":site_id", "forms"),
    scope: "write",
    status: 204,
    request: (site) => Effect.map(newForm(site), (page) => ({ path: ofSite(site, `forms?page=${page}`) }))
  },
  // The name is not the website's, so nothing is deleted.
  changing("POST", "delete", () => ({ name: "another" }), { status: 422 })
]
