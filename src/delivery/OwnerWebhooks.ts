/**
 * Webhooks for the owner API: only of websites that the caller is authorized for.
 *
 * An owner must not see or change what the operator set for a receiver in the operator's network: its URL, its answers and its
 * secret.
 *
 * @module
 */
import { Context, Effect, Layer, Option } from "effect"
import { LimitReached } from "../platform/limits/LimitReached.ts"
import type { RateLimitPolicy } from "../platform/limits/RateLimit.ts"
import { RateLimiter } from "../platform/limits/RateLimiter.ts"
import type * as AddressGuard from "../platform/outward/AddressGuard.ts"
import type { StorageUnavailable } from "../platform/Storage.ts"
import { hourMillis } from "../platform/text/Calendar.ts"
import type { Part } from "../platform/text/Cursor.ts"
import type { AnyAuthorizedSite, AuthorizedSite } from "../sites/access/Access.ts"
import { CreationTurns } from "../sites/access/CreationTurns.ts"
import * as Errors from "../sites/access/Errors.ts"
import * as Validation from "../sites/access/Validation.ts"
import * as Maximums from "../sites/Maximums.ts"
import * as OwnerSites from "../sites/OwnerSites.ts"
import { Deliveries } from "./Deliveries.ts"
import * as OperatorsWebhook from "./OperatorsWebhook.ts"
import type { Selection } from "./Replay.ts"
import { TestDeliveries, type TestedWebhook } from "./TestDeliveries.ts"
import { type Delivery, type DeliveryDetails, maxSends, type Webhook, type WebhookChange } from "./Webhook.ts"
import { type NewSecret, type SecretsKeyUnusable, Webhooks } from "./Webhooks.ts"

type Failure = (typeof Errors.NotFound)["Type"] | Errors.ValidationFailed | StorageUnavailable
type TooManyRequests = (typeof Errors.TooManyRequests)["Type"]
type ShownWebhook = OperatorsWebhook.ShownWebhook
type NewWebhook = Pick<Webhook, "url" | "events" | "format">

export class OwnerWebhooks extends Context.Service<
  OwnerWebhooks,
  {
    readonly list: (proof: AuthorizedSite<"read">) => Effect.Effect<ReadonlyArray<ShownWebhook>, StorageUnavailable>
    /** Fails if the URL is not on the public internet. */
    readonly create: (
      proof: AuthorizedSite<"write">,
      webhook: NewWebhook
    ) => Effect.Effect<NewSecret, Failure | LimitReached>
    /** Fails if the new URL is not on the public internet, or if only the operator may change the URL. */
    readonly update: (
      proof: AuthorizedSite<"write">,
      webhookId: string,
      change: WebhookChange
    ) => Effect.Effect<ShownWebhook, Failure>
    readonly delete: (proof: AuthorizedSite<"write">, webhookId: string) => Effect.Effect<void, Failure>
    /** Fails if only the operator may change the secret. */
    readonly rotate: (proof: AuthorizedSite<"write">, webhookId: string) => Effect.Effect<NewSecret, Failure>
    /** Fails over the limit of what owners send, like `retry` and `replay`. */
    readonly test: (
      proof: AuthorizedSite<"write">,
      webhookId: string
    ) => Effect.Effect<TestedWebhook, Failure | TooManyRequests>
    readonly deliveries: (
      proof: AuthorizedSite<"read">,
      webhookId: string,
      query: Omit<Parameters<Deliveries["Service"]["list"]>[0], "webhookId">
    ) => Effect.Effect<Part<Delivery>, Failure>
    readonly delivery: (
      proof: AuthorizedSite<"read">,
      webhookId: string,
      eventId: string
    ) => Effect.Effect<DeliveryDetails, Failure>
    readonly retry: (
      proof: AuthorizedSite<"write">,
      webhookId: string,
      eventId: string
    ) => Effect.Effect<void, Failure | TooManyRequests>
    readonly countReplay: (proof: AuthorizedSite<"read">, selection: Selection) => Effect.Effect<number, Failure>
    readonly replay: (
      proof: AuthorizedSite<"write">,
      selection: Selection
    ) => Effect.Effect<number, Failure | TooManyRequests>
    /** The deliveries of a submission, each with its webhook. */
    readonly ofSubmission: (
      proof: AuthorizedSite<"inbox:read">,
      submissionId: string
    ) => Effect.Effect<ReadonlyArray<readonly [Delivery, ShownWebhook]>, StorageUnavailable>
  }
