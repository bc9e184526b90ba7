/**
 * Every operation of the owner API that names a website, with a request that succeeds for a caller who may send it.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { Effect } from "effect"
import type * as Scope from "../../src/core/sites/Scope.ts"
import { Goals } from "../../src/services/analytics/Goals.ts"
import { ConversationStore } from "../../src/services/chat/ConversationStore.ts"
import { InstanceDirectory } from "../../src/services/chat/InstanceDirectory.ts"
import { WidgetTokens } from "../../src/services/chat/WidgetTokens.ts"
import { Deliveries } from "../../src/services/delivery/Deliveries.ts"
import { Webhooks } from "../../src/services/delivery/Webhooks.ts"
import { FormDirectory } from "../../src/services/forms/FormDirectory.ts"
import { SubmissionRepo } from "../../src/services/forms/SubmissionRepo.ts"
import { Notifications } from "../../src/services/mail/Notifications.ts"
import * as SubmissionDrafts from "./SubmissionDraft.ts"

type Services =
  | SubmissionRepo
  | InstanceDirectory
  | ConversationStore
  | WidgetTokens
  | Goals
  | Webhooks
  | Deliveries
  | Notifications
  | FormDirectory

export interface Operation {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE"
  readonly path: string
  /** The scope that it needs. */
  readonly scope: Scope.Scope
  /** The status of its success; 200 if absent. */
  readonly status?: number
  /** A request about a website, below its path unless that has none. What it names is created first. */
  readonly request: (site: string) => Effect.Effect<Request, never, Services>
}

interface Request {
  readonly path: string
  readonly body?: unknown
}

const ofSite = (site: string, path: string): string => `/v1/owner/sites/${site}${path === "" ? "" : `/${path}`}`

/** The id of a new submission to a website, or of none if the website does not exist. */
const newSubmission = (site: string) =>
  Effect.flatMap(SubmissionRepo, (repo) =>
    Effect.orElseSucceed(repo.submit(SubmissionDrafts.make(site.toLowerCase())), () => randomUUID())
  )

/** The ids of a new conversation of a website, or of none if the website does not exist. */
const newConversation = Effect.fnUntraced(
  function* (site: string) {
    const store = yield* ConversationStore
    const created = yield* InstanceDirectory.use((instances) =>
      instances.create({ name: "A", agentUrl: "http://agent", websiteConfigId: site.toLowerCase() })
    )
    const key = { instanceId: created.instanceId, conversationId: randomUUID() }
    yield* store.begin({ key, answerId: randomUUID(), message: { messageId: randomUUID(), text: "Hi" } })
    return key
  },
  Effect.catchCause(() => Effect.succeed({ instanceId: randomUUID(), conversationId: randomUUID() }))
)

const reading = (path: string, scope: Scope.Scope = "read"): Operation => ({
  method: "GET",
  path: ofSite(":site_id", path),
  scope,
  request: (site) => Effect.succeed({ path: ofSite(site, path) })
})

const toSelection = (name: string, more: object = {}): Operation => ({
  method: "POST",
  path: ofSite(":site_id", `submissions/${name}`),
  scope: "write",
  request: (site) =>
    Effect.map(newSubmission(site), (id) => ({
      path: ofSite(site, `submissions/${name}`),
      body: { submission_ids: [id], ...more }
    }))
})

const onConversation = (
  method: Operation["method"],
  path: string,
  more: Pick<Operation, "scope" | "status">
): Operation => ({
  method,
  path: ofSite(":site_id", path),
  ...more,
  request: (site) =>
    Effect.map(newConversation(site), ({ conversationId, instanceId }) => ({
      path: ofSite(site, path.replace(":instance_id", instanceId).replace(":conversation_id", conversationId))
    }))
})

/** The id of a new goal of a website, or of none if the website does not exist. */
const newGoal = (site: string) =>
  Effect.flatMap(Goals, (goals) =>
    goals.create({ websiteConfigId: site.toLowerCase(), kind: "event", value: "a", name: randomUUID() })
  ).pipe(
    Effect.flatMap(Effect.fromOption),
    Effect.map(({ goalId }) => goalId),
    Effect.orElseSucceed(() => randomUUID())
  )

/** The id of a new token of an instance, or of none if the instance does not exist. */
const newToken = (instanceId: string) =>
  Effect.flatMap(WidgetTokens, (tokens) => tokens.issue({ instanceId, label: null, expiresAt: null })).pipe(
    Effect.flatMap(Effect.fromOption),
    Effect.map(({ tokenId }) => tokenId),
    Effect.orElseSucceed(() => randomUUID())
  )

const changing = (
  method: Operation["method"],
  path: string,
  body: () => unknown,
  more: Partial<Operation> = {}
): Operation => ({
  method,
  path: ofSite(":site_id", path),
  scope: "write",
  request: (site) => Effect.sync(() => ({ path: ofSite(site, path), body: body() })),
  ...more
})

