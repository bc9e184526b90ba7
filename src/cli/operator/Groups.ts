/**
 * Loads the groups of the operator's API.
 *
 * @module
 */
import type { HttpClientError } from "effect/http"
import type * as HttpApi from "effect/http-api/HttpApi"
import type * as HttpApiClient from "effect/http-api/HttpApiClient"
import type * as InstanceChanges from "../../chat/InstanceChanges.ts"
import type * as WebhookHandlers from "../../delivery/OwnerWebhooksHttp.ts"
import type { StorageUnavailable } from "../../platform/Storage.ts"

/** A command loads only the group that it calls, with the settings that the group needs. */
export const groups = {
  conversations: () => import("./Conversations.ts"),
  instances: async (options: InstanceChanges.Options) => {
    const { Api, layer } = await import("./Instances.ts")
    return { Api, layer: layer(options) }
  },
  notifications: () => import("./Notifications.ts"),
  persons: () => import("./Persons.ts"),
  reports: () => import("./Reports.ts"),
  sites: () => import("./Sites.ts"),
  webhooks: async (options: WebhookHandlers.Options) => {
    const { Api, layer } = await import("./Webhooks.ts")
    return { Api, layer: layer(options) }
  }
} as const

export type GroupName = keyof typeof groups

type Groups<Api> = Api extends HttpApi.HttpApi<string, infer G> ? G : never

/** The client of a group. */
export type Group<Name extends GroupName> = HttpApiClient.Client.Group<
  Groups<Awaited<ReturnType<(typeof groups)[Name]>>["Api"]>,
  StorageUnavailable | HttpClientError.HttpClientError,
  never
>
