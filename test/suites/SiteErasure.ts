/**
 * The tests that every layer of `SiteErasure` must pass: an erasure deletes a website with its data, deletes its
 * instances only if `withInstances` is set, and changes no other website.
 *
 * @module
 */

import { randomUUID } from "node:crypto"
import { assert, layer as shared } from "@effect/vitest"
import { Effect, type Layer, Option, Result, Schema } from "effect"
import { AnalyticsRepo } from "../../src/analytics/AnalyticsRepo.ts"
import type { Reports } from "../../src/analytics/reports/Reports.ts"
import { ConversationStore } from "../../src/chat/ConversationStore.ts"
import { InstanceDirectory } from "../../src/chat/InstanceDirectory.ts"
import type { Inbox } from "../../src/forms/Inbox.ts"
import { SubmissionRepo } from "../../src/forms/SubmissionRepo.ts"
import * as Id from "../../src/platform/Id.ts"
import { TrackingToken, WebsiteConfigId } from "../../src/platform/Id.ts"
import { Decisions } from "../../src/sites/Decisions.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import { SiteErasure } from "../../src/sites/SiteErasure.ts"
import { beginAnswer } from "../support/Conversations.ts"
import { pageViews } from "../support/Counts.ts"
import { draft, submissionsOf } from "../support/TestSubmissions.ts"
import { lastDays } from "../support/UtcDays.ts"
import { poll } from "../support/Wait.ts"
import { now, Shape, shapeOf, viewOf } from "./PageViews.ts"
import { at } from "./VisitorSalts.ts"

export type Storage =
  | SiteErasure
  | SiteDirectory
  | AnalyticsRepo
  | SubmissionRepo
  | Inbox
  | Decisions
  | Reports
  | InstanceDirectory
  | ConversationStore

const create = SiteDirectory.use((sites) => sites.create({ name: "a", origins: [] }))

type Site = Effect.Success<typeof create>

/** The numbers of page views, submissions and requests of bots of a website. */
const countsOf = Effect.fnUntraced(function* (site: Site) {
  const decisions = yield* Decisions
  const views = yield* pageViews(site.hostedWebsiteId, { days: 10, now })
  const submissions = yield* submissionsOf(site.websiteConfigId)
  const { bot = 0 } = yield* decisions.counts({ site, ...lastDays(10, now) })
  return { pageViews: views, submissions: submissions.length, bot }
})

/**
 * Stores page views of a website and submissions to it, of which every second has an idempotency key, and counts one request of
 * a bot. Waits until that count is stored, because counts are stored later.
 */
const fill = Effect.fnUntraced(function* (site: Site, shapes: ReadonlyArray<typeof Shape.Type>, submissions: number) {
  const views = yield* AnalyticsRepo
  const repo = yield* SubmissionRepo
  const decisions = yield* Decisions
  const { hostedWebsiteId, websiteConfigId } = site
  yield* decisions.record({ _tag: "Known", websiteConfigId }, "bot").pipe(at(now))
  yield* Effect.forEach(shapes, (shape) => views.append(viewOf(hostedWebsiteId, shape)), { concurrency: "unbounded" })
  for (let number = 0; number < submissions; number++) {
    yield* repo.submit(draft({ websiteConfigId, key: number % 2 === 0 ? randomUUID() : null }))
  }
  yield* poll(countsOf(site), ({ bot }) => bot === 1)
})

