import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { TestClock } from "effect/testing"
import { Leads } from "../../src/analytics/Lead.ts"
import * as DateRange from "../../src/analytics/reports/DateRange.ts"
import type { Query, Request } from "../../src/analytics/reports/Query.ts"
import { Reports } from "../../src/analytics/reports/Reports.ts"
import { InstanceDirectory } from "../../src/chat/InstanceDirectory.ts"
import { Transcripts } from "../../src/chat/Transcripts.ts"
import { Deliveries } from "../../src/delivery/Delivery.ts"
import { Webhooks } from "../../src/delivery/Webhook.ts"
import * as DemoReceiver from "../../src/demo/DemoReceiver.ts"
import * as SampleData from "../../src/demo/SampleData.ts"
import { Inbox } from "../../src/forms/Inbox.ts"
import { dateOf, dayMillis } from "../../src/platform/text/Calendar.ts"
import { Decisions } from "../../src/sites/Decisions.ts"
import type { Retention } from "../../src/sites/Retention.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import { deliveriesOf } from "../support/Delivery.ts"
import { onRealClock } from "../support/postgres/TestClient.ts"
import * as ReportQuery from "../support/ReportQuery.ts"
import { postgres } from "../support/Storages.ts"
import { poll } from "../support/Wait.ts"

/** Creates the demo's website and assistant, and stores the sample data at a time. */
const stored = Effect.fnUntraced(function* (now: number, retention: Option.Option<Retention> = Option.none()) {
  yield* TestClock.setTime(now)
  const site = yield* SiteDirectory.use((sites) => sites.create({ name: "Demo", origins: [] }))
  const { instance_id: instanceId } = yield* InstanceDirectory.use((instances) =>
    instances.create({
      name: "Demo",
      agent_url: "http://agent",
      memory: "edge",
      website_config_id: site.websiteConfigId
    })
  )
  yield* SampleData.store({ ...site, instanceId }, { website: "http://127.0.0.1:8080", retention })
  return { site, instanceId }
})