/** The operations on settings. */
const setUp: ReadonlyArray<Operation> = [
  reading("", "read"),
  changing("PATCH", "", () => ({ name: "B" })),
  reading("decisions", "stats"),
  reading("activity"),
  reading("goals", "stats"),
  changing("POST", "goals", () => ({ kind: "event", value: "signup", name: randomUUID() })),
  {
    method: "DELETE",
    path: ofSite(":site_id", "goals/:goal_id"),
    scope: "write",
    status: 204,
    request: (site) => Effect.map(newGoal(site), (id) => ({ path: ofSite(site, `goals/${id}`) }))
  },
  onConversation("GET", "instances/:instance_id/tokens", { scope: "read" }),
  {
    method: "POST",
    path: ofSite(":site_id", "instances/:instance_id/tokens"),
    scope: "write",
    request: (site) =>
      Effect.map(newConversation(site), ({ instanceId }) => ({
        path: ofSite(site, `instances/${instanceId}/tokens`),
        body: {}
      }))
  },
  {
    method: "DELETE",
    path: ofSite(":site_id", "instances/:instance_id/tokens/:token_id"),
    scope: "write",
    status: 204,
    request: (site) =>
      Effect.gen(function* () {
        const { instanceId } = yield* newConversation(site)
        return { path: ofSite(site, `instances/${instanceId}/tokens/${yield* newToken(instanceId)}`) }
      })
  }
]

/** A new webhook of a website with a delivery, or none if the website does not exist. */
const newDelivery = Effect.fnUntraced(
  function* (site: string) {
    const websiteConfigId = site.toLowerCase()
    const webhooks = yield* Webhooks
    // The guard refuses it without a lookup.
    const url = "https://192.0.2.1/path"
    const created = yield* webhooks.create({ websiteConfigId, url, events: [], format: "standard" })
    const { webhook } = yield* Effect.fromOption(created)
    yield* newSubmission(site)
    const deliveries = yield* Deliveries
    yield* deliveries.fanOut
    const [delivery] = yield* deliveries.list(webhook.webhookId)
    return { webhookId: webhook.webhookId, eventId: delivery?.eventId ?? randomUUID() }
  },
  Effect.catchCause(() => Effect.succeed({ webhookId: randomUUID(), eventId: randomUUID() }))
)

const onWebhook = (
  method: Operation["method"],
  path: string,
  more: Partial<Operation> & { readonly body?: unknown } = {}
): Operation => ({
  method,
  path: ofSite(":site_id", path),
  scope: "write",
  ...more,
  request: (site) =>
    Effect.map(newDelivery(site), ({ eventId, webhookId }) => ({
      path: ofSite(site, path.replace(":webhook_id", webhookId).replace(":event_id", eventId)),
      ...(more.body === undefined ? {} : { body: more.body })
    }))
})

/** The id of a new notification of a website, or of none if the website does not exist. */
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

/** The operations on webhooks, notifications and forms. */
const outward: ReadonlyArray<Operation> = [
  reading("webhooks"),
  changing("POST", "webhooks", () => ({ url: "https://hooks.example.com/path" })),
  onWebhook("PATCH", "webhooks/:webhook_id", { body: { format: "slack" } }),
  onWebhook("DELETE", "webhooks/:webhook_id", { status: 204 }),
  onWebhook("POST", "webhooks/:webhook_id/rotate"),
  onWebhook("POST", "webhooks/:webhook_id/test"),
  onWebhook("GET", "webhooks/:webhook_id/deliveries", { scope: "read" }),
  onWebhook("GET", "webhooks/:webhook_id/deliveries/:event_id", { scope: "read" }),
  onWebhook("POST", "webhooks/:webhook_id/deliveries/:event_id/retry", { status: 204 }),
  reading("notifications"),
  // The test's server sends no mail.
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
  reading("forms"),
  changing("PUT", "forms", () => ({ page: "contact", rules: { name: { required: true } } })),
  {
    method: "DELETE",
    path: ofSite(":site_id", "forms"),
    scope: "write",
    status: 204,
    request: (site) => Effect.map(newForm(site), (page) => ({ path: ofSite(site, `forms?page=${page}`) }))
  },
  // Another name deletes nothing.
  changing("POST", "delete", () => ({ name: "another" }), { status: 422 })
]

export const operations: ReadonlyArray<Operation> = [
  ...setUp,
  ...outward,
  {
    method: "POST",
    path: "/v1/owner/query",
    scope: "stats",
    request: (site_id) =>
      Effect.succeed({
        path: "/v1/owner/query",
        body: { site_id, metrics: ["visitors"], date_range: "7d" }
      })
  },
  reading("now", "stats"),
  reading("submissions"),
  reading("submissions/overview"),
  reading("submissions/export"),
  {
    method: "GET",
    path: ofSite(":site_id", "submissions/:submission_id"),
    scope: "read",
    request: (site) => Effect.map(newSubmission(site), (id) => ({ path: ofSite(site, `submissions/${id}`) }))
  },
  {
    method: "GET",
    path: ofSite(":site_id", "submissions/:submission_id/deliveries"),
    scope: "read",
    request: (site) => Effect.map(newSubmission(site), (id) => ({ path: ofSite(site, `submissions/${id}/deliveries`) }))
  },
  toSelection("release"),
  toSelection("delete"),
  toSelection("read", { read: true }),
  reading("instances"),
  onConversation("GET", "instances/:instance_id/conversations", { scope: "read" }),
  onConversation("GET", "instances/:instance_id/export", { scope: "read" }),
  onConversation("GET", "instances/:instance_id/conversations/:conversation_id", { scope: "read" }),
  onConversation("DELETE", "instances/:instance_id/conversations/:conversation_id", { scope: "write", status: 204 })
]

/** A request of an operation about a website, for `OwnerRequests.send`. */
export const requestOf = ({ method, request }: Operation, site: string) =>
  Effect.map(request(site), ({ path, ...rest }) => ({ path, ...rest, init: { method } }))
