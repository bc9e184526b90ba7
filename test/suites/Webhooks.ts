/**
 * The tests that every layer of `Webhooks` must pass.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { assert, layer as shared } from "@effect/vitest"
import { Effect, type Layer, Option } from "effect"
import { type StoredWebhook, Webhooks } from "../../src/delivery/Webhook.ts"
import { SubmissionRepo } from "../../src/forms/SubmissionRepo.ts"
import { WebhookId, WebsiteConfigId } from "../../src/platform/Id.ts"
import { SiteErasure } from "../../src/sites/SiteErasure.ts"
import { deliveriesOf, fanOutAll, leaseOf, newSite, newWebhook, type Storage } from "../support/Delivery.ts"
import { only } from "../support/Only.ts"
import * as SubmissionDraft from "../support/SubmissionDraft.ts"
import { laterTime } from "../support/Wait.ts"

const url = "https://hooks.example/"

const listed = (site: WebsiteConfigId) => Webhooks.use((webhooks) => webhooks.list(site))

const idsOf = (webhooks: ReadonlyArray<StoredWebhook>) => webhooks.map(({ webhook_id }) => webhook_id)

const submit = (site: WebsiteConfigId) => SubmissionRepo.use((repo) => repo.submit(SubmissionDraft.make(site)))

export const suite = <E>(name: string, layer: Layer.Layer<Storage, E>) =>
  shared(layer, { excludeTestServices: true })(name, (it) => {
    it.effect("lists the webhooks of a website, oldest first, without their secrets", () =>
      Effect.gen(function* () {
        const [site, other] = [yield* newSite, yield* newSite]
        const first = yield* newWebhook(site, url, ["submission.accepted"])
        yield* newWebhook(other, url)
        yield* laterTime
        const second = yield* newWebhook(site, `${url}2`)
        const found = yield* listed(site)
        assert.deepStrictEqual(idsOf(found), [first.webhook.webhookId, second.webhook.webhookId])
        assert.deepInclude(found[0], {
          url,
          host: "hooks.example",
          events: ["submission.accepted"],
          format: "standard",
          failing_since: null,
          disabled_at: null
        })
        assert.match(first.secret, /^whsec_/)
        assert.notStrictEqual(first.secret, second.secret)
      })
    )

    it.effect("finds, creates, changes and deletes nothing for unknown ids, and nothing of another website", () =>
      Effect.gen(function* () {
        const webhooks = yield* Webhooks
        const unknown = WebsiteConfigId.make(randomUUID())
        const request = { url, events: [], format: "standard" } as const
        assert.isTrue(Option.isNone(yield* webhooks.create(unknown, request)))
        assert.deepStrictEqual(yield* webhooks.list(unknown), [])
        const site = yield* newSite
        const { secret, webhook } = yield* newWebhook(site, url)
        for (const [owner, id] of [
          [site, WebhookId.make(randomUUID())],
          [yield* newSite, webhook.webhookId]
        ] as const) {
          assert.isTrue(Option.isNone(yield* webhooks.find(owner, id)))
          assert.isTrue(Option.isNone(yield* webhooks.update(owner, id, { url: `${url}2` })))
          assert.isTrue(Option.isNone(yield* webhooks.rotate(owner, id)))
          assert.isTrue(Option.isNone(yield* webhooks.withSecrets(owner, id)))
          assert.isFalse(yield* webhooks.delete(owner, id))
        }
        assert.deepStrictEqual(
          yield* webhooks.withSecrets(site, webhook.webhookId),
          Option.some({ receiver: webhook, secrets: [secret] })
        )
      })
    )

    it.effect("an update changes only the given members, and enabling a webhook clears `disabled_at`", () =>
      Effect.gen(function* () {
        const webhooks = yield* Webhooks
        const site = yield* newSite
        const { webhookId } = (yield* newWebhook(site, url)).webhook
        const [webhook] = yield* listed(site)
        const changed = Option.getOrThrow(yield* webhooks.update(site, webhookId, { url: `${url}2`, format: "slack" }))
        assert.deepStrictEqual(changed, { ...webhook, url: `${url}2`, format: "slack" })
        const disabled = Option.getOrThrow(yield* webhooks.update(site, webhookId, { enabled: false }))
        assert.isNotNull(disabled.disabled_at)
        const again = Option.getOrThrow(
          yield* webhooks.update(site, webhookId, { enabled: false, events: ["site.limit"] })
        )
        assert.deepStrictEqual(again, { ...disabled, events: ["site.limit"] })
        const enabled = Option.getOrThrow(yield* webhooks.update(site, webhookId, { enabled: true }))
        assert.deepStrictEqual(enabled, { ...again, disabled_at: null })
      })
    )

    it.effect(
      "the deliveries of a disabled webhook wait until it is enabled, and it gets no further ones meanwhile",
      () =>
        Effect.gen(function* () {
          const webhooks = yield* Webhooks
          const site = yield* newSite
          const { webhook } = yield* newWebhook(site, url)
          yield* submit(site)
          yield* fanOutAll
          yield* webhooks.update(webhook.websiteConfigId, webhook.webhookId, { enabled: false })
          const waiting = yield* deliveriesOf(webhook)
          assert.strictEqual(only(waiting).status, "pending")
          yield* submit(site)
          yield* fanOutAll
          assert.deepStrictEqual(yield* deliveriesOf(webhook), waiting)
          assert.deepStrictEqual(yield* leaseOf(webhook), [])
          yield* webhooks.update(webhook.websiteConfigId, webhook.webhookId, { enabled: true })
          assert.strictEqual(only(yield* leaseOf(webhook)).eventId, only(waiting).event_id)
        })
    )

    it.effect("after a rotation, a webhook has its new and its previous secret", () =>
      Effect.gen(function* () {
        const webhooks = yield* Webhooks
        const { secret, webhook } = yield* newWebhook(yield* newSite, url)
        const secrets = Effect.map(
          webhooks.withSecrets(webhook.websiteConfigId, webhook.webhookId),
          (found) => Option.getOrThrow(found).secrets
        )
        assert.deepStrictEqual(yield* secrets, [secret])
        const second = Option.getOrThrow(yield* webhooks.rotate(webhook.websiteConfigId, webhook.webhookId))
        assert.strictEqual(second.webhook_id, webhook.webhookId)
        assert.deepStrictEqual(yield* secrets, [second.secret, secret])
        const third = Option.getOrThrow(yield* webhooks.rotate(webhook.websiteConfigId, webhook.webhookId))
        assert.deepStrictEqual(yield* secrets, [third.secret, second.secret])
      })
    )

    it.effect("deleting a webhook deletes its deliveries, and other webhooks keep their deliveries", () =>
      Effect.gen(function* () {
        const webhooks = yield* Webhooks
        const site = yield* newSite
        const [deleted, other] = [yield* newWebhook(site, url), yield* newWebhook(site, url)]
        yield* submit(site)
        yield* fanOutAll
        assert.isTrue(yield* webhooks.delete(deleted.webhook.websiteConfigId, deleted.webhook.webhookId))
        assert.isFalse(yield* webhooks.delete(deleted.webhook.websiteConfigId, deleted.webhook.webhookId))
        assert.deepStrictEqual(idsOf(yield* listed(site)), [other.webhook.webhookId])
        assert.lengthOf(yield* deliveriesOf(deleted.webhook), 0)
        assert.lengthOf(yield* deliveriesOf(other.webhook), 1)
      })
    )

    it.effect("erasing a website deletes its webhooks and deliveries, and no others", () =>
      Effect.gen(function* () {
        const [erasedSite, otherSite] = [yield* newSite, yield* newSite]
        const [erased, other] = [yield* newWebhook(erasedSite, url), yield* newWebhook(otherSite, url)]
        for (const site of [erasedSite, otherSite]) yield* submit(site)
        yield* fanOutAll
        yield* SiteErasure.use((erasure) => erasure.erase(erasedSite))
        assert.deepStrictEqual(yield* listed(erasedSite), [])
        assert.deepStrictEqual(idsOf(yield* listed(otherSite)), [other.webhook.webhookId])
        assert.lengthOf(yield* deliveriesOf(erased.webhook), 0)
        assert.lengthOf(yield* deliveriesOf(other.webhook), 1)
      })
    )
  })