>()("hydracore/delivery/OwnerWebhooks") {}

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

const fault = (loc: ReadonlyArray<string>, msg: string) =>
  Effect.fail(Validation.failed([{ loc, msg: `Value error, ${msg}`, type: "value_error" }]))

const withoutKey = ({ reason }: SecretsKeyUnusable) =>
  fault(
    ["body"],
    reason === "missing"
      ? "this service stores no secrets until its operator sets SECRETS_KEY"
      : "this webhook's secret was encrypted with another SECRETS_KEY; the service's operator must set that key"
  )

const operatorsUrl = fault(
  ["body", "url"],
  "only the operator can change the URL of this webhook; delete it and create another one"
)

const operatorsSecret = fault(["body"], "only the operator can change the secret of this webhook")

/** The limit of a website, because each of these sends a request, and a receiver need not belong to the owner. */
const sendLimit: RateLimitPolicy = { name: "webhooksend", limit: maxSends, windowMillis: hourMillis }

const tooManySends = (resetMillis: number): TooManyRequests => ({
  _tag: "TooManyRequests",
  detail: `A website can have at most ${maxSends} webhook tests, retries and replays an hour. Wait as many seconds as Retry-After says.`,
  headers: { "retry-after": Math.max(1, Math.ceil(resetMillis / 1000)) }
})

