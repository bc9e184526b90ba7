/**
 * Loads the handlers of one group of the owner API, with the services that they alone need: loading and building those of all
 * groups takes longer than most commands.
 *
 * @module
 */
import type { Layer } from "effect"
import type * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import type * as App from "../../App.ts"
import type { OwnerApi } from "../../api/OwnerApi.ts"
import type { AgentCheck } from "../../chat/agent/Inspection.ts"
import type * as InstanceChanges from "../../chat/InstanceChanges.ts"
import type * as WebhookHandlers from "../../delivery/OwnerWebhooksHttp.ts"
import type { TestDeliveries } from "../../delivery/TestDeliveries.ts"
import type { RateLimiter } from "../../platform/limits/RateLimit.ts"
import type * as DataHandlers from "../../privacy/OwnerDataHttp.ts"
import type { Authentication, Guest, SharedAuthentication, Validation } from "../../sites/access/AuthenticationApi.ts"
import type * as Authorized from "../../sites/access/Authorized.ts"
import type { Invitations } from "../../sites/access/MailedLink.ts"
import type { SiteSlots } from "../../sites/access/SiteSlots.ts"
import type { GroupName } from "./Client.ts"

export interface Options extends InstanceChanges.Options, DataHandlers.Options, WebhookHandlers.Options {}

/** The services with which handlers reach the stores and other systems. */
export type Stores = Layer.Success<ReturnType<typeof App.storage>> | TestDeliveries | Invitations | AgentCheck

/** What the handlers of several groups need. */
export type Common =
  | SiteSlots
  | RateLimiter
  | Authentication
  | Authorized.Services
  | Guest
  | SharedAuthentication
  | Validation

type Api = typeof OwnerApi

type AnyGroup = HttpApiGroup.ToService<Api["identifier"], Api["groups"][GroupName]>

/** A layer of one group, which the routes of that group need. */
const handlers = (layer: Layer.Layer<never, never, Common | Stores>) =>
  layer as Layer.Layer<AnyGroup, never, Common | Stores>

/** The handlers of a group. */
export const load = async (group: GroupName, options: Options) => {
  switch (group) {
    case "goals":
      return handlers((await import("../../analytics/OwnerGoalsHttp.ts")).layer)
    case "shares":
      return handlers((await import("../../analytics/shares/OwnerSharesHttp.ts")).layer)
    case "sites":
      return handlers((await import("../../sites/OwnerSitesHttp.ts")).layer)
    case "reports":
      return handlers((await import("../../analytics/reports/OwnerReportsHttp.ts")).layer)
    case "activity":
      return handlers((await import("../../activity/OwnerActivityHttp.ts")).layer)
    case "attention":
      return handlers((await import("../../activity/OwnerAttentionHttp.ts")).layer)
    case "health":
      return handlers((await import("../../health/OwnerHealthHttp.ts")).layer)
    case "spam":
      return handlers((await import("../../forms/OwnerSubmissionsHttp.ts")).layer)
    case "forms":
      return handlers((await import("../../forms/OwnerFormsHttp.ts")).layer)
    case "autoReplies":
      return handlers((await import("../../delivery/mail/OwnerRepliesHttp.ts")).layer)
    case "submissions":
      return handlers((await import("../../forms/OwnerSubmissionsHttp.ts")).layer)
    case "conversations":
      return handlers((await import("../../chat/OwnerConversationsHttp.ts")).layer)
    case "tokens":
      return handlers((await import("../../chat/OwnerTokensHttp.ts")).layer)
    case "instances":
      return handlers((await import("../../chat/OwnerInstancesHttp.ts")).layer(options))
    case "keys":
      return handlers((await import("../../sites/access/OwnerAccessHttp.ts")).layer)
    case "people":
      return handlers((await import("../../sites/access/OwnerAccessHttp.ts")).layer)
    case "sessions":
      return handlers((await import("../../sites/access/OwnerAccessHttp.ts")).layer)
    case "webhooks":
      return handlers((await import("../../delivery/OwnerWebhooksHttp.ts")).layer(options))
    case "notifications":
      return handlers((await import("../../delivery/mail/OwnerNotificationsHttp.ts")).layer)
    case "data":
      return handlers((await import("../../privacy/OwnerDataHttp.ts")).layer(options))
    default:
      throw new Error(`Commands do not call the group ${group}, which is for browsers.`)
  }
}