describe("the demo's sample data", () => {
  // In the past, because PostgreSQL has its own clock, which tells what is due.
  for (const [name, now] of [
    ["30 November", Date.UTC(2026, 10, 30, 10)],
    ["the hour of a clock change", Date.UTC(2026, 9, 25, 1)],
    ["the first minute of a year", Date.UTC(2026, 0, 1, 0, 0, 30)],
    ["29 February", Date.UTC(2024, 1, 29, 23, 59)]
  ] as const) {
    it.effect(`fills the console on ${name}`, () =>
      Effect.gen(function* () {
        const { instanceId, site } = yield* stored(now)
        const { websiteConfigId } = site
        // Every lead is credited to its visit.
        assert.deepStrictEqual(yield* Leads.use(({ match }) => match), { matched: 0, dropped: 0 })
        const report = Effect.fnUntraced(function* (request: Pick<Request, "metrics"> & Partial<Request>) {
          const whole: Request = {
            ...ReportQuery.plain,
            siteId: websiteConfigId,
            dateRange: "91d",
            dimensions: [],
            limit: 100,
            ...request
          }
          const query: Query = DateRange.queryOf(whole, { now, timeZone: "UTC" })
          return (yield* Reports.use((reports) => reports.query(site, query))).results
        })
        const [total] = yield* report({ metrics: ["visitors", "visits"] })
        const [visitors, visits] = total?.metrics ?? []
        assert.isAbove(Number(visits), Number(visitors))

        const goalRows = yield* report({
          metrics: ["conversions"],
          dimensions: ["event:goal"],
          orderBy: [{ by: "conversions", direction: "desc" }]
        })
        const conversions = Object.fromEntries(
          goalRows.map(({ dimensions, metrics }) => [dimensions[0], Number(metrics[0])])
        )
        const campaigns = yield* report({
          metrics: ["conversions"],
          dimensions: ["visit:utm_campaign"],
          filters: [{ operator: "is", dimension: "event:goal", values: ["Form submitted", "Chat started"] }]
        })
        assert.include(
          campaigns.flatMap(({ dimensions }) => dimensions),
          "spring"
        )
        const [revenue] = yield* report({
          metrics: ["total_revenue"],
          filters: [{ operator: "is", dimension: "event:goal", values: ["Booking"] }]
        })
        assert.include(JSON.stringify(revenue), '"currency":"EUR"')

        const inbox = yield* Inbox
        const list = (status: "accepted" | "quarantined") =>
          inbox.list({ sites: [websiteConfigId], filter: { status }, after: null, limit: 100 })
        const accepted = (yield* list("accepted")).items
        assert.strictEqual(accepted.length, conversions["Form submitted"])
        assert.deepStrictEqual(
          accepted.map(({ isRead }) => isRead),
          accepted.map((_, index) => index >= 3)
        )
        const quarantined = (yield* list("quarantined")).items
        assert.lengthOf(quarantined, 2)
        for (const { reasons } of quarantined) assert.deepStrictEqual(reasons, ["links", "link-markup"])

        const conversations = yield* Transcripts.use((transcripts) =>
          transcripts.list({ reach: "all", instanceId, filter: {}, after: null, limit: 100 })
        )
        assert.strictEqual(conversations.items.length, conversions["Chat started"])
        const sum = (count: (item: (typeof conversations.items)[number]) => number) =>
          conversations.items.reduce((before, item) => before + count(item), 0)
        assert.deepStrictEqual([sum(({ unanswered }) => unanswered), sum(({ down }) => down)], [1, 1])
        for (const { created_at, updated_at } of conversations.items) {
          assert.isBelow(Date.parse(created_at), now)
          assert.isBelow(Date.parse(updated_at), now)
        }

        const [webhook] = yield* Webhooks.use((webhooks) => webhooks.list(websiteConfigId))
        assert.deepInclude(webhook, { url: DemoReceiver.url, failing_since: null, disabled_at: null })
        if (webhook === undefined) return assert.fail("there is a webhook")
        const deliveries = yield* Deliveries
        const made = yield* deliveriesOf({ webhookId: webhook.webhook_id })
        assert.strictEqual(made.length, accepted.length)
        assert.deepStrictEqual([...new Set(made.map(({ status }) => status))], ["delivered"])
        const retried = made.find(({ attempts }) => attempts === 2)
        if (retried === undefined) return assert.fail("there is a retried delivery")
        const { history } = yield* Effect.flatMap(
          deliveries.show(webhook.webhook_id, retried.event_id),
          Effect.fromOption
        )
        assert.deepStrictEqual(
          history.map(({ status }) => status),
          [503, 200]
        )
        for (const { attempted_at: attemptedAt } of history) {
          assert.isAbove(Date.parse(attemptedAt), Date.parse(retried.created_at))
          assert.isBelow(Date.parse(attemptedAt), now)
        }

        // They are stored within a second.
        const counts = yield* poll(
          Decisions.use((decisions) =>
            decisions.counts({ site, first: dateOf(now - 59 * dayMillis), last: dateOf(now) })
          ),
          ({ quarantined }) => quarantined === 2
        )
        assert.isAbove(counts.bot ?? 0, 0)
      }).pipe(Effect.provide(onRealClock(postgres())))
    )
  }

  it.effect("has no conversation that has expired, but still the lead of each", () =>
    Effect.gen(function* () {
      const now = Date.UTC(2026, 10, 30, 10)
      const { instanceId, site } = yield* stored(now, Option.some({ count: 30, unit: "days" }))
      const { items } = yield* Transcripts.use((transcripts) =>
        transcripts.list({ reach: "all", instanceId, filter: {}, after: null, limit: 100 })
      )
      assert.isNotEmpty(items)
      for (const { created_at } of items) assert.isAtLeast(Date.parse(created_at), now - 30 * dayMillis)
      const request: Request = {
        ...ReportQuery.plain,
        siteId: site.websiteConfigId,
        dateRange: "91d",
        metrics: ["conversions"],
        dimensions: [],
        filters: [{ operator: "is", dimension: "event:goal", values: ["Chat started"] }],
        limit: 1
      }
      const query = DateRange.queryOf(request, { now, timeZone: "UTC" })
      const [total] = (yield* Reports.use((reports) => reports.query(site, query))).results
      assert.isAbove(Number(total?.metrics[0]), items.length)
    }).pipe(Effect.provide(onRealClock(postgres())))
  )
})
