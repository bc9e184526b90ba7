import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as App from "../../src/App.ts"
import * as DateRange from "../../src/core/analytics/report/DateRange.ts"
import type { Request } from "../../src/core/analytics/report/Query.ts"
import { dayOf } from "../../src/core/text/Calendar.ts"
import * as SampleData from "../../src/demo/SampleData.ts"
import * as SampleHistory from "../../src/demo/SampleHistory.ts"
import { Leads } from "../../src/services/analytics/Leads.ts"
import { Reports } from "../../src/services/analytics/Reports.ts"
import { InstanceDirectory } from "../../src/services/chat/InstanceDirectory.ts"
import { SiteDirectory } from "../../src/services/sites/SiteDirectory.ts"
import * as ReportQuery from "../support/ReportQuery.ts"

const today = Date.UTC(2026, 10, 26)
const hostedWebsiteId = "5e0d4b4e-6f2c-4a3c-8f6e-0a2f6f1f7b3d"

const history = SampleHistory.make({ hostedWebsiteId, before: today, seed: "one" })

describe("the demo's sample history", () => {
  it.effect("is the same for the same seed, and differs for another seed", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* history, yield* history)
      const other = yield* SampleHistory.make({ hostedWebsiteId, before: today, seed: "two" })
      assert.notDeepEqual(other.views, (yield* history).views)
    })
  )

  it.effect("has visits on each of the 60 days before today; each visit ends on its day and has one visitor", () =>
    Effect.gen(function* () {
      const { events, leads, views } = yield* history
      const rows = [...views, ...events]
      const days = new Set(rows.map(({ receivedAt }) => dayOf(receivedAt)))
      const last = dayOf(today) - 1
      assert.deepStrictEqual(
        [...days].sort(),
        Array.from({ length: SampleHistory.days }, (_, index) => last - 59 + index)
      )
      const sessions = Map.groupBy(rows, ({ sessionId }) => sessionId)
      for (const [sessionId, ofSession] of sessions) {
        assert.strictEqual(new Set(ofSession.map(({ receivedAt }) => dayOf(receivedAt))).size, 1, sessionId ?? "")
        assert.strictEqual(new Set(ofSession.map(({ visitorHash }) => visitorHash)).size, 1)
      }
      assert.strictEqual(new Set(rows.map(({ visitorHash }) => visitorHash)).size, sessions.size)
      for (const { form, sessionId } of leads) {
        assert.isTrue(sessions.has(sessionId))
        assert.match(form["name"] ?? "", /\(sample data\)$/)
      }
    })
  )

  it.effect("shows in reports, with leads of campaigns", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(today + 10 * 3_600_000)
      const site = yield* SiteDirectory.use((sites) => sites.create({ name: "Demo", origins: [] }))
      const { instanceId } = yield* InstanceDirectory.use((instances) =>
        Effect.tap(
          instances.create({
            name: "Demo",
            agentUrl: "http://agent",
            agentModel: null,
            agentKeyEnv: null,
            origins: []
          }),
          ({ instanceId }) => instances.update(instanceId, { websiteConfigId: site.websiteConfigId })
        )
      )
      yield* SampleData.store({ ...site, instanceId })
      const { dropped, matched } = yield* Leads.use(({ match }) => match)
      assert.strictEqual(dropped, 0)
      assert.isAbove(matched, 0)
      const request: Request = {
        ...ReportQuery.plain,
        siteId: site.websiteConfigId,
        metrics: ["visits", "conversions"],
        dateRange: "91d",
        dimensions: ["visit:utm_campaign"],
        filters: [{ operator: "is", dimension: "event:goal", values: ["Form submitted", "Chat started"] }],
        orderBy: [{ by: "conversions", direction: "desc" }],
        limit: 100
      }
      const query = DateRange.queryOf(request, { now: today, timeZone: "UTC" })
      const { results } = yield* Reports.use((reports) => reports.query(site, query))
      const conversions = results.reduce((sum, { metrics }) => sum + Number(metrics[1]), 0)
      assert.strictEqual(conversions, matched)
      assert.includeMembers(
        results.flatMap(({ dimensions }) => dimensions),
        ["spring", "midnight-sun"]
      )
    }).pipe(Effect.provide(App.memoryStorage))
  )
})
