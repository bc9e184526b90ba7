/**
 * The endpoints at and below `/v1/owner/sites/{site_id}/webhooks`.
 *
 * An owner must not see or change what the operator set for a receiver in the operator's network: its URL, its answers and its
 * secret.
 *
 * @module
 */
import { Effect, Option } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../api/OwnerApi.ts"
import type { RateLimitPolicy } from "../platform/limits/RateLimit.ts"
import { RateLimiter } from "../platform/limits/RateLimit.ts"
import type * as AddressGuard from "../platform/outward/AddressGuard.ts"
import * as Calendar from "../platform/text/Calendar.ts"
import * as Access from "../sites/access/Access.ts"
import { Caller } from "../sites/access/AuthenticationApi.ts"
import * as Authorized from "../sites/access/Authorized.ts"
import { CallerOperations } from "../sites/access/CallerOperations.ts"
import * as Errors from "../sites/access/Errors.ts"
import * as ListQuery from "../sites/access/ListQuery.ts"
import type { Site } from "../sites/Site.ts"
import { Deliveries } from "./Deliveries.ts"
import * as OperatorsWebhook from "./OperatorsWebhook.ts"
import type { Selection } from "./Replay.ts"
import { TestDeliveries } from "./TestDeliveries.ts"
import * as Webhook from "./Webhook.ts"
import { type NewSecret, type SecretsKeyUnusable, Webhooks } from "./Webhooks.ts"

export interface Options {
  /** Hosts outside the public internet that the operator allows. Only the command line can use them in a webhook. */
  readonly webhookAllow: ReadonlyArray<AddressGuard.AllowedHost>
}

const noWebhook = Errors.make("NotFound", "This website has no such webhook. The webhook may have been deleted.")

const noDelivery = Errors.make(
  "NotFound",
  "This webhook has no such delivery. The delivery's retention may have ended."
)

const noPayload = Errors.make(
  "NotFound",
  "This delivery cannot be attempted again, because what its event contained was deleted."
)

const withoutKey = ({ reason }: SecretsKeyUnusable) =>
  Effect.fail(
    Errors.invalidBody(
      reason === "missing"
        ? "this service stores no secrets until its operator sets SECRETS_KEY"
        : "this webhook's secret was encrypted with another SECRETS_KEY; the service's operator must set that key"
    )
  )

const operatorsUrl = Errors.invalid(
  "url",
  "only the operator can change the URL of this webhook; delete it and create another one"
)

const operatorsSecret = Errors.invalidBody("only the operator can change the secret of this webhook")

/** The limit of a website, because each of these sends a request, and a receiver need not belong to the owner. */
const sendLimit: RateLimitPolicy = { name: "webhooksend", limit: Webhook.maxSends, windowMillis: Calendar.hourMillis }

const tooManySends = (resetMillis: number): (typeof Errors.TooManyRequests)["Type"] => ({
  _tag: "TooManyRequests",
  detail: `A website can have at most ${Webhook.maxSends} webhook tests, retries and replays an hour. Wait as many seconds as Retry-After says.`,
  headers: { "retry-after": Math.max(1, Math.ceil(resetMillis / 1000)) }
})

/** A URL may hold a secret, so only a caller who may change the webhook sees it. */
const toJson = (webhook: OperatorsWebhook.ShownWebhook, isUrlShown: boolean) => ({
  webhook_id: webhook.webhookId,
  url: isUrlShown ? webhook.url : null,
  host: webhook.url === null ? null : Webhook.hostOf(webhook.url),
  events: webhook.events,
  format: webhook.format,
  created_at: Calendar.iso(webhook.createdAt),
  failing_since: Calendar.isoOrNull(webhook.failingSince),
  disabled_at: Calendar.isoOrNull(webhook.disabledAt)
})

const secretJson = ({ secret, webhook }: NewSecret) => ({ webhook_id: webhook.webhookId, secret })

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

