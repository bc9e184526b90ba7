/**
 * The operations of the owner API that a test sends: their type, and functions that create them.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { Effect } from "effect"
import type * as Scope from "../../src/core/sites/Scope.ts"
import type { Goals } from "../../src/services/analytics/Goals.ts"
import { ConversationStore } from "../../src/services/chat/ConversationStore.ts"
import { InstanceDirectory } from "../../src/services/chat/InstanceDirectory.ts"
import type { WidgetTokens } from "../../src/services/chat/WidgetTokens.ts"
import type { Deliveries } from "../../src/services/delivery/Deliveries.ts"
import type { Webhooks } from "../../src/services/delivery/Webhooks.ts"
import type { FormDirectory } from "../../src/services/forms/FormDirectory.ts"
import { SubmissionRepo } from "../../src/services/forms/SubmissionRepo.ts"
import type { Notifications } from "../../src/services/mail/Notifications.ts"
import type { Shares } from "../../src/services/sites/Shares.ts"
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
  | Shares

export interface Operation {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE"
  /** A template, such as `/v1/owner/sites/:site_id`. */
  readonly path: string
  /** The scope that the operation needs. */
  readonly scope: Scope.Scope
  /** The status of the response to a permitted request; 200 if absent. */
  readonly status?: number
  /** Creates the resources that the request refers to, and returns the request for this website. */
  readonly request: (site: string) => Effect.Effect<Request, never, Services>
}

interface Request {
  readonly path: string
  readonly body?: unknown
}

export const ofSite = (site: string, path: string): string => `/v1/owner/sites/${site}${path === "" ? "" : `/${path}`}`

/** The id of a new submission to a website, or an unknown id if the website does not exist. */
export const newSubmission = (site: string) =>
  Effect.flatMap(SubmissionRepo, (repo) =>
    Effect.orElseSucceed(repo.submit(SubmissionDrafts.make(site.toLowerCase())), () => randomUUID())
  )

/** The ids of a new conversation of a website, or unknown ids if the website does not exist. */
export const newConversation = Effect.fnUntraced(
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

/** A `GET` of a path below a website. */
export const reading = (path: string, scope: Scope.Scope = "read"): Operation => ({
  method: "GET",
  path: ofSite(":site_id", path),
  scope,
  request: (site) => Effect.succeed({ path: ofSite(site, path) })
})

/** An operation on a new conversation, or on the instance of a new conversation. */
export const onConversation = (
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

/** An operation with a body, on a path below a website. */
export const changing = (
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
