/**
 * What only the operator may do, because an owner could reach the operator's network or read its environment with it, send mail to
 * strangers, or read what belongs to no website or to another one. These operations exist only in the process of a command: no server
 * has them, and no request reaches them. A command loads only the module that it calls. What `--json` prints is made with the schema
 * of the contract, so that it has the same members in the same order as the response of a running service.
 *
 * @module
 */
import type { Effect, Layer } from "effect"
import type * as App from "../../App.ts"
import type { AgentStream } from "../../chat/AgentStream.ts"
import type * as InstanceChanges from "../../chat/InstanceChanges.ts"
import type { MailServer } from "../../delivery/mail/Mailer.ts"
import type * as WebhookHandlers from "../../delivery/OwnerWebhooksHttp.ts"
import type { RateLimiter } from "../../platform/limits/RateLimit.ts"
import type { OutwardClient } from "../../platform/outward/OutwardClient.ts"
import type { Invitations } from "../../sites/access/MailedLink.ts"

export interface Options extends InstanceChanges.Options, WebhookHandlers.Options {}

/** The services with which operations and handlers reach the stores and other systems. */
export type Stores =
  | Layer.Success<ReturnType<typeof App.storage>>
  | MailServer
  | OutwardClient
  | Invitations
  | AgentStream

/** Loads a module of operations. */
export type Load<Operations> = () => Promise<{
  readonly make: (options: Options) => Effect.Effect<Operations, never, Stores | RateLimiter>
}>

export const conversations = () => import("./Conversations.ts")

export const instances = () => import("./Instances.ts")

export const notifications = () => import("./Notifications.ts")

export const persons = () => import("./Persons.ts")

export const reports = () => import("./Reports.ts")

export const sites = () => import("./Sites.ts")

export const webhooks = () => import("./Webhooks.ts")