export const layer = ({ webhookAllow }: Options) =>
  HttpApiBuilder.group(
    OwnerApi,
    "webhooks",
    Effect.fnUntraced(function* (handlers) {
      const operations = yield* CallerOperations
      const webhooks = yield* Webhooks
      const deliveries = yield* Deliveries
      const tests = yield* TestDeliveries
      const limiter = yield* RateLimiter

      const countSend = ({ websiteConfigId }: Site) =>
        Effect.flatMap(limiter.take(sendLimit, websiteConfigId), ({ accepted, resetMillis }) =>
          accepted ? Effect.void : Effect.fail(tooManySends(resetMillis))
        )

      const show = (webhook: Webhook.Webhook) => OperatorsWebhook.shown(webhookAllow, webhook)

      const find = ({ websiteConfigId }: Site, webhookId: string) =>
        webhooks
          .find(websiteConfigId, webhookId)
          .pipe(Effect.flatMap(Effect.fromOption(() => noWebhook)), Effect.map(show))

      const orNoWebhook = <A>(option: Option.Option<A>) => Effect.fromOption(option, () => noWebhook)

      /** Checks the host as it is written. The addresses of a host name are checked whenever a connection opens. */
      const requirePublic = ({ websiteConfigId }: Site, url: string) =>
        Option.match(OperatorsWebhook.refusalOf(webhookAllow, url), {
          onNone: () => Effect.void,
          onSome: (refusal) =>
            Effect.fail(
              Errors.invalid(
                "url",
                `${refusal}. The operator can set it with \`hydracore webhook create --site ${websiteConfigId} --url …\` if WEBHOOK_ALLOW lists the host`
              )
            )
        })

      return handlers
        .handle(
          "list",
          Effect.fnUntraced(function* () {
            const { site } = yield* Authorized.settings.read.proof
            const isUrlShown = Access.permits(yield* Caller, "settings", "change")
            const own = yield* webhooks.list(site.websiteConfigId)
            return { webhooks: own.map((webhook) => toJson(show(webhook), isUrlShown)) }
          })
        )
        .handle(
          "create",
          Effect.fnUntraced(
            function* ({ payload: { events = [], format = "standard", url } }) {
              const { site } = yield* Authorized.settings.change.proof
              yield* requirePublic(site, url)
              const created = yield* webhooks.create({ url, events, format, websiteConfigId: site.websiteConfigId })
              // The website was deleted meanwhile.
              return secretJson(yield* Effect.fromOption(created, () => Errors.unknownSite))
            },
            Effect.catchTag("SecretsKeyUnusable", withoutKey)
          )
        )
        .handle(
          "update",
          Effect.fnUntraced(function* ({ params, payload: { enabled, ...change } }) {
            const { site } = yield* Authorized.settings.change.proof
            const { url } = yield* find(site, params.webhook_id)
            if (change.url !== undefined) {
              if (url === null) return yield* Effect.fail(operatorsUrl)
              yield* requirePublic(site, change.url)
            }
            const updated = yield* webhooks.update(params.webhook_id, {
              ...change,
              ...(enabled === undefined ? {} : { isEnabled: enabled })
            })
            return toJson(show(yield* orNoWebhook(updated)), true)
          })
        )
        .handle(
          "delete",
          Effect.fnUntraced(function* ({ params }) {
            const { site } = yield* Authorized.settings.change.proof
            yield* find(site, params.webhook_id)
            if (!(yield* webhooks.delete(params.webhook_id))) return yield* Effect.fail(noWebhook)
          })
        )
        .handle(
          "rotate",
          Effect.fnUntraced(
            function* ({ params }) {
              const { site } = yield* Authorized.settings.change.proof
              const { url } = yield* find(site, params.webhook_id)
              if (url === null) return yield* Effect.fail(operatorsSecret)
              return secretJson(yield* Effect.flatMap(webhooks.rotate(params.webhook_id), orNoWebhook))
            },
            Effect.catchTag("SecretsKeyUnusable", withoutKey)
          )
        )
        .handle(
          "test",
          Effect.fnUntraced(
            function* ({ params }) {
              const { site } = yield* Authorized.settings.change.proof
              yield* operations.beginTest
              const { url } = yield* find(site, params.webhook_id)
              yield* countSend(site)
              const tested = yield* Effect.flatMap(tests.webhook(params.webhook_id), orNoWebhook)
              const shown = url === null ? OperatorsWebhook.withoutAnswer(tested) : tested
              return { event_id: shown.eventId, delivered: shown.isDelivered, ...resultJson(shown) }
            },
            Effect.catchTag("SecretsKeyUnusable", withoutKey)
          )
        )
        .handle(
          "deliveries",
          Effect.fnUntraced(function* ({ params, query }) {
            const { site } = yield* Authorized.settings.read.proof
            const { webhookId } = yield* find(site, params.webhook_id)
            const listed = yield* deliveries.list({ webhookId, status: query.status, ...ListQuery.rangeOf(query) })
            return { deliveries: listed.items.map(deliveryJson), next: ListQuery.formatNext(listed.next) }
          })
        )
        .handle(
          "countReplay",
          Effect.fnUntraced(function* ({ params, query }) {
            const { site } = yield* Authorized.settings.read.proof
            const { webhookId } = yield* find(site, params.webhook_id)
            return { deliveries: yield* deliveries.countReplay(selectionOf(webhookId, query)) }
          })
        )
        .handle(
          "replay",
          Effect.fnUntraced(function* ({ params, payload }) {
            const { site } = yield* Authorized.settings.change.proof
            const { webhookId } = yield* find(site, params.webhook_id)
            yield* countSend(site)
            return { deliveries: yield* deliveries.replay(selectionOf(webhookId, payload)) }
          })
        )
        .handle(
          "delivery",
          Effect.fnUntraced(function* ({ params }) {
            const { site } = yield* Authorized.settings.read.proof
            const { url, webhookId } = yield* find(site, params.webhook_id)
            const found = yield* deliveries.show(webhookId, params.event_id)
            const details = yield* Effect.fromOption(found, () => noDelivery)
            const shown = url === null ? OperatorsWebhook.withoutAnswers(details) : details
            return {
              ...deliveryJson(shown),
              payload: shown.payload,
              history: shown.history.map((attempt) => ({
                attempted_at: Calendar.iso(attempt.attemptedAt),
                ...resultJson(attempt)
              }))
            }
          })
        )
        .handle(
          "retry",
          Effect.fnUntraced(function* ({ params }) {
            const { site } = yield* Authorized.settings.change.proof
            const { webhookId } = yield* find(site, params.webhook_id)
            yield* countSend(site)
            if (yield* deliveries.retry(webhookId, params.event_id)) return
            const details = yield* deliveries.show(webhookId, params.event_id)
            return yield* Effect.fail(Option.isSome(details) ? noPayload : noDelivery)
          })
        )
    })
  )
