/**
 * The tests that every layer of `SiteActivity` must pass.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { assert, layer as shared } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import type * as Activities from "../../src/activity/Activity.ts"
import { type RowQuery, SiteActivity } from "../../src/activity/Activity.ts"
import type { Row } from "../../src/analytics/AnalyticsExport.ts"
import { AnalyticsRepo } from "../../src/analytics/AnalyticsRepo.ts"
import type { Event } from "../../src/analytics/Event.ts"
import type { PageView } from "../../src/analytics/PageView.ts"
import { withoutFacts } from "../../src/analytics/StoredView.ts"
import { ConversationStore } from "../../src/chat/ConversationStore.ts"
import { InstanceDirectory } from "../../src/chat/InstanceDirectory.ts"
import { SubmissionRepo } from "../../src/forms/SubmissionRepo.ts"
import type { WebsiteConfigId } from "../../src/platform/Id.ts"
import * as Id from "../../src/platform/Id.ts"
import * as Calendar from "../../src/platform/text/Calendar.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import * as SubmissionDrafts from "../support/SubmissionDraft.ts"
import { view } from "../support/TestStorage.ts"

const commonFields = ({
  browser,
  country,
  deviceType,
  path,
  receivedAt
}: Pick<PageView & Event, "browser" | "country" | "deviceType" | "path" | "receivedAt">) => ({
  received_at: Calendar.iso(receivedAt),
  path,
  country,
  device: deviceType,
  browser
})

const ofView = (view: PageView): Activities.Activity => ({
  type: "pageview",
  ...commonFields(view),
  source: view.campaign.source ?? view.referrerHost
})

const ofEvent = (event: Event): Activities.Activity => ({
  type: "event",
  ...commonFields(event),
  name: event.name
})

const newSite = SiteDirectory.use((sites) => sites.create({ name: "a", origins: [] }))

const start = Date.UTC(2026, 10, 20)

/**
 * Creates a website that gets a view, an event, a submission and a bot's view in turn, one each second. Returns the website and
 * its activities, latest first.
 */
const visitedSite = Effect.gen(function* () {
  const site = yield* newSite
  const { hostedWebsiteId, websiteConfigId } = site
  const repo = yield* AnalyticsRepo
  const activities: Array<Activities.Activity> = []
  const submissions = yield* SubmissionRepo
  const writes = Array.from({ length: 16 }, (_, second): Effect.Effect<unknown, unknown> => {
    const receivedAt = start + 1000 * second
    const unclassified = { ...view(0, second, hostedWebsiteId), receivedAt }
    const kind = second % 4
    if (kind === 0 || kind === 3) {
      const classified = { ...unclassified, exclusion: kind === 0 ? null : ("bot" as const) }
      if (kind === 0) activities.push(ofView(classified))
      return repo.append(classified)
    }
    if (kind === 1) {
      const { browser, country, deviceType, os, path, visitorHash } = unclassified
      const event = {
        ...withoutFacts,
        ...{ hostedWebsiteId, receivedAt, browser, country, deviceType, os, path, visitorHash },
        ...{ name: "signup", properties: null, revenue: null, isInteractive: true }
      }
      activities.push(ofEvent(event))
      return repo.appendEvent(event)
    }
    const draft = SubmissionDrafts.make(websiteConfigId, { receivedAt, status: "quarantined" })
    activities.push({
      type: "submission",
      received_at: new Date(receivedAt).toISOString(),
      submission_id: Id.SubmissionId.make(draft.submissionId),
      status: "quarantined",
      page_slug: "contact"
    })
    return submissions.submit(draft)
  })
  // In batches, of which ClickHouse stores each in the time of one row.
  yield* Effect.all(writes, { concurrency: "unbounded", discard: true })
  return { site, activities: activities.toReversed() }
})

