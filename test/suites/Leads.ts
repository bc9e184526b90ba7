/**
 * The tests that every layer of `Leads` must pass, with the stores of submissions, page views and conversations.
 *
 * @module
 */

import { randomUUID } from "node:crypto"
import { assert, describe, layer as withLayer } from "@effect/vitest"
import { Clock, Effect, type Layer, Option, Schema } from "effect"
import { AnalyticsRepo } from "../../src/analytics/AnalyticsRepo.ts"
import { leads as goals } from "../../src/analytics/Goal.ts"
import * as Lead from "../../src/analytics/Lead.ts"
import { Leads } from "../../src/analytics/Lead.ts"
import type { PageView } from "../../src/analytics/PageView.ts"
import * as LocalTime from "../../src/analytics/reports/LocalTime.ts"
import * as Visits from "../../src/analytics/reports/Visits.ts"
import * as VisitorSalts from "../../src/analytics/VisitorSalts.ts"
import { ConversationStore } from "../../src/chat/ConversationStore.ts"
import { type ConversationKey, maxSize, unknownVisit } from "../../src/chat/conversations/Conversation.ts"
import { InstanceDirectory } from "../../src/chat/InstanceDirectory.ts"
import { Transcripts } from "../../src/chat/Transcripts.ts"
import type { Inbox } from "../../src/forms/Inbox.ts"
import { SubmissionRepo } from "../../src/forms/SubmissionRepo.ts"
import * as Id from "../../src/platform/Id.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import { SiteErasure } from "../../src/sites/SiteErasure.ts"
import { draft, release, submissionsOf } from "../support/TestSubmissions.ts"
import { shapeOf, viewOf } from "./PageViews.ts"

export type Storage =
  | Leads
  | AnalyticsRepo
  | SubmissionRepo
  | Inbox
  | SiteDirectory
  | SiteErasure
  | InstanceDirectory
  | ConversationStore
  | Transcripts

/** Reads the conversions of a hosted website. */
export type ReadConversions<R> = (hostedWebsiteId: string) => Effect.Effect<ReadonlyArray<Lead.Conversion>, never, R>

const newSite = SiteDirectory.use((sites) => sites.create({ name: "test", origins: [] }))

const minute = 60_000

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const shape = shapeOf({
  ...{ path: "/landing", referrerHost: "ads.example", referrerPath: "/x" },
  campaign: { source: "news", medium: "email", name: "spring", term: null, content: null }
})

const newVisitor = () => randomUUID().replaceAll("-", "")

/** Stores a page view of a visitor. */
const visit = (hostedWebsiteId: string, visitorHash: string, receivedAt: number, fields: Partial<PageView> = {}) =>
  AnalyticsRepo.use(({ append }) => append({ ...viewOf(hostedWebsiteId, shape), visitorHash, receivedAt, ...fields }))

/** Stores an event of a visitor in Norway. */
const event = (hostedWebsiteId: string, visitorHash: string, receivedAt: number, path: string) =>
  AnalyticsRepo.use(({ appendEvent }) =>
    appendEvent({
      ...{ hostedWebsiteId, visitorHash, receivedAt, path, country: "NO", name: "Signup" },
      ...{ sessionId: null, deviceType: null, browser: null, os: null, properties: null, revenue: null },
      isInteractive: true
    })
  )

const match = Leads.use((leads) => leads.match)

const attribution: Lead.Attribution = {
  source: "news",
  medium: "email",
  campaign: "spring",
  referrer: "ads.example/x",
  entryPage: "/landing"
}

