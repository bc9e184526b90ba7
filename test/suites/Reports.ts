/**
 * The tests that every layer of `Reports` must pass: reports equal those of `analytics/reports/Evaluate`.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { assert, describe, layer as withLayer } from "@effect/vitest"
import { Clock, Effect, type Layer, Schema } from "effect"
import { AnalyticsRepo } from "../../src/analytics/AnalyticsRepo.ts"
import type { Query } from "../../src/analytics/reports/Query.ts"
import { type ReportSite, Reports, type SiteQuery } from "../../src/analytics/reports/Reports.ts"
import type { SiteRows } from "../../src/analytics/reports/Visits.ts"
import * as SmallCounts from "../../src/analytics/shares/SmallCounts.ts"
import { HostedWebsiteId, WebsiteConfigId } from "../../src/platform/Id.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import * as Evaluation from "../support/Evaluation.ts"
import { plainEvent, plainView, queryOf, RequestShape, Rows, rowsOf, TimeZone } from "../support/Reports.ts"

const newReportSite = SiteDirectory.use((sites) => sites.create({ name: "test", origins: [] }))

/** Stores the views and events of a site. */
const store = Effect.fnUntraced(function* ({ hostedWebsiteId }: ReportSite, rows: SiteRows) {
  const repo = yield* AnalyticsRepo
  const all = [
    ...rows.views.map((view) => repo.append({ ...view, hostedWebsiteId, exclusion: null })),
    ...rows.events.map((event) => repo.appendEvent({ ...event, hostedWebsiteId }))
  ]
  yield* Effect.all(all, { concurrency: "unbounded", discard: true })
})

const noRows = Rows.make({ views: [], events: [], conversions: [], goalCount: 0 })

const plainRequest = {
  metrics: ["visitors"],
  dimensions: [],
  filters: [],
  dateRange: "7d",
  order: [],
  comparison: null,
  limit: 10_000,
  offset: 0
} as const

/** Metrics whose values of different days can be added. */
const additive = ["visitors", "visits", "pageviews", "bounce_rate", "visit_duration", "events", "conversions"] as const

