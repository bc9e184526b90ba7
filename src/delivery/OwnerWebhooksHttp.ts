/**
 * The endpoints at and below `/v1/owner/sites/{site_id}/webhooks`, and at `…/submissions/{submission_id}/deliveries`.
 *
 * An owner must not see or change what the operator set for a receiver in the operator's network: its URL, its answers and its
 * secret.
 *
 * @module
 */
import { Effect, Layer, Option } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../api/OwnerApi.ts"
import { Inbox } from "../forms/Inbox.ts"
import { unknownSubmission } from "../forms/OwnerSubmissionsHttp.ts"
import type { WebhookId } from "../platform/Id.ts"
import { RateLimiter, type RateLimitPolicy } from "../platform/limits/RateLimit.ts"
import type * as AddressGuard from "../platform/outward/AddressGuard.ts"
import type { OutwardClient } from "../platform/outward/OutwardClient.ts"
import * as Calendar from "../platform/text/Calendar.ts"
import * as Access from "../sites/access/Access.ts"
import { Caller } from "../sites/access/AuthenticationApi.ts"
import * as Authorized from "../sites/access/Authorized.ts"
import * as Errors from "../sites/access/Errors.ts"
import * as Fields from "../sites/access/Fields.ts"
import { SiteSlots } from "../sites/access/SiteSlots.ts"
import type { Site } from "../sites/Site.ts"
import type { SiteDirectory } from "../sites/SiteDirectory.ts"
import { Deliveries, type DeliveryStatus, type ReplaySelection, withoutAnswers } from "./Delivery.ts"
import { Notifications } from "./mail/Notification.ts"
import * as TestDeliveries from "./TestDeliveries.ts"
import * as Webhook from "./Webhook.ts"

export interface Options {
  /** Hosts outside the public internet that the operator allows. Only the command line can use them in a webhook. */
  readonly webhookAllow: ReadonlyArray<AddressGuard.AllowedHost>
}

export const noWebhook = Errors.make("NotFound", "This website has no such webhook. The webhook may have been deleted.")

export const noDelivery = Errors.make(
  "NotFound",
  "This webhook has no such delivery. The delivery's retention may have ended."
)

const noPayload = Errors.make(
  "NotFound",
  "This delivery cannot be attempted again, because what its event contained was deleted."
)

const withoutKey = ({ reason }: Webhook.SecretsKeyUnusable) =>
  Effect.fail(
    Errors.invalid(
      null,
      reason === "missing"
        ? "this service stores no secrets until its operator sets SECRETS_KEY"
        : "this webhook's secret was encrypted with another SECRETS_KEY; the service's operator must set that key"
    )
  )

const operatorsUrl = Errors.invalid(
  "url",
  "only the operator can change the URL of this webhook; delete it and create another one"
)

const operatorsSecret = Errors.invalid(null, "only the operator can change the secret of this webhook")

/** The limit of a website, because each of these sends a request, and a receiver need not belong to the owner. */
const sendLimit: RateLimitPolicy = { name: "webhooksend", limit: Webhook.maxSends, windowMillis: Calendar.hourMillis }

const tooManySends = (resetMillis: number) =>
  Errors.tooMany(
    `A website can have at most ${Webhook.maxSends} webhook tests, retries and replays an hour. Wait as many seconds as Retry-After says.`,
    resetMillis
  )

const selectionOf = (
  webhookId: WebhookId,
  { since, status }: { readonly since: string; readonly status?: DeliveryStatus }
): ReplaySelection => ({ webhookId, since: Date.parse(since), status })