export const layer = ({
  webhookAllow
}: Options): Layer.Layer<OwnerWebhooks, never, Webhooks | Deliveries | TestDeliveries | RateLimiter | CreationTurns> =>
  Layer.effect(
    OwnerWebhooks,
    Effect.gen(function* () {
      const webhooks = yield* Webhooks
      const deliveries = yield* Deliveries
      const tests = yield* TestDeliveries
      const limiter = yield* RateLimiter
      const { inTurn } = yield* CreationTurns

      const countSend = ({ site }: AuthorizedSite<"write">) =>
        Effect.flatMap(limiter.take(sendLimit, site.websiteConfigId), ({ accepted, resetMillis }) =>
          accepted ? Effect.void : Effect.fail(tooManySends(resetMillis))
        )

      const show = (webhook: Webhook): ShownWebhook =>
        OperatorsWebhook.isOperators(webhookAllow, webhook) ? { ...webhook, url: null } : webhook

      const list = ({ site }: AnyAuthorizedSite) =>
        Effect.map(webhooks.list(site.websiteConfigId), (own) => own.map(show))

      const requireOwn = (proof: AuthorizedSite<"read">, webhookId: string) =>
        Effect.flatMap(list(proof), (own) =>
          Effect.fromOption(
            Option.fromUndefinedOr(own.find((webhook) => webhook.webhookId === webhookId)),
            () => noWebhook
          )
        )

      /** Checks the host as it is written. The addresses of a host name are checked whenever a connection opens. */
      const requirePublic = ({ site }: AuthorizedSite<"write">, url: string | undefined) =>
        url === undefined
          ? Effect.void
          : Option.match(OperatorsWebhook.refusalOf(webhookAllow, url), {
              onNone: () => Effect.void,
              onSome: (refusal) =>
                fault(
                  ["body", "url"],
                  `${refusal}. The operator can set it with \`hydracore webhook create --site ${site.websiteConfigId} --url …\` if WEBHOOK_ALLOW lists the host`
                )
            })

      const orNoWebhook = <A>(option: Option.Option<A>) => Effect.fromOption(option, () => noWebhook)

      return {
        list,
        create: Effect.fnUntraced(
          function* (proof, webhook) {
            yield* requirePublic(proof, webhook.url)
            const { length } = yield* list(proof)
            if (length >= Maximums.webhooks.max) return yield* new LimitReached({ maximum: Maximums.webhooks })
            return yield* webhooks.create({ ...webhook, websiteConfigId: proof.site.websiteConfigId }).pipe(
              Effect.catchTag("SecretsKeyUnusable", withoutKey),
              // The website was deleted meanwhile.
              Effect.flatMap(Effect.fromOption(() => OwnerSites.notFound))
            )
          },
          (creation, { site }) => inTurn([site.websiteConfigId])(creation)
        ),
        update: Effect.fnUntraced(function* (proof, webhookId, change) {
          const { url } = yield* requireOwn(proof, webhookId)
          if (url === null && change.url !== undefined) return yield* operatorsUrl
          yield* requirePublic(proof, change.url)
          return show(yield* Effect.flatMap(webhooks.update(webhookId, change), orNoWebhook))
        }),
        delete: Effect.fnUntraced(function* (proof, webhookId) {
          yield* requireOwn(proof, webhookId)
          if (!(yield* webhooks.delete(webhookId))) return yield* Effect.fail(noWebhook)
        }),
        rotate: Effect.fnUntraced(function* (proof, webhookId) {
          const { url } = yield* requireOwn(proof, webhookId)
          if (url === null) return yield* operatorsSecret
          return yield* webhooks
            .rotate(webhookId)
            .pipe(Effect.catchTag("SecretsKeyUnusable", withoutKey), Effect.flatMap(orNoWebhook))
        }),
        test: Effect.fnUntraced(function* (proof, webhookId) {
          const { url } = yield* requireOwn(proof, webhookId)
          yield* countSend(proof)
          const tested = yield* tests
            .webhook(webhookId)
            .pipe(Effect.catchTag("SecretsKeyUnusable", withoutKey), Effect.flatMap(orNoWebhook))
          return url === null ? OperatorsWebhook.withoutAnswer(tested) : tested
        }),
        deliveries: (proof, webhookId, query) =>
          Effect.andThen(requireOwn(proof, webhookId), deliveries.list({ webhookId, ...query })),
        countReplay: (proof, selection) =>
          Effect.andThen(requireOwn(proof, selection.webhookId), deliveries.countReplay(selection)),
        replay: Effect.fnUntraced(function* (proof, selection) {
          yield* requireOwn(proof, selection.webhookId)
          yield* countSend(proof)
          return yield* deliveries.replay(selection)
        }),
        delivery: Effect.fnUntraced(function* (proof, webhookId, eventId) {
          const { url } = yield* requireOwn(proof, webhookId)
          const details = yield* Effect.flatMap(
            deliveries.show(webhookId, eventId),
            Effect.fromOption(() => noDelivery)
          )
          return url === null ? OperatorsWebhook.withoutAnswers(details) : details
        }),
        retry: Effect.fnUntraced(function* (proof, webhookId, eventId) {
          yield* requireOwn(proof, webhookId)
          yield* countSend(proof)
          if (yield* deliveries.retry(webhookId, eventId)) return
          const details = yield* deliveries.show(webhookId, eventId)
          return yield* Effect.fail(Option.isSome(details) ? noPayload : noDelivery)
        }),
        ofSubmission: Effect.fnUntraced(function* (proof, submissionId) {
          const own = new Map((yield* list(proof)).map((webhook) => [webhook.webhookId, webhook]))
          const found = yield* deliveries.ofSubmission(proof.site.websiteConfigId, submissionId)
          return found.flatMap((delivery) => {
            const webhook = own.get(delivery.webhookId)
            return webhook === undefined ? [] : [[delivery, webhook] as const]
          })
        })
      }
    })
  )