export const suite = <E>(
  name: string,
  layer: Layer.Layer<AnalyticsRepo | Reports | SiteDirectory, E>,
  { runs = 40 }: { readonly runs?: number } = {}
) =>
  describe(name, () => {
    withLayer(layer, { excludeTestServices: true })((it) => {
      it.effect.prop(
        "a report equals that of Evaluate over the website's rows",
        {
          rows: Rows,
          requests: Schema.Tuple([RequestShape, RequestShape]),
          timeZone: TimeZone,
          untilNow: Schema.Boolean
        },
        ({ requests, rows: shape, timeZone, untilNow }) =>
          Effect.gen(function* () {
            const reports = yield* Reports
            const [site, other] = [yield* newReportSite, yield* newReportSite]
            const rows = { ...rowsOf(shape), conversions: [], goals: [] }
            yield* store(site, rows)
            yield* store(other, { ...rows, events: [] })
            for (const request of requests) {
              const query = { ...queryOf(request, timeZone), untilNow }
              assert.deepStrictEqual(yield* reports.query(site, query), Evaluation.evaluate(query, rows))
              const { compared, counted } = yield* reports.count(site, SmallCounts.queryToCount(query))
              const coarse = SmallCounts.answer(query, counted, compared)
              assert.deepStrictEqual(coarse, Evaluation.evaluateCoarse(query, rows))
            }
          }),
        { arbitrary: { runs } }
      )

      it.effect.prop(
        "`queryAll` answers as `query` does for each website, in several time zones",
        {
          shapes: Schema.Array(Schema.Struct({ rows: Rows, timeZone: TimeZone, isRolledUp: Schema.Boolean })).check(
            Schema.isMaxLength(4)
          ),
          request: RequestShape,
          isPlain: Schema.Boolean,
          untilNow: Schema.Boolean
        },
        ({ isPlain, request, shapes, untilNow }) =>
          Effect.gen(function* () {
            const reports = yield* Reports
            const queries: Array<SiteQuery> = []
            for (const { isRolledUp, rows: shape, timeZone } of shapes) {
              const site = yield* SiteDirectory.use((sites) => sites.create({ name: "test", origins: [], timeZone }))
              yield* store(site, rowsOf(shape))
              if (isRolledUp) yield* reports.rebuild(site)
              const shared = isPlain
                ? { ...request, metrics: additive, dimensions: [], filters: [], order: [] }
                : request
              queries.push({ site, query: { ...queryOf(shared, timeZone), siteId: site.websiteConfigId, untilNow } })
            }
            const answers = yield* reports.queryAll(queries)
            const expected = yield* Effect.forEach(queries, ({ query, site }) => reports.query(site, query))
            assert.deepStrictEqual(answers, expected)
          }),
        { arbitrary: { runs } }
      )

      it.effect("a report of a website without rows has zeros", () =>
        Effect.gen(function* () {
          const reports = yield* Reports
          const site = {
            websiteConfigId: WebsiteConfigId.make(randomUUID()),
            hostedWebsiteId: HostedWebsiteId.make(randomUUID())
          }
          const query = queryOf(RequestShape.make({ ...plainRequest, metrics: ["visitors", "bounce_rate"] }), "UTC")
          const { results } = yield* reports.query(site, query)
          assert.deepStrictEqual(results, [{ dimensions: [], metrics: [0, 0] }])
        })
      )

      it.effect("a coarse report hides a rate of 0 among few visitors", () =>
        Effect.gen(function* () {
          const reports = yield* Reports
          const site = yield* newReportSite
          const rows = rowsOf({ ...noRows, events: [plainEvent] })
          yield* store(site, rows)
          const query: Query = {
            ...queryOf(RequestShape.make({ ...plainRequest, metrics: ["group_conversion_rate"] }), "UTC"),
            filters: [{ operator: "is", dimension: "event:props:plan", values: ["none has it"] }]
          }
          const { counted } = yield* reports.count(site, SmallCounts.queryToCount(query))
          const { results } = SmallCounts.answer(query, counted, null)
          assert.deepStrictEqual(results, [{ dimensions: [], metrics: [null] }])
        })
      )

      it.effect("`currentVisitors` counts the visitors of the last five minutes, each once", () =>
        Effect.gen(function* () {
          const reports = yield* Reports
          const site = yield* newReportSite
          const time = yield* Clock.currentTimeMillis
          const [view] = rowsOf({ ...noRows, views: [plainView] }).views
          const [event] = rowsOf({ ...noRows, events: [plainEvent] }).events
          if (view === undefined || event === undefined) return assert.fail()
          const at = (minutes: number) => time - minutes * 60_000
          const by = (visitor: string) => visitor.repeat(32)
          yield* store(site, {
            views: [
              { ...view, receivedAt: at(0), visitorHash: by("a") },
              { ...view, receivedAt: at(4), visitorHash: by("a") },
              { ...view, receivedAt: at(6), visitorHash: by("b") }
            ],
            events: [{ ...event, receivedAt: at(1), visitorHash: by("c") }],
            conversions: [],
            goals: []
          })
          assert.strictEqual(yield* reports.currentVisitors(site), 2)
        })
      )

      it.effect("`properties` has the properties of late events by the events' names, the most frequent first", () =>
        Effect.gen(function* () {
          const reports = yield* Reports
          const [site, other] = [yield* newReportSite, yield* newReportSite]
          const time = yield* Clock.currentTimeMillis
          const [event] = rowsOf({ ...noRows, events: [plainEvent] }).events
          if (event === undefined) return assert.fail()
          const named = (name: string, properties: typeof event.properties, daysAgo = 0) => ({
            ...event,
            ...{ name, properties, receivedAt: time - daysAgo * 86_400_000 }
          })
          const events = [
            named("Signup", { plan: "A", "Größe 📏": 1 }),
            named("Signup", { plan: "B" }, 90),
            named("Order", { plan: "C" }),
            named("Order", { Plan: "C" }),
            named("Order", null),
            named("Old", { age: 1 }, 92)
          ]
          yield* store(site, { views: [], events, conversions: [], goals: [] })
          yield* store(other, { views: [], events: [named("Other", { x: 1 })], conversions: [], goals: [] })
          assert.deepStrictEqual(yield* reports.properties(site), [
            { event: "Signup", property: "plan", events: 2 },
            { event: "Order", property: "Plan", events: 1 },
            { event: "Order", property: "plan", events: 1 },
            { event: "Signup", property: "Größe 📏", events: 1 }
          ])
        })
      )

      it.effect("`lastReceived` has the time of each website's last page view or event, however old it is", () =>
        Effect.gen(function* () {
          const { lastReceived } = yield* Reports
          const time = yield* Clock.currentTimeMillis
          const [view] = rowsOf({ ...noRows, views: [plainView] }).views
          const [event] = rowsOf({ ...noRows, events: [plainEvent] }).events
          if (view === undefined || event === undefined) return assert.fail()
          const [viewed, reported, old, empty] = [
            yield* newReportSite,
            yield* newReportSite,
            yield* newReportSite,
            yield* newReportSite
          ]
          const at = (hours: number) => time - hours * 3_600_000
          const none = { views: [], events: [], conversions: [], goals: [] }
          yield* store(viewed, {
            ...none,
            views: [9, 3].map((hours) => ({ ...view, receivedAt: at(hours) })),
            events: [{ ...event, receivedAt: at(4) }]
          })
          yield* store(reported, {
            ...none,
            views: [{ ...view, receivedAt: at(200) }],
            events: [{ ...event, receivedAt: at(100) }]
          })
          yield* store(old, { ...none, views: [{ ...view, receivedAt: at(3_000) }] })
          const found = yield* lastReceived([viewed, reported, old, empty])
          assert.deepStrictEqual(
            [viewed, reported, old, empty].map(({ hostedWebsiteId }) => found.get(hostedWebsiteId)),
            [at(3), at(100), at(3_000), undefined]
          )
          assert.strictEqual((yield* lastReceived([])).size, 0)
        })
      )
    })
  })