export const suite = <E>(
  name: string,
  layer: Layer.Layer<Storage, E>,
  { runs = 10 }: { readonly runs?: number } = {}
) =>
  shared(layer, { excludeTestServices: true })(name, (it) => {
    it.effect.prop(
      "an erasure deletes and counts all data of the website, and no data of another website",
      {
        shapes: Schema.Array(Shape).check(Schema.isMaxLength(12)),
        submissions: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5 }))
      },
      ({ shapes, submissions }) =>
        Effect.gen(function* () {
          const erasure = yield* SiteErasure
          const [site, other] = [yield* create, yield* create]
          for (const each of [site, other]) yield* fill(each, shapes, submissions)
          const before = yield* countsOf(other)
          const pageViews = shapes.filter((shape) => shape.exclusion === null).length
          assert.deepStrictEqual(
            yield* erasure.erase(site.websiteConfigId),
            Option.some({
              page_views: pageViews,
              bot_views: shapes.length - pageViews,
              events: 0,
              conversions: 0,
              submissions,
              conversations: 0
            })
          )
          assert.deepStrictEqual(yield* countsOf(site), { pageViews: 0, submissions: 0, bot: 0 })
          assert.deepStrictEqual(yield* countsOf(other), before)
        }),
      { arbitrary: { runs } }
    )

    it.effect("an erased website is not found or listed, and cannot be changed or erased again", () =>
      Effect.gen(function* () {
        const erasure = yield* SiteErasure
        const sites = yield* SiteDirectory
        const [site, other] = [yield* create, yield* create]
        assert.deepStrictEqual(yield* erasure.nameOf(site.websiteConfigId), Option.some("a"))
        assert.isTrue(Option.isSome(yield* erasure.erase(site.websiteConfigId)))
        for (const id of [site.websiteConfigId, site.trackingToken, site.hostedWebsiteId, randomUUID()].map((other) =>
          WebsiteConfigId.make(other)
        )) {
          assert.deepStrictEqual(yield* erasure.nameOf(id), Option.none())
          assert.deepStrictEqual(yield* erasure.erase(id), Option.none())
          assert.isTrue(Option.isNone(yield* sites.byTrackingToken(TrackingToken.make(id))))
          assert.isTrue(Option.isNone(yield* sites.byWebsiteConfigId(id)))
          assert.isTrue(Option.isNone(yield* sites.update(id, { name: "b" })))
        }
        const ids = (yield* sites.list).map(({ websiteConfigId }) => websiteConfigId)
        assert.notInclude(ids, site.websiteConfigId)
        assert.include(ids, other.websiteConfigId)
        assert.deepStrictEqual(yield* sites.byTrackingToken(other.trackingToken), Option.some(other))
      })
    )

    it.effect("a cached website is not found after its erasure and invalidation", () =>
      Effect.gen(function* () {
        const erasure = yield* SiteErasure
        const sites = yield* SiteDirectory
        const site = yield* create
        const find = Effect.all([
          sites.byWebsiteConfigId(site.websiteConfigId),
          sites.byTrackingToken(site.trackingToken)
        ])
        // The second lookup is found in a cache.
        for (let count = 0; count < 2; count++)
          assert.deepStrictEqual(yield* find, [Option.some(site), Option.some(site)])
        yield* sites.invalidate(site)
        assert.deepStrictEqual(yield* find, [Option.some(site), Option.some(site)])
        yield* erasure.erase(site.websiteConfigId)
        yield* sites.invalidate(site)
        assert.deepStrictEqual(yield* find, [Option.none(), Option.none()])
      })
    )

    it.effect("an erasure detaches the website's instances, and does not change other instances", () =>
      Effect.gen(function* () {
        const erasure = yield* SiteErasure
        const instances = yield* InstanceDirectory
        const [site, other] = [yield* create, yield* create]
        const [detached, otherInstance] = yield* Effect.forEach([site, other], ({ websiteConfigId }) =>
          instances.create({ name: "a", agent_url: "https://a.example", website_config_id: websiteConfigId })
        )
        yield* erasure.erase(site.websiteConfigId)
        const byId = new Map((yield* instances.list("all")).map((instance) => [instance.instance_id, instance]))
        assert.deepStrictEqual(byId.get(detached!.instance_id), { ...detached!, website_config_id: null })
        assert.deepStrictEqual(byId.get(otherInstance!.instance_id), otherInstance)
      })
    )

    it.effect("an erasure with instances deletes those of the website with their conversations, and no others", () =>
      Effect.gen(function* () {
        const erasure = yield* SiteErasure
        const instances = yield* InstanceDirectory
        const store = yield* ConversationStore
        const [site, other] = [yield* create, yield* create]
        const ids = [site.websiteConfigId, site.websiteConfigId, other.websiteConfigId, null]
        const created = yield* Effect.forEach(ids, (websiteConfigId) =>
          instances.create({ name: "a", agent_url: "https://a.example", website_config_id: websiteConfigId })
        )
        const keys = created.map(({ instance_id: instanceId }) => ({
          instanceId,
          conversationId: Id.ConversationId.make(randomUUID())
        }))
        for (const key of keys) yield* beginAnswer(key, "hello")
        const erased = yield* erasure.erase(site.websiteConfigId, { withInstances: true })
        assert.strictEqual(Option.getOrThrow(erased).conversations, 2)
        const remaining = new Set((yield* instances.list("all")).map(({ instance_id: instanceId }) => instanceId))
        assert.deepStrictEqual(
          created.map(({ instance_id: instanceId }) => remaining.has(instanceId)),
          [false, false, true, true]
        )
        const found = yield* Effect.forEach(keys, (key) => Effect.map(store.read(key), Option.isSome))
        assert.deepStrictEqual(found, [false, false, true, true])
      })
    )

    it.effect(
      "an erasure deletes and counts the conversations of the website's instances, and no other conversations",
      () =>
        Effect.gen(function* () {
          const erasure = yield* SiteErasure
          const instances = yield* InstanceDirectory
          const store = yield* ConversationStore
          const [site, other] = [yield* create, yield* create]
          const ids = [site.websiteConfigId, site.websiteConfigId, other.websiteConfigId, null]
          const keys = yield* Effect.forEach(ids, (websiteConfigId) =>
            Effect.map(
              instances.create({ name: "a", agent_url: "https://a.example", website_config_id: websiteConfigId }),
              ({ instance_id: instanceId }) => ({ instanceId, conversationId: Id.ConversationId.make(randomUUID()) })
            )
          )
          for (const key of keys) yield* beginAnswer(key, "hello")
          assert.strictEqual(Option.getOrThrow(yield* erasure.erase(site.websiteConfigId)).conversations, 2)
          const found = yield* Effect.forEach(keys, (key) => Effect.map(store.read(key), Option.isSome))
          assert.deepStrictEqual(found, [false, false, true, true])
          // The instance remains, and new conversations with it are stored.
          yield* beginAnswer(keys[0]!, "hello again")
          assert.isTrue(Option.isSome(yield* store.read(keys[0]!)))
        })
    )

    it.effect("a website is not erased by its tracking token or its hosted_website_id", () =>
      Effect.gen(function* () {
        const erasure = yield* SiteErasure
        const sites = yield* SiteDirectory
        const site = yield* create
        for (const id of [site.trackingToken, site.hostedWebsiteId]) {
          assert.deepStrictEqual(yield* erasure.erase(WebsiteConfigId.make(id)), Option.none())
        }
        assert.deepStrictEqual(yield* sites.byWebsiteConfigId(site.websiteConfigId), Option.some(site))
      })
    )

    it.effect(
      "data for an erased website is refused like data for an unknown website, and other data of the batch is stored",
      () =>
        Effect.gen(function* () {
          const erasure = yield* SiteErasure
          const views = yield* AnalyticsRepo
          const repo = yield* SubmissionRepo
          const [site, other] = [yield* create, yield* create]
          yield* erasure.erase(site.websiteConfigId)
          const shape = shapeOf()
          const recipients = [site, other, site, other]
          const outcomes = yield* Effect.forEach(
            recipients.flatMap(({ hostedWebsiteId, websiteConfigId }) => [
              views.append(viewOf(hostedWebsiteId, shape)),
              views.append(viewOf(hostedWebsiteId, { ...shape, exclusion: "bot" })),
              repo.submit(draft({ websiteConfigId })),
              repo.submit(draft({ websiteConfigId, key: randomUUID() }))
            ]),
            Effect.result,
            { concurrency: "unbounded" }
          )
          outcomes.forEach((outcome, index) => {
            if (recipients[index >> 2] === other) assert.isTrue(Result.isSuccess(outcome))
            else {
              assert.deepInclude(Result.getOrThrow(Result.flip(outcome)), {
                _tag: "RecordRefused",
                reason: "unknown-site"
              })
            }
          })
          assert.deepStrictEqual(yield* countsOf(site), { pageViews: 0, submissions: 0, bot: 0 })
          assert.deepStrictEqual(yield* countsOf(other), { pageViews: 2, submissions: 4, bot: 0 })
        })
    )
  })