export const suite = <R, E>(
  name: string,
  layer: Layer.Layer<Storage | R, E>,
  conversionsOf: ReadConversions<NoInfer<R>>
) =>
  describe(name, () => {
    withLayer(layer, { excludeTestServices: true })((it) => {
      it.effect("a submission gets its visit's attribution, and its visit gets one conversion", () =>
        Effect.gen(function* () {
          const repo = yield* SubmissionRepo
          const { hostedWebsiteId, websiteConfigId } = yield* newSite
          const visitor = newVisitor()
          const at = yield* Clock.currentTimeMillis
          yield* visit(hostedWebsiteId, visitor, at - 20 * minute)
          yield* visit(hostedWebsiteId, visitor, at - minute, { path: "/contact", referrerHost: null })
          const one = draft({ websiteConfigId, receivedAt: at, visitorHashes: [visitor], key: randomUUID() })
          yield* repo.submit(one)
          // A submission that is sent again is not a second lead.
          yield* repo.submit(one)
          yield* match
          yield* match
          assert.deepStrictEqual(
            (yield* submissionsOf(websiteConfigId)).map((submission) => submission.attribution),
            [attribution]
          )
          assert.deepStrictEqual(yield* conversionsOf(hostedWebsiteId), [
            { hostedWebsiteId, visitStartedAt: at - 20 * minute, sessionKey: visitor, name: goals.form }
          ])
        })
      )

      it.effect("concurrent passes credit each lead once", () =>
        Effect.gen(function* () {
          const repo = yield* SubmissionRepo
          const { hostedWebsiteId, websiteConfigId } = yield* newSite
          const visitor = newVisitor()
          const at = yield* Clock.currentTimeMillis
          yield* visit(hostedWebsiteId, visitor, at)
          for (let number = 0; number < 5; number++) {
            yield* repo.submit(
              draft({ websiteConfigId, receivedAt: at, visitorHashes: [visitor], formData: `{"n":${number}}` })
            )
          }
          yield* Effect.all(
            Array.from({ length: 4 }, () => match),
            { concurrency: "unbounded" }
          )
          yield* match
          assert.lengthOf(yield* conversionsOf(hostedWebsiteId), 5)
        })
      )

      it.effect("a chat is credited if its instance has a website", () =>
        Effect.gen(function* () {
          const leads = yield* Leads
          const instances = yield* InstanceDirectory
          const { hostedWebsiteId, websiteConfigId } = yield* newSite
          const at = yield* Clock.currentTimeMillis
          const visitor = newVisitor()
          yield* visit(hostedWebsiteId, visitor, at - minute)
          const agentUrl = "https://a.example"
          const owned = yield* instances.create({ name: "a", agent_url: agentUrl, website_config_id: websiteConfigId })
          const unowned = yield* instances.create({ name: "b", agent_url: agentUrl })
          for (const instanceId of [owned.instance_id, unowned.instance_id, Id.InstanceId.make(randomUUID())]) {
            yield* leads.addChat({ instanceId, visitorHashes: [visitor], receivedAt: at })
          }
          yield* match
          assert.deepStrictEqual(yield* conversionsOf(hostedWebsiteId), [
            { hostedWebsiteId, visitStartedAt: at - minute, sessionKey: visitor, name: goals.chat }
          ])
        })
      )

      it.effect("a turn with a visitor's hash is credited, and a refused turn is not", () =>
        Effect.gen(function* () {
          const store = yield* ConversationStore
          const { hostedWebsiteId, websiteConfigId } = yield* newSite
          const [visitor, refused, at] = [newVisitor(), newVisitor(), yield* Clock.currentTimeMillis]
          for (const one of [visitor, refused]) yield* visit(hostedWebsiteId, one, at - minute)
          const { instance_id: instanceId } = yield* InstanceDirectory.use(({ create }) =>
            create({ name: "a", agent_url: "https://a.example", website_config_id: websiteConfigId })
          )
          const key = { instanceId, conversationId: Id.ConversationId.make(randomUUID()) }
          const turn = (text: string, ...visitorHashes: ReadonlyArray<string>) =>
            store.begin({
              key,
              answerId: Id.MessageId.make(randomUUID()),
              message: { messageId: Id.MessageId.make(randomUUID()), text },
              visitorHashes
            })
          yield* turn("hello", visitor)
          // The first answer still runs, so the store begins this turn by another statement.
          yield* turn("are you there?", visitor)
          yield* turn("well?")
          assert.strictEqual((yield* Effect.flip(turn("x".repeat(maxSize), refused)))._tag, "ConversationFull")
          yield* match
          yield* match
          const credit = { hostedWebsiteId, visitStartedAt: at - minute, sessionKey: visitor, name: goals.chat }
          assert.deepStrictEqual(yield* conversionsOf(hostedWebsiteId), [credit, credit])
        })
      )

      it.effect("a stored conversation gets the page, the source and the country of the visit in which it began", () =>
        Effect.gen(function* () {
          const store = yield* ConversationStore
          const { hostedWebsiteId, websiteConfigId } = yield* newSite
          const at = yield* Clock.currentTimeMillis
          const { instance_id: instanceId } = yield* InstanceDirectory.use(({ create }) =>
            create({ name: "a", agent_url: "https://a.example", website_config_id: websiteConfigId })
          )
          const turn = (key: ConversationKey, ...visitorHashes: ReadonlyArray<string>) =>
            Effect.gen(function* () {
              const [answerId, messageId] = [Id.MessageId.make(randomUUID()), Id.MessageId.make(randomUUID())]
              yield* store.begin({ key, answerId, message: { messageId, text: "hello" }, visitorHashes })
              return messageId
            })
          const visitOf = (key: ConversationKey) =>
            Transcripts.use(({ find }) =>
              Effect.map(find("all", key), (found) =>
                Option.toArray(Option.map(found, ({ country, page, source }) => ({ page, source, country })))
              )
            )
          const newKey = () => ({ instanceId, conversationId: Id.ConversationId.make(randomUUID()) })
          const [one, other, unknown, replaced, silent] = [newKey(), newKey(), newKey(), newKey(), newKey()]
          const [visitor, later, edited, withoutView] = [newVisitor(), newVisitor(), newVisitor(), newVisitor()]
          yield* visit(hostedWebsiteId, visitor, at - 3 * minute, { country: "NO" })
          yield* visit(hostedWebsiteId, visitor, at - minute, { path: "/tours", referrerHost: null, country: "NO" })
          yield* visit(hostedWebsiteId, later, at - minute, { path: "/other", campaign: shape.campaign, country: null })
          yield* visit(hostedWebsiteId, edited, at - minute, { path: "/edited", country: "DK" })
          yield* event(hostedWebsiteId, withoutView, at - minute, "/prices")
          yield* turn(silent, withoutView)
          yield* turn(one, visitor)
          yield* turn(other, later)
          yield* turn(unknown)
          // A later turn of another visitor changes nothing: the conversation has begun.
          yield* turn(one, later)
          // The visitor edits the first message of a conversation that began without a visit.
          const from = yield* turn(replaced)
          yield* store.begin({
            key: replaced,
            from,
            answerId: Id.MessageId.make(randomUUID()),
            message: { messageId: Id.MessageId.make(randomUUID()), text: "hello again" },
            visitorHashes: [edited]
          })
          assert.deepStrictEqual(yield* visitOf(one), [unknownVisit])
          yield* match
          assert.deepStrictEqual(yield* visitOf(one), [{ page: "/tours", source: "news", country: "NO" }])
          assert.deepStrictEqual(yield* visitOf(other), [{ page: "/other", source: "news", country: null }])
          assert.deepStrictEqual(yield* visitOf(unknown), [unknownVisit])
          assert.deepStrictEqual(yield* visitOf(silent), [{ page: "/prices", source: null, country: "NO" }])
          assert.deepStrictEqual(yield* visitOf(replaced), [{ page: "/edited", source: "news", country: "DK" }])
          // A conversation that is deleted before its visit is found delays no other lead.
          const gone = newKey()
          yield* turn(gone, visitor)
          assert.isTrue(yield* store.delete("all", gone))
          const before = yield* conversionsOf(hostedWebsiteId)
          yield* match
          assert.lengthOf(yield* conversionsOf(hostedWebsiteId), before.length + 1)
          assert.deepStrictEqual(yield* visitOf(gone), [])
        })
      )

      it.effect("a submission without a hash, or with that of another website's visitor, is not a lead", () =>
        Effect.gen(function* () {
          const repo = yield* SubmissionRepo
          const [site, other] = [yield* newSite, yield* newSite]
          const at = yield* Clock.currentTimeMillis
          const [visitor, foreign] = [newVisitor(), newVisitor()]
          yield* visit(site.hostedWebsiteId, visitor, at)
          yield* visit(other.hostedWebsiteId, foreign, at)
          const { websiteConfigId } = site
          yield* repo.submit(draft({ websiteConfigId, receivedAt: at }))
          yield* repo.submit(draft({ websiteConfigId, receivedAt: at, visitorHashes: [foreign] }))
          yield* match
          assert.deepStrictEqual(yield* conversionsOf(site.hostedWebsiteId), [])
          assert.deepStrictEqual(yield* conversionsOf(other.hostedWebsiteId), [])
          const stored = yield* submissionsOf(websiteConfigId)
          assert.deepStrictEqual(
            stored.map((submission) => submission.attribution),
            [Lead.noAttribution, Lead.noAttribution]
          )
        })
      )

      it.effect(
        "a quarantined submission gets its visit's attribution, but its visit gets no conversion, even after the release",
        () =>
          Effect.gen(function* () {
            const repo = yield* SubmissionRepo
            const { hostedWebsiteId, websiteConfigId } = yield* newSite
            const at = yield* Clock.currentTimeMillis
            const visitor = newVisitor()
            yield* visit(hostedWebsiteId, visitor, at)
            const submissionId = yield* repo.submit(
              draft({
                websiteConfigId,
                receivedAt: at,
                visitorHashes: [visitor],
                status: "quarantined",
                reasons: ["links"]
              })
            )
            yield* match
            yield* release(websiteConfigId, submissionId)
            yield* match
            const stored = yield* submissionsOf(websiteConfigId)
            assert.deepStrictEqual(
              stored.map((submission) => [submission.status, submission.attribution]),
              [["accepted", attribution]]
            )
            assert.deepStrictEqual(yield* conversionsOf(hostedWebsiteId), [])
          })
      )

      it.effect.prop(
        "a lead is credited to the last visit, as `Visits` defines it, of the visitor's hashes that began before it",
        {
          /** The minutes before the lead; one page view is less than half an hour before. */
          last: between(0, 29),
          views: Schema.Array(
            Schema.Struct({
              age: Schema.Union([between(0, 90), between(0, 400)]),
              source: Schema.NullOr(Schema.Literals(["news", "ads"])),
              sessionId: Schema.NullOr(Schema.Literal("s"))
            })
          ).check(Schema.isMaxLength(12)),
          timeZone: Schema.Literals(["UTC", "America/New_York", "Asia/Kathmandu"]),
          /** The minutes from midnight of the website to the lead. */
          sinceMidnight: between(-60, 180)
        },
        ({ last, sinceMidnight, timeZone, views: given }) =>
          Effect.gen(function* () {
            const site = yield* SiteDirectory.use((sites) => sites.create({ name: "test", origins: [], timeZone }))
            const leadAt = LocalTime.zone(timeZone).startOf("2026-11-24") + sinceMidnight * minute
            const visitor = newVisitor().slice(6)
            const hashOf = (day: number) => `${String(day).padStart(6, "0")}${visitor}`
            const views = [{ age: last, source: null, sessionId: null }, ...given].map(
              ({ age, sessionId, source }, index): PageView => {
                // No two at the same time, because their order is undefined.
                const receivedAt = leadAt - age * minute - index
                return {
                  ...viewOf(site.hostedWebsiteId, shape),
                  path: `/${index}`,
                  receivedAt,
                  sessionId,
                  campaign: { source, medium: null, name: null, term: null, content: null },
                  visitorHash: hashOf(LocalTime.dayAt(timeZone, receivedAt))
                }
              }
            )
            yield* Effect.forEach(views, (view) => AnalyticsRepo.use(({ append }) => append(view)))
            const visitorHashes = VisitorSalts.daysOfLead(timeZone, leadAt).map(hashOf)
            const { websiteConfigId } = site
            yield* SubmissionRepo.use((repo) =>
              repo.submit(draft({ websiteConfigId, receivedAt: leadAt, visitorHashes }))
            )
            yield* match
            const expected = Visits.make({ views, events: [], conversions: [], goals: [] }, timeZone)
              .filter((each) => visitorHashes.includes(each.visitorHash))
              .toSorted((left, right) => right.startedAt - left.startedAt)
            const found = yield* conversionsOf(site.hostedWebsiteId)
            assert.deepStrictEqual(
              found.map(({ visitStartedAt }) => visitStartedAt),
              expected.slice(0, 1).map(({ startedAt }) => startedAt)
            )
            const [stored] = yield* submissionsOf(websiteConfigId)
            const credited = expected.filter(({ sessionKey, startedAt }) =>
              found.some((one) => one.sessionKey === sessionKey && one.visitStartedAt === startedAt)
            )
            assert.deepStrictEqual(
              credited.map(({ landing }) => landing?.campaign.source ?? "ads.example"),
              found.length === 0 ? [] : [stored?.attribution.source]
            )
          }),
        { arbitrary: { runs: 15 }, timeout: 120_000 }
      )

      it.effect("a page view of a bot brings no lead", () =>
        Effect.gen(function* () {
          const repo = yield* SubmissionRepo
          const { hostedWebsiteId, websiteConfigId } = yield* newSite
          const [visitor, at] = [newVisitor(), yield* Clock.currentTimeMillis]
          yield* visit(hostedWebsiteId, visitor, at, { exclusion: "bot" })
          yield* repo.submit(draft({ websiteConfigId, receivedAt: at, visitorHashes: [visitor] }))
          yield* match
          assert.deepStrictEqual(yield* conversionsOf(hostedWebsiteId), [])
        })
      )

      it.effect("a lead waits for its visit", () =>
        Effect.gen(function* () {
          const repo = yield* SubmissionRepo
          const { hostedWebsiteId, websiteConfigId } = yield* newSite
          const [visitor, at] = [newVisitor(), yield* Clock.currentTimeMillis]
          yield* repo.submit(draft({ websiteConfigId, receivedAt: at, visitorHashes: [visitor] }))
          yield* match
          assert.deepStrictEqual(yield* conversionsOf(hostedWebsiteId), [])
          yield* visit(hostedWebsiteId, visitor, at)
          yield* match
          assert.lengthOf(yield* conversionsOf(hostedWebsiteId), 1)
        })
      )

      it.effect("a visit that ended too long before the lead gets no conversion", () =>
        Effect.gen(function* () {
          const repo = yield* SubmissionRepo
          const { hostedWebsiteId, websiteConfigId } = yield* newSite
          const [visitor, at] = [newVisitor(), (yield* Clock.currentTimeMillis) - 2 * Lead.lookBackMillis]
          yield* visit(hostedWebsiteId, visitor, at - Lead.lookBackMillis - minute)
          yield* repo.submit(draft({ websiteConfigId, receivedAt: at, visitorHashes: [visitor] }))
          yield* match
          assert.deepStrictEqual(yield* conversionsOf(hostedWebsiteId), [])
        })
      )

      it.effect("an erased website gets no conversions", () =>
        Effect.gen(function* () {
          const repo = yield* SubmissionRepo
          const { hostedWebsiteId, websiteConfigId } = yield* newSite
          const [visitor, at] = [newVisitor(), yield* Clock.currentTimeMillis]
          yield* visit(hostedWebsiteId, visitor, at)
          yield* repo.submit(draft({ websiteConfigId, receivedAt: at, visitorHashes: [visitor] }))
          yield* match
          yield* repo.submit(draft({ websiteConfigId, receivedAt: at, visitorHashes: [visitor], formData: `{"n":1}` }))
          const erased = yield* SiteErasure.use(({ erase }) => erase(websiteConfigId))
          assert.deepInclude(Option.getOrThrow(erased), { conversions: 1, submissions: 2 })
          yield* match
          assert.deepStrictEqual(yield* conversionsOf(hostedWebsiteId), [])
        })
      )
    })
  })
