/**
 * Reports from stored visits and sums equal those of `Evaluate`: while rows arrive and days are rolled up at any time, also by two
 * processes at once, and after late rows.
 */
import { randomUUID } from "node:crypto"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import * as Counting from "../../../../src/analytics/reports/clickhouse/Counting.ts"
import * as DayRollUp from "../../../../src/analytics/reports/clickhouse/DayRollUp.ts"
import * as ManySitesSql from "../../../../src/analytics/reports/clickhouse/ManySites.ts"
import * as Reader from "../../../../src/analytics/reports/clickhouse/Reader.ts"
import * as VisitDays from "../../../../src/analytics/reports/clickhouse/VisitDays.ts"
import * as LocalTime from "../../../../src/analytics/reports/LocalTime.ts"
import * as ManySites from "../../../../src/analytics/reports/ManySites.ts"
import type { SiteRows } from "../../../../src/analytics/reports/Visits.ts"
import { ClickHouse } from "../../../../src/platform/clickhouse/ClickHouse.ts"
import { HostedWebsiteId, WebsiteConfigId } from "../../../../src/platform/Id.ts"
import { decodeRows } from "../../../../src/platform/runtime/Rows.ts"
import { dateOf, dayMillis } from "../../../../src/platform/text/Calendar.ts"
import * as EverySite from "../../../support/clickhouse/EverySite.ts"
import { insert } from "../../../support/clickhouse/ReportRows.ts"
import * as TestClickHouse from "../../../support/clickhouse/TestClickHouse.ts"
import * as Evaluation from "../../../support/Evaluation.ts"
import { now, plainView, queryOf, RequestShape, Rows, rowsOf, TimeZone } from "../../../support/Reports.ts"

const Runs = Schema.Array(Schema.Struct({ day: Schema.String, roll: Schema.String }))

const limits = { seconds: 20, memory: 1_000_000_000 }

/** The days of all rows. The real time is later than this fixed `now`, so a rollup run stores the visits of these days. */
const daysIn = (timeZone: string) => LocalTime.days(timeZone, dateOf(now - 5 * dayMillis), dateOf(now + dayMillis))

const concat = (first: SiteRows, second: SiteRows): SiteRows => ({
  views: [...first.views, ...second.views],
  events: [...first.events, ...second.events],
  conversions: [...first.conversions, ...second.conversions],
  goals: first.goals
})

const none: SiteRows = { views: [], events: [], conversions: [], goals: [] }

/** What many websites are asked together. */
const additive = {
  metrics: ["visitors", "visits", "pageviews", "bounce_rate", "visit_duration", "events", "conversions"],
  ...{ dimensions: [], filters: [], order: [], comparison: null }
} as const

/**
 * A new website: stores rows, rolls up, and compares a report with that of `Evaluate` over all rows that were stored: of the website
 * alone, and unless `isAlone` together with another website, which takes three times as long.
 */
const website = Effect.fnUntraced(function* (timeZone: string, fewRows: number) {
  const clickhouse = yield* ClickHouse
  const statements: Array<string> = []
  const query: typeof clickhouse.query = (statement, options) => {
    statements.push(statement)
    return clickhouse.query(statement, options)
  }
  const reader = Reader.make({ ...clickhouse, query }, limits, { fewRows })
  const site = {
    hostedWebsiteId: HostedWebsiteId.make(randomUUID()),
    websiteConfigId: WebsiteConfigId.make(randomUUID())
  }
  let all = none
  return {
    hostedWebsiteId: site.hostedWebsiteId,
    /** The statements that were run. */
    statements,
    add: (rows: SiteRows) => {
      all = concat({ ...all, goals: rows.goals }, rows)
      return insert(site.hostedWebsiteId, rows)
    },
    rollUp: (until?: number) =>
      DayRollUp.rollUp(
        reader,
        { ...site, timeZone },
        { days: daysIn(timeZone), isForced: false, minRows: 0, ...(until === undefined ? {} : { until }) }
      ),
    plan: VisitDays.plan(reader, site.hostedWebsiteId, timeZone, daysIn(timeZone)),
    check: Effect.fnUntraced(function* (request: typeof RequestShape.Type, when: string, isAlone = false) {
      const query = queryOf(request, timeZone)
      assert.deepStrictEqual(
        yield* Counting.answer(reader, site, query, all.goals),
        Evaluation.evaluate(query, all),
        when
      )
      if (isAlone) return
      const withoutRows = {
        hostedWebsiteId: HostedWebsiteId.make(randomUUID()),
        websiteConfigId: WebsiteConfigId.make(randomUUID())
      }
      for (const together of [query, queryOf({ ...request, ...additive }, timeZone)]) {
        const answers = yield* ManySites.answers(
          {
            firstReceived: (sites) => Counting.firstReceived(reader, sites),
            count: (batch, range) => ManySitesSql.count(reader, batch, range, (one) => (one === site ? all.goals : [])),
            answer: () => Effect.die("Each website is counted together with the other"),
            concurrency: 1
          },
          [
            { site, query: together },
            { site: withoutRows, query: together }
          ]
        )
        assert.deepStrictEqual(
          answers,
          [Evaluation.evaluate(together, all), Evaluation.evaluate(together, none)],
          `together with others ${when}`
        )
      }
    })
  }
})

