/**
 * Webhooks, as the operator manages them: also with receivers in the operator's network, whose URLs, answers and secrets an owner
 * must not reach. Without a limit of sends, which would protect receivers that are not the owner's.
 *
 * @module
 */
import { Effect, Option } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as Delivery from "../../delivery/Delivery.ts"
import * as OwnerWebhooks from "../../delivery/OwnerWebhooksApi.ts"
import * as WebhookHandlers from "../../delivery/OwnerWebhooksHttp.ts"
import { TestDeliveries } from "../../delivery/TestDeliveries.ts"
import * as Webhook from "../../delivery/Webhook.ts"
import * as AddressGuard from "../../platform/outward/AddressGuard.ts"
import * as Errors from "../../sites/access/Errors.ts"
import { SiteDirectory } from "../../sites/SiteDirectory.ts"
import * as ErrorMessages from "../support/ErrorMessages.ts"
import * as Operations from "./Operations.ts"

const base = "/operator/sites/:site_id/webhooks"
const ofSite = { site_id: OwnerWebhooks.params.site_id }

const list = HttpApiEndpoint.get("list", base, {
  params: ofSite,
  success: OwnerWebhooks.Webhooks,
  error: Operations.failures
})

const create = HttpApiEndpoint.post("create", base, {
  params: ofSite,
  payload: OwnerWebhooks.NewWebhook,
  success: OwnerWebhooks.WebhookSecret,
  error: Operations.failures
})

const update = HttpApiEndpoint.patch("update", `${base}/:webhook_id`, {
  params: OwnerWebhooks.params,
  payload: OwnerWebhooks.WebhookChange,
  success: OwnerWebhooks.Webhook,
  error: Operations.failures
})

const rotate = HttpApiEndpoint.post("rotate", `${base}/:webhook_id/rotate`, {
  params: OwnerWebhooks.params,
  success: OwnerWebhooks.WebhookSecret,
  error: Operations.failures
})

const test = HttpApiEndpoint.post("test", `${base}/:webhook_id/test`, {
  params: OwnerWebhooks.params,
  success: OwnerWebhooks.WebhookTest,
  error: Operations.failures
})

const readDelivery = HttpApiEndpoint.get("delivery", `${base}/:webhook_id/deliveries/:event_id`, {
  params: OwnerWebhooks.deliveryParams,
  success: OwnerWebhooks.DeliveryDetails,
  error: Operations.failures
})

export const Api = Operations.api(HttpApiGroup.make("webhooks").add(list, create, update, rotate, test, readDelivery))

/** What the operator does about a missing or a wrong key. */
const keyUnusable = (error: Webhook.SecretsKeyUnusable) => Effect.fail(Errors.invalid(null, ErrorMessages.of(error)))

const orNoWebhook = <A>(found: Option.Option<A>) => Effect.fromOption(found, () => WebhookHandlers.noWebhook)

export const layer = ({ webhookAllow }: WebhookHandlers.Options) =>
  HttpApiBuilder.group(
    Api,
    "webhooks",
    Effect.fnUntraced(function* (handlers) {
      const directory = yield* SiteDirectory
      const webhooks = yield* Webhook.Webhooks
      const deliveries = yield* Delivery.Deliveries
      const tests = yield* TestDeliveries

      /**
       * Fails for a URL whose port or IP address the guard refuses. The IP addresses of a host name are checked whenever a connection
       * opens.
       */
      const requireAllowed = (url: string) => {
        const target = AddressGuard.targetOf(new URL(url))
        return Option.match(AddressGuard.refusalOf(webhookAllow, target), {
          onNone: () => Effect.void,
          onSome: (refusal) =>
            Effect.fail(
              Errors.invalid(
                "url",
                `${refusal}. To allow it, set WEBHOOK_ALLOW=${AddressGuard.hostAndPort(target)} for the service and for this command`
              )
            )
        })
      }

      return handlers
        .handle(
          "list",
          Effect.fnUntraced(function* ({ params: { site_id } }) {
            const site = yield* directory.byWebsiteConfigId(site_id)
            if (Option.isNone(site)) return yield* Effect.fail(Operations.noSite)
            return { webhooks: yield* webhooks.list(site_id) }
          })
        )
        .handle(
          "create",
          Effect.fnUntraced(
            function* ({ params, payload: { events = [], format = "standard", url } }) {
              yield* requireAllowed(url)
              const created = yield* webhooks.create(params.site_id, { url, events, format })
              return yield* Effect.fromOption(created, () => Operations.noSite)
            },
            Effect.catchTag("SecretsKeyUnusable", keyUnusable)
          )
        )
        .handle(
          "update",
          Effect.fnUntraced(function* ({ params, payload }) {
            if (payload.url !== undefined) yield* requireAllowed(payload.url)
            return yield* Effect.flatMap(webhooks.update(params.site_id, params.webhook_id, payload), orNoWebhook)
          })
        )
        .handle("rotate", ({ params }) =>
          Effect.flatMap(webhooks.rotate(params.site_id, params.webhook_id), orNoWebhook).pipe(
            Effect.catchTag("SecretsKeyUnusable", keyUnusable)
          )
        )
        .handle("test", ({ params }) =>
          Effect.flatMap(tests.webhook(params.site_id, params.webhook_id), orNoWebhook).pipe(
            Effect.catchTag("SecretsKeyUnusable", keyUnusable)
          )
        )
        .handle(
          "delivery",
          Effect.fnUntraced(function* ({ params }) {
            yield* Effect.flatMap(webhooks.find(params.site_id, params.webhook_id), orNoWebhook)
            const found = yield* deliveries.show(params.webhook_id, params.event_id)
            return yield* Effect.fromOption(found, () => WebhookHandlers.noDelivery)
          })
        )
    })
  )