export const suite = <E>(
  name: string,
  layer: Layer.Layer<
    SiteActivity | AnalyticsRepo | SubmissionRepo | SiteDirectory | InstanceDirectory | ConversationStore,
    E
  >
) =>
  shared(layer, { excludeTestServices: true })(name, (it) => {
    it.effect("the latest activity includes new conversations with the website's instances, and no others", () =>
      Effect.gen(function* () {
        const [site, other] = [yield* newSite, yield* newSite]
        const begin = Effect.fnUntraced(function* (websiteConfigId: WebsiteConfigId) {
          const { instance_id: instanceId } = yield* InstanceDirectory.use((instances) =>
            instances.create({ name: "A", agent_url: "http://agent", website_config_id: websiteConfigId })
          )
          const conversationId = Id.ConversationId.make(randomUUID())
          yield* ConversationStore.use((store) =>
            store.begin({
              key: { instanceId, conversationId },
              answerId: Id.MessageId.make(randomUUID()),
              message: { messageId: Id.MessageId.make(randomUUID()), text: "Hi" }
            })
          )
          return { instanceId, conversationId }
        })
        const [first, second] = [yield* begin(site.websiteConfigId), yield* begin(site.websiteConfigId)]
        yield* begin(other.websiteConfigId)
        const activities = yield* SiteActivity.use(({ latest }) => latest(site, 10))
        assert.sameDeepMembers(
          activities.map(({ received_at: _, ...rest }) => rest),
          [first, second].map(({ conversationId, instanceId }) => ({
            type: "conversation" as const,
            instance_id: instanceId,
            conversation_id: conversationId
          }))
        )
        assert.lengthOf(yield* SiteActivity.use(({ latest }) => latest(site, 1)), 1)
      })
    )

    it.effect("reads the page views and events of a period and of some session keys, without bots", () =>
      Effect.gen(function* () {
        const { rows } = yield* SiteActivity
        const [{ site }] = [yield* visitedSite, yield* visitedSite]
        const second = (row: Row) => ((row.type === "event" ? row.event : row.view).receivedAt - start) / 1000
        const read = (query: Partial<RowQuery>) =>
          rows(site, { from: start, to: start + 60_000, keys: "all", searched: 100, ...query }).pipe(
            Effect.map((found) => found.map((row) => `${row.type} ${second(row)}`).sort())
          )
        const hash = (second: number) => view(0, second).visitorHash
        const all = [0, 4, 8, 12].flatMap((second) => [`pageview ${second}`, `event ${second + 1}`]).sort()
        assert.deepStrictEqual(yield* read({}), all)
        assert.deepStrictEqual(yield* read({ from: start + 4000, to: start + 8000 }), [
          "event 5",
          "pageview 4",
          "pageview 8"
        ])
        assert.deepStrictEqual(yield* read({ keys: [hash(4), hash(13), hash(3), "other"] }), ["event 13", "pageview 4"])
        assert.includeMembers(yield* read({ searched: 2 }), ["event 13", "event 9", "pageview 12", "pageview 8"])
        const withSession = { ...view(0, 0, site.hostedWebsiteId), sessionId: "s", receivedAt: start + 20_000 }
        yield* AnalyticsRepo.use((repo) => repo.append(withSession))
        assert.deepStrictEqual(yield* read({ keys: ["s"] }), ["pageview 20"])
        assert.deepStrictEqual(yield* read({ keys: [hash(0)] }), ["pageview 0"])
        const [row] = yield* rows(site, { from: start + 20_000, to: start + 20_000, keys: "all", searched: 1 })
        assert.deepStrictEqual(row, { type: "pageview", view: withSession })
      })
    )

    it.effect("lists the latest page views, events and submissions of one website, without bots, latest first", () =>
      Effect.gen(function* () {
        const { latest } = yield* SiteActivity
        const [first, second] = [yield* visitedSite, yield* visitedSite]
        assert.lengthOf(first.activities, 12)
        // The first three are of each kind, and each kind has more rows than these limits.
        for (const limit of [1, 2, 3, 9, 100]) {
          for (const { activities, site } of [first, second]) {
            const ofEach = [...Map.groupBy(activities, ({ type }) => type).values()].flatMap((all) =>
              all.slice(0, limit)
            )
            assert.deepStrictEqual(
              [...(yield* latest(site, limit))],
              activities.filter((one) => ofEach.includes(one))
            )
          }
        }
        assert.deepStrictEqual([...(yield* latest(yield* newSite, 10))], [])
      })
    )
  })