/** Whether the visits that are not stored are computed by ClickHouse or in this process. */
const FewRows = Schema.Literals([0, 1_000])

/** Requests that sums answer, besides others. */
const Request = Schema.Union([
  RequestShape,
  Schema.Struct({
    ...RequestShape.fields,
    metrics: Schema.Tuple([
      Schema.Literal("visitors"),
      Schema.Literal("bounce_rate"),
      Schema.Literal("visit_duration")
    ]),
    dimensions: Schema.Array(
      Schema.Literals(["time:day", "time:week", "event:page", "visit:source", "event:name"])
    ).check(Schema.isMaxLength(2)),
    filters: Schema.Tuple([])
  })
])

const Step = Schema.Struct({
  rows: Rows,
  request: Request,
  /** The age of the rows that a rollup run reads, in minutes before `now`. Some runs read the rows of the future. */
  age: Schema.Int.check(Schema.isBetween({ minimum: -60, maximum: 3 * 24 * 60 })),
  runs: Schema.Literals([0, 1, 2])
})

/** As if every row were stored as soon as it was received: no row counts as late. Conversions are always stored later. */
const timely = Layer.effectDiscard(
  ClickHouse.use(({ command }) =>
    Effect.forEach(["page_view_late", "event_late"], (view) => command(`DROP VIEW ${view}`), { discard: true })
  )
).pipe(Layer.provideMerge(TestClickHouse.layer), Layer.orDie)

TestClickHouse.describeWithClickHouse("analytics/reports/clickhouse/DayRollUp: days that go on", () => {
  layer(Layer.merge(timely, EverySite.writable), { excludeTestServices: true })((it) => {
    it.effect.prop(
      "a report equals that of Evaluate while rows arrive and days are rolled up at any time",
      {
        steps: Schema.Array(Step).check(Schema.isMinLength(2), Schema.isMaxLength(4)),
        timeZone: TimeZone,
        fewRows: FewRows
      },
      ({ fewRows, steps, timeZone }) =>
        Effect.gen(function* () {
          const site = yield* website(timeZone, fewRows)
          let until = 0
          const last = steps.findLastIndex(({ runs }) => runs > 0)
          for (const [index, { age, request, rows: shape, runs }] of steps.entries()) {
            const rows = rowsOf(shape)
            const isNew = ({ receivedAt }: { readonly receivedAt: number }) => receivedAt >= until
            yield* site.add({ ...rows, views: rows.views.filter(isNew), events: rows.events.filter(isNew) })
            yield* site.check(request, "before the rollup run", true)
            if (runs === 0) continue
            until = Math.max(until, now - age * 60_000)
            yield* Effect.forEach(Array.from({ length: runs }), () => site.rollUp(until), { concurrency: "unbounded" })
            assert.deepStrictEqual(
              (yield* site.plan).raw.flat().filter(({ start }) => start < until),
              [],
              "the visits are stored"
            )
            yield* site.check(request, "after the rollup run", index < last)
          }
        }),
      { arbitrary: { runs: 2 }, timeout: 240_000 }
    )

    it.effect("a visitor who comes back counts once, also under another session id", () =>
      Effect.gen(function* () {
        const request = RequestShape.make({
          ...{ metrics: ["visitors", "visits", "bounce_rate"], dimensions: ["event:page"], filters: [], order: [] },
          ...{ dateRange: "7d", comparison: null, limit: 10_000, offset: 0 }
        })
        const view = (minutes: number, sessionId: "s" | null) =>
          rowsOf({
            views: [{ ...plainView, age: minutes * 60_000, sessionId }],
            ...{ events: [], conversions: [], goalCount: 0 }
          })
        for (const [before, after] of [
          [null, null],
          ["s", null],
          [null, "s"]
        ] as const) {
          const site = yield* website("UTC", 1_000)
          yield* site.add(view(70, before))
          yield* site.add(view(69, null))
          yield* site.rollUp(now - 60 * 60_000)
          for (const minutes of [50, 10]) {
            yield* site.add(view(minutes, after))
            assert.lengthOf((yield* site.plan).open, 1)
            const when = `${minutes} minutes ago, with the session ids ${before} and ${after}`
            yield* site.check(request, when, true)
            // Of days that are stored.
            const ofToday = { ...request, dateRange: "day" } as const
            yield* site.check(ofToday, when, true)
            const already = site.statements.length
            yield* site.check(ofToday, `${when}, again`, true)
            const read = site.statements.slice(already).filter((statement) => /\* FROM page_view/.test(statement))
            assert.deepStrictEqual(read, [], "the visitor's rows are read again only after more came")
          }
        }
      })
    )
  })
})

