/**
 * Webhooks, as the operator manages them: also with receivers in the operator's network, whose URLs, answers and secrets an owner
 * must not reach. Without a limit of sends, which would protect receivers that are not the owner's. The operations are called like
 * those of the owner API.
 *
 * @module
 */
import { Effect, Option } from "effect"
import { Deliveries } from "../../delivery/Delivery.ts"
import * as OwnerWebhooks from "../../delivery/OwnerWebhooksApi.ts"
import * as WebhookHandlers from "../../delivery/OwnerWebhooksHttp.ts"
import * as TestDeliveries from "../../delivery/TestDeliveries.ts"
import { type SecretsKeyUnusable, Webhooks } from "../../delivery/Webhook.ts"
import type { EventId, WebhookId, WebsiteConfigId } from "../../platform/Id.ts"
import * as AddressGuard from "../../platform/outward/AddressGuard.ts"
import type { OutwardClient } from "../../platform/outward/OutwardClient.ts"
import * as Errors from "../../sites/access/Errors.ts"
import { SiteDirectory } from "../../sites/SiteDirectory.ts"
import * as ErrorMessages from "../support/ErrorMessages.ts"

interface OfSite {
  readonly params: { readonly site_id: WebsiteConfigId }
}

interface OfWebhook {
  readonly params: { readonly site_id: WebsiteConfigId; readonly webhook_id: WebhookId }
}

/** What the operator does about a missing or a wrong key. */
const keyUnusable = (error: SecretsKeyUnusable) => Effect.fail(Errors.invalid(null, ErrorMessages.of(error)))

const orNoWebhook = <A>(found: Option.Option<A>) => Effect.fromOption(found, () => WebhookHandlers.noWebhook)

/** Fails for a URL whose port or IP address is refused. The IP addresses of a host name are checked whenever a connection opens. */
const requireAllowed = ({ webhookAllow }: WebhookHandlers.Options, url: string) => {
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

export const make = Effect.fnUntraced(function* (options: WebhookHandlers.Options) {
  const directory = yield* SiteDirectory
  const webhooks = yield* Webhooks
  const deliveries = yield* Deliveries
  const services = yield* Effect.context<Webhooks | SiteDirectory | OutwardClient>()
  return {
    list: Effect.fnUntraced(function* ({ params: { site_id } }: OfSite) {
      const site = yield* directory.byWebsiteConfigId(site_id)
      if (Option.isNone(site)) return yield* Effect.fail(Errors.unknownSite)
      return OwnerWebhooks.Webhooks.make({ webhooks: yield* webhooks.list(site_id) })
    }),
    create: Effect.fnUntraced(
      function* ({ params, payload }: OfSite & { readonly payload: typeof OwnerWebhooks.NewWebhook.Type }) {
        const { events = [], format = "standard", url } = payload
        yield* requireAllowed(options, url)
        const created = yield* webhooks.create(params.site_id, { url, events, format })
        return yield* Effect.fromOption(created, () => Errors.unknownSite)
      },
      Effect.catchTag("SecretsKeyUnusable", keyUnusable)
    ),
    update: Effect.fnUntraced(function* ({
      params,
      payload
    }: OfWebhook & { readonly payload: typeof OwnerWebhooks.WebhookChange.Type }) {
      if (payload.url !== undefined) yield* requireAllowed(options, payload.url)
      const updated = yield* webhooks.update(params.site_id, params.webhook_id, payload)
      return OwnerWebhooks.Webhook.make(yield* orNoWebhook(updated))
    }),
    rotate: ({ params }: OfWebhook) =>
      Effect.flatMap(webhooks.rotate(params.site_id, params.webhook_id), orNoWebhook).pipe(
        Effect.catchTag("SecretsKeyUnusable", keyUnusable)
      ),
    test: ({ params }: OfWebhook) =>
      TestDeliveries.webhook(params.site_id, params.webhook_id).pipe(
        Effect.provide(services),
        Effect.flatMap(orNoWebhook),
        Effect.catchTag("SecretsKeyUnusable", keyUnusable)
      ),
    delivery: Effect.fnUntraced(function* ({
      params
    }: OfWebhook & { readonly params: { readonly event_id: EventId } }) {
      yield* Effect.flatMap(webhooks.find(params.site_id, params.webhook_id), orNoWebhook)
      const found = yield* deliveries.show(params.webhook_id, params.event_id)
      return yield* Effect.fromOption(found, () => WebhookHandlers.noDelivery)
    })
  }
})
