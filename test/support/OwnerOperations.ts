/**
 * Every operation of the owner API that names a website, with a request and the status that a permitted caller gets.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { Effect } from "effect"
import { Goals } from "../../src/services/analytics/Goals.ts"
import { WidgetTokens } from "../../src/services/chat/WidgetTokens.ts"
import { Shares } from "../../src/services/sites/Shares.ts"
import {
  changing,
  newConversation,
  newSubmission,
  type Operation,
  ofSite,
  onConversation,
  reading
} from "./OwnerOperation.ts"
import * as Outward from "./OwnerOutwardOperations.ts"

const onSelection = (name: string, more: object = {}): Operation => ({
  method: "POST",
  path: ofSite(":site_id", `submissions/${name}`),
  scope: "write",
  request: (site) =>
    Effect.map(newSubmission(site), (id) => ({
      path: ofSite(site, `submissions/${name}`),
      body: { submission_ids: [id], ...more }
    }))
})

/** The id of a new goal of a website, or an unknown id if the website does not exist. */
const newGoal = (site: string) =>
  Effect.flatMap(Goals, (goals) =>
    goals.create({ websiteConfigId: site.toLowerCase(), kind: "event", value: "a", name: randomUUID() })
  ).pipe(
    Effect.flatMap(Effect.fromOption),
    Effect.map(({ goalId }) => goalId),
    Effect.orElseSucceed(() => randomUUID())
  )

/** The id of a new token of an instance, or an unknown id if the instance does not exist. */
const newToken = (instanceId: string) =>
  Effect.flatMap(WidgetTokens, (tokens) => tokens.issue({ instanceId, label: null, expiresAt: null })).pipe(
    Effect.flatMap(Effect.fromOption),
    Effect.map(({ tokenId }) => tokenId),
    Effect.orElseSucceed(() => randomUUID())
  )

/** The id of a new share of a website, or an unknown id if the website does not exist. */
const newShare = (site: string) =>
  Effect.flatMap(Shares, (shares) =>
    shares.create({ websiteConfigId: site.toLowerCase(), label: null, expiresAt: null })
  ).pipe(
    Effect.flatMap(Effect.fromOption),
    Effect.map(({ share }) => share.shareId),
    Effect.orElseSucceed(() => randomUUID())
  )

/** The operations on a website itself and on its shares, goals and tokens. */
const onWebsite: ReadonlyArray<Operation> = [
  reading("shares"),
  changing("POST", "shares", () => ({})),
  {
    method: "DELETE",
    path: ofSite(":site_id", "shares/:share_id"),
    scope: "write",
    status: 204,
    request: (site) => Effect.map(newShare(site), (id) => ({ path: ofSite(site, `shares/${id}`) }))
  },
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

export const operations: ReadonlyArray<Operation> = [
  ...onWebsite,
  ...Outward.operations,
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
  onSelection("release"),
  onSelection("delete"),
  onSelection("read", { read: true }),
  reading("retention"),
  reading("analytics/export"),
  changing("POST", "person/export", () => ({ email: "nobody@example.com" }), { scope: "read" }),
  changing("POST", "person/erase", () => ({ email: "nobody@example.com" })),
  reading("instances"),
  onConversation("GET", "instances/:instance_id/answers", { scope: "read" }),
  onConversation("GET", "instances/:instance_id/conversations", { scope: "read" }),
  onConversation("GET", "instances/:instance_id/export", { scope: "read" }),
  onConversation("GET", "instances/:instance_id/conversations/:conversation_id", { scope: "read" }),
  onConversation("DELETE", "instances/:instance_id/conversations/:conversation_id", { scope: "write", status: 204 })
]

/** A request of an operation about a website, for `OwnerRequests.send`. */
export const requestOf = ({ method, request }: Operation, site: string) =>
  Effect.map(request(site), ({ path, ...rest }) => ({ path, ...rest, init: { method } }))