TestClickHouse.describeWithClickHouse("analytics/reports/clickhouse/DayRollUp", () => {
  layer(Layer.merge(TestClickHouse.layer, EverySite.writable), { excludeTestServices: true })((it) => {
    it.effect.prop(
      "a report equals that of Evaluate after rollup runs and late rows",
      { rows: Rows, late: Rows, request: Request, timeZone: TimeZone, fewRows: FewRows },
      ({ fewRows, late, request, rows, timeZone }) =>
        Effect.gen(function* () {
          const site = yield* website(timeZone, fewRows)
          yield* site.add(rowsOf(rows))
          yield* site.rollUp()
          const { open, raw } = yield* site.plan
          assert.deepStrictEqual([open, raw], [[], []], "all days are stored")
          yield* site.check(request, "after the first rollup run", true)
          yield* site.add(rowsOf(late))
          yield* site.check(request, "after late rows")
          yield* site.rollUp()
          yield* site.check(request, "after the second rollup run", true)
        }),
      { arbitrary: { runs: 2 }, timeout: 240_000 }
    )

    it.effect.prop(
      "reports of websites that are rolled up together equal those of Evaluate",
      { first: Rows, second: Rows, request: Request, timeZone: TimeZone },
      ({ first, request, second, timeZone }) =>
        Effect.gen(function* () {
          const reader = Reader.make(yield* ClickHouse, limits)
          const sites = [yield* website(timeZone, 1_000), yield* website(timeZone, 1_000)] as const
          yield* sites[0].add(rowsOf(first))
          yield* sites[1].add(rowsOf(second))
          const ids = sites.map(({ hostedWebsiteId }) => hostedWebsiteId)
          const withRows = yield* DayRollUp.rollUpAll(reader, [...ids, randomUUID()], timeZone)
          assert.isTrue(withRows.every((id) => ids.includes(HostedWebsiteId.make(id))))
          for (const [index, site] of sites.entries()) {
            const { open, raw, stored } = yield* site.plan
            if (withRows.includes(site.hostedWebsiteId)) assert.isAbove(stored.length, 0)
            assert.deepStrictEqual(open, [])
            // The days before the first website began, and after the last row.
            assert.isAtMost(raw.length, 2)
            yield* site.check(request, "after the rollup run", index > 0)
          }
        }),
      { arbitrary: { runs: 2 }, timeout: 240_000 }
    )

    it.effect("a rebuild of many websites deletes the visits of all runs that it replaces, and no others", () =>
      Effect.gen(function* () {
        const clickhouse = yield* ClickHouse
        const reader = Reader.make(clickhouse, limits)
        // More than a thousand pairs of a day and a run.
        const sites = Array.from({ length: 12 }, () => randomUUID())
        const other = randomUUID()
        const [first, last] = [now - 100 * dayMillis, now - 3 * dayMillis]
        const earlier = LocalTime.days("UTC", dateOf(first), dateOf(last)).flatMap(({ date }) =>
          [...sites, other].map((site) => [site, date, 1])
        )
        const columns = ["hosted_website_id", "day", "roll"] as const
        for (const table of ["visit", "visit_sum", "visit_day"]) {
          yield* clickhouse.insert({ table, columns, rows: earlier, token: randomUUID() })
        }
        yield* clickhouse.insert({
          table: "page_view",
          columns: ["hosted_website_id", "received_at", "path", "visitor_hash"],
          rows: sites.flatMap((site) => [first, last].map((time) => [site, time, "/", randomUUID()])),
          token: randomUUID()
        })
        assert.sameMembers([...(yield* DayRollUp.rollUpAll(reader, sites, "UTC"))], sites)
        for (const table of ["visit", "visit_sum", "visit_day", "visit_run"]) {
          const rows = yield* clickhouse.query(
            `SELECT DISTINCT hosted_website_id AS id, roll = 1 AS isEarlier FROM ${table}
              WHERE hosted_website_id IN {sites:Array(UUID)} ORDER BY isEarlier`,
            { parameters: { sites: [...sites, other] } }
          )
          assert.sameDeepMembers(
            [...rows],
            [...sites.map((id) => ({ id, isEarlier: 0 })), { id: other, isEarlier: 1 }],
            table
          )
        }
      })
    )

    it.effect("a report has the conversions that were stored after the visits of their day", () =>
      Effect.gen(function* () {
        const site = yield* website("UTC", 1_000)
        const request = RequestShape.make({
          ...{ metrics: ["conversions", "visitors"], dimensions: [], filters: [], dateRange: "7d", order: [] },
          ...{ comparison: null, limit: 1, offset: 0 }
        })
        const age = 26 * 3_600_000
        const rows = { views: [], events: [], conversions: [], goalCount: 0 } as const
        yield* site.add(rowsOf({ ...rows, views: [{ ...plainView, age, sessionId: "s" }] }))
        yield* site.rollUp()
        yield* site.add(rowsOf({ ...rows, conversions: [{ age, key: "s", name: "Form submitted" }] }))
        assert.lengthOf((yield* site.plan).open, 1)
        yield* site.check(request, "after the conversion", true)
        yield* site.rollUp()
        assert.lengthOf((yield* site.plan).open, 0)
        yield* site.check(request, "after the second rollup run")
      })
    )

    it.effect("a process of the version before, which reads visit_day, knows the same rollup runs", () =>
      Effect.gen(function* () {
        const clickhouse = yield* ClickHouse
        const site = yield* website("UTC", 1_000)
        yield* site.add(
          rowsOf({
            views: [{ ...plainView, age: 26 * 3_600_000, sessionId: "s" }],
            ...{ events: [], conversions: [], goalCount: 0 }
          })
        )
        const options = { parameters: { site: site.hostedWebsiteId } }
        const runs = Effect.fnUntraced(function* (count: number, when: string) {
          const [ofVersionBefore = [], own] = yield* Effect.forEach(["visit_day", "visit_run"], (table) =>
            clickhouse
              .query(
                `SELECT toString(day) AS day, toString(roll) AS roll FROM ${table} WHERE hosted_website_id = {site:UUID}
                  ORDER BY day, roll`,
                options
              )
              .pipe(decodeRows(Runs))
          )
          assert.deepStrictEqual(ofVersionBefore, own, when)
          assert.lengthOf(ofVersionBefore, count, when)
          return ofVersionBefore
        })
        const days = yield* site.rollUp()
        const first = yield* runs(days, "after a rollup run of this version")
        const replacing = first.map(({ day, roll }) => ({ day, roll: String(BigInt(roll) + 1n) }))
        yield* clickhouse.insert({
          table: "visit_day",
          token: randomUUID(),
          columns: ["hosted_website_id", "day", "roll"],
          rows: replacing.map(({ day, roll }) => [site.hostedWebsiteId, day, roll])
        })
        yield* runs(2 * days, "after one of the version before")
        const reader = Reader.make(clickhouse, limits)
        yield* DayRollUp.removeReplaced(reader, [site.hostedWebsiteId], -DayRollUp.graceMillis)
        assert.deepStrictEqual(yield* runs(days, "after the replaced ones are deleted"), replacing)
      })
    )

    it.effect("stores no visits of a website that is being deleted", () =>
      Effect.gen(function* () {
        const clickhouse = yield* ClickHouse
        const reader = Reader.make(clickhouse, limits)
        const site = randomUUID()
        yield* clickhouse.command(
          `INSERT INTO page_view (hosted_website_id, received_at, path, visitor_hash)
            VALUES ({site:UUID}, fromUnixTimestamp64Milli({at:Int64}, 'UTC'), '/', generateUUIDv4())`,
          { parameters: { site, at: now - 2 * dayMillis } }
        )
        const rollUp = DayRollUp.rollUp(
          reader,
          { hostedWebsiteId: site, timeZone: "UTC" },
          { days: daysIn("UTC"), isForced: true, minRows: 0 }
        )
        const stored = clickhouse.query("SELECT roll FROM visit WHERE hosted_website_id = {site:UUID}", {
          parameters: { site }
        })
        yield* Effect.provide(rollUp, EverySite.deleted)
        assert.lengthOf(yield* stored, 0)
        yield* rollUp
        assert.lengthOf(yield* stored, 1)
      })
    )
  })
})