const webhooks = ({ webhookAllow }: Options) =>
  HttpApiBuilder.group(
    OwnerApi,
    "webhooks",
    Effect.fnUntraced(function* (handlers) {
      const operations = yield* SiteSlots
      const webhooks = yield* Webhook.Webhooks
      const deliveries = yield* Deliveries
      const services = yield* Effect.context<Webhook.Webhooks | SiteDirectory | OutwardClient>()
      const limiter = yield* RateLimiter

      const countSend = ({ websiteConfigId }: Site) =>
        Effect.flatMap(limiter.take(sendLimit, websiteConfigId), ({ accepted, resetMillis }) =>
          accepted ? Effect.void : Effect.fail(tooManySends(resetMillis))
        )

      const show = (webhook: Webhook.StoredWebhook) => Webhook.shownToOwners(webhookAllow, webhook)

      const find = ({ websiteConfigId }: Site, webhookId: WebhookId) =>
        webhooks
          .find(websiteConfigId, webhookId)
          .pipe(Effect.flatMap(Effect.fromOption(() => noWebhook)), Effect.map(show))

      const orNoWebhook = <A>(option: Option.Option<A>) => Effect.fromOption(option, () => noWebhook)

      /** Checks the host as it is written. The addresses of a host name are checked whenever a connection opens. */
      const requirePublic = ({ websiteConfigId }: Site, url: string) =>
        Option.match(Webhook.ownersRefusalOf(webhookAllow, url), {
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
            const { access } = yield* Caller
            const isUrlShown = Access.permits(access, "settings", "change", site.websiteConfigId)
            const own = yield* webhooks.list(site.websiteConfigId)
            // A URL may hold a secret, so only a caller who may change the webhook sees it.
            return { webhooks: own.map(show).map((webhook) => (isUrlShown ? webhook : { ...webhook, url: null })) }
          })
        )
        .handle(
          "create",
          Effect.fnUntraced(
            function* ({ payload: { events = [], format = "standard", url } }) {
              const { site } = yield* Authorized.settings.change.proof
              yield* requirePublic(site, url)
              const created = yield* webhooks.create(site.websiteConfigId, { url, events, format })
              // The website was deleted meanwhile.
              return yield* Effect.fromOption(created, () => Errors.unknownSite)
            },
            Effect.catchTag("SecretsKeyUnusable", withoutKey)
          )
        )
        .handle(
          "update",
          Effect.fnUntraced(function* ({ params, payload: change }) {
            const { site } = yield* Authorized.settings.change.proof
            const { url } = yield* find(site, params.webhook_id)
            if (change.url !== undefined) {
              if (url === null) return yield* Effect.fail(operatorsUrl)
              yield* requirePublic(site, change.url)
            }
            const updated = yield* webhooks.update(site.websiteConfigId, params.webhook_id, change)
            return show(yield* orNoWebhook(updated))
          })
        )
        .handle(
          "delete",
          Effect.fnUntraced(function* ({ params }) {
            const { site } = yield* Authorized.settings.change.proof
            if (!(yield* webhooks.delete(site.websiteConfigId, params.webhook_id))) return yield* Effect.fail(noWebhook)
          })
        )
        .handle(
          "rotate",
          Effect.fnUntraced(
            function* ({ params }) {
              const { site } = yield* Authorized.settings.change.proof
              const { url } = yield* find(site, params.webhook_id)
              if (url === null) return yield* Effect.fail(operatorsSecret)
              return yield* Effect.flatMap(webhooks.rotate(site.websiteConfigId, params.webhook_id), orNoWebhook)
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
              const tested = yield* TestDeliveries.webhook(site.websiteConfigId, params.webhook_id).pipe(
                Effect.provide(services),
                Effect.flatMap(orNoWebhook)
              )
              return url === null ? Webhook.withoutAnswer(tested) : tested
            },
            Effect.catchTag("SecretsKeyUnusable", withoutKey)
          )
        )
        .handle(
          "deliveries",
          Effect.fnUntraced(function* ({ params, query }) {
            const { site } = yield* Authorized.settings.read.proof
            const { webhook_id: webhookId } = yield* find(site, params.webhook_id)
            const listed = yield* deliveries.list({ webhookId, status: query.status, ...Fields.rangeOf(query) })
            return { deliveries: listed.items, next: Fields.formatNext(listed.next) }
          })
        )
        .handle(
          "countReplay",
          Effect.fnUntraced(function* ({ params, query }) {
            const { site } = yield* Authorized.settings.read.proof
            const { webhook_id: webhookId } = yield* find(site, params.webhook_id)
            return { deliveries: yield* deliveries.countReplay(selectionOf(webhookId, query)) }
          })
        )
        .handle(
          "replay",
          Effect.fnUntraced(function* ({ params, payload }) {
            const { site } = yield* Authorized.settings.change.proof
            const { webhook_id: webhookId } = yield* find(site, params.webhook_id)
            yield* countSend(site)
            return { deliveries: yield* deliveries.replay(selectionOf(webhookId, payload)) }
          })
        )
        .handle(
          "delivery",
          Effect.fnUntraced(function* ({ params }) {
            const { site } = yield* Authorized.settings.read.proof
            const { url, webhook_id: webhookId } = yield* find(site, params.webhook_id)
            const found = yield* deliveries.show(webhookId, params.event_id)
            const details = yield* Effect.fromOption(found, () => noDelivery)
            return url === null ? withoutAnswers(details) : details
          })
        )
        .handle(
          "retry",
          Effect.fnUntraced(function* ({ params }) {
            const { site } = yield* Authorized.settings.change.proof
            const { webhook_id: webhookId } = yield* find(site, params.webhook_id)
            yield* countSend(site)
            if (yield* deliveries.retry(webhookId, params.event_id)) return
            const details = yield* deliveries.show(webhookId, params.event_id)
            return yield* Effect.fail(Option.isSome(details) ? noPayload : noDelivery)
          })
        )
    })
  )

const submissionDeliveries = ({ webhookAllow }: Options) =>
  HttpApiBuilder.group(
    OwnerApi,
    "submissionDeliveries",
    Effect.fnUntraced(function* (handlers) {
      const inbox = yield* Inbox
      const { lists } = yield* SiteSlots
      const webhooks = yield* Webhook.Webhooks
      const deliveries = yield* Deliveries
      const notifications = yield* Notifications
      return handlers.handle(
        "list",
        Effect.fnUntraced(function* ({ params: { submission_id: submissionId } }) {
          const { websiteConfigId } = (yield* Authorized.inbox.read.proof).site
          const submission = yield* lists.run(websiteConfigId, inbox.find(websiteConfigId, submissionId))
          if (Option.isNone(submission)) return yield* Effect.fail(unknownSubmission)
          const found = yield* deliveries.ofSubmission(websiteConfigId, submissionId)
          const own = new Map((yield* webhooks.list(websiteConfigId)).map((webhook) => [webhook.webhook_id, webhook]))
          return {
            webhooks: found.flatMap((delivery) => {
              const webhook = own.get(delivery.webhook_id)
              return webhook === undefined
                ? []
                : [{ ...delivery, host: Webhook.shownToOwners(webhookAllow, webhook).host }]
            }),
            mails: yield* notifications.ofSubmission(websiteConfigId, submissionId)
          }
        })
      )
    })
  )

export const layer = (options: Options) => Layer.merge(webhooks(options), submissionDeliveries(options))
