/** After the retention or an erasure deletes rows, reports equal the results of `Evaluate`, and no rollup of the rows remains. */
import { PgClient, PgTypes } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Option, Schema } from "effect"
import * as RollUpLoop from "../../../../src/analytics/reports/postgres/RollUpLoop.ts"
import { type Dimension, metrics, type Query } from "../../../../src/analytics/reports/Query.ts"
import * as Retention from "../../../../src/privacy/postgres/Retention.ts"
import * as SiteErasure from "../../../../src/privacy/postgres/SiteErasure.ts"
import * as SiteDirectory from "../../../../src/sites/postgres/SiteDirectory.ts"
import * as Sites from "../../../../src/sites/SiteDirectory.ts"
import * as Erasure from "../../../../src/sites/SiteErasure.ts"
import { at } from "../../../suites/VisitorSalts.ts"
import * as Locks from "../../../support/postgres/Locks.ts"
import { check } from "../../../support/postgres/ReportCheck.ts"
import * as TestClient from "../../../support/postgres/TestClient.ts"
import * as ReportQuery from "../../../support/ReportQuery.ts"

const live = Layer.merge(SiteDirectory.layer(), SiteErasure.layer).pipe(Layer.provideMerge(TestClient.layer))

type Site = Effect.Success<ReturnType<Sites.SiteDirectory["Service"]["create"]>>

const shapes: ReadonlyArray<readonly [first: Query["range"]["first"], dimensions: ReadonlyArray<Dimension>]> = [
  [null, []],
  [null, ["time:day"]],
  [null, ["event:page"]],
  ["2024-02-01", ["event:goal"]],
  ["2024-02-01", ["time:month", "visit:source"]]
]

const queriesOf = ({ timeZone, websiteConfigId }: Site): ReadonlyArray<Query> =>
  shapes.map(([first, dimensions]) => ({
    ...ReportQuery.plain,
    siteId: websiteConfigId,
    metrics,
    dimensions,
    includeTotalRows: true,
    limit: 1000,
    range: { first, last: "2024-04-30" },
    timeZone
  }))

/** The partitions of February to April 2024. January is in the default partition. */
const partitions = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  for (const parent of ["page_view", "event"]) {
    for (const month of [2, 3, 4]) {
      yield* sql.unsafe(`CREATE TABLE ${parent}_2024_0${month} PARTITION OF ${parent}
        FOR VALUES FROM ('2024-0${month}-01Z') TO ('2024-0${month + 1}-01Z')`)
    }
  }
})

/** A website with page views, events and leads of eight visitors. Visits cross the ends of months in every time zone. */
const newSite = Effect.fnUntraced(function* (timeZone: string) {
  const sql = yield* PgClient.PgClient
  const site = yield* Sites.SiteDirectory.use((sites) => sites.create({ name: "a", origins: [], timeZone }))
  const id = PgTypes.uuid(site.hostedWebsiteId)
  yield* sql`INSERT INTO page_view (hosted_website_id, received_at, path, session_id, utm_source, visitor_hash)
    SELECT ${id}, time, '/' || n % 3, CASE WHEN n % 5 > 0 THEN 's' || n / 4 % 8 END, CASE WHEN n % 7 = 0 THEN 'news' END,
      decode(md5((n / 4 % 8)::text), 'hex')
    FROM generate_series(timestamptz '2024-01-31 18:00Z', '2024-04-01 06:00Z', '11 minutes') WITH ORDINALITY AS made (time, n)
    WHERE time - date_trunc('month', time, 'UTC') < interval '6 hours'
      OR date_trunc('month', time, 'UTC') + interval '1 month' - time < interval '6 hours'`
  yield* sql`INSERT INTO event (hosted_website_id, received_at, name, path, session_id, visitor_hash)
    SELECT hosted_website_id, received_at + interval '3 minutes', 'Signup', path, session_id, visitor_hash
    FROM page_view WHERE hosted_website_id = ${id} AND path = '/1'`
  yield* sql`INSERT INTO conversion (hosted_website_id, visit_started_at, session_key, name)
    SELECT hosted_website_id, received_at, session_id, 'Form submitted'
    FROM page_view WHERE hosted_website_id = ${id} AND path = '/2' AND session_id IS NOT NULL`
  return site
})

const tables = ["visit", "rollup", "rollup_day", "rollup_month", "rollup_site", "rollup_stale"]

const Count = Schema.Tuple([Schema.Struct({ rows: Schema.Int })])

/** The number of rows of a website in all tables that only reports use. */
const storedOf = Effect.fnUntraced(function* ({ hostedWebsiteId }: Site) {
  const sql = yield* PgClient.PgClient
  const counts = tables.map((table) => `(SELECT count(*) FROM ${table} WHERE hosted_website_id = $1)`)
  const [{ rows }] = yield* sql
    .unsafe(`SELECT (${counts.join(" + ")})::int AS rows`, [PgTypes.uuid(hostedWebsiteId)])
    .pipe(Effect.flatMap(Schema.decodeUnknownEffect(Count)))
  return rows
})

const First = Schema.Tuple([
  Schema.Struct({ visitStart: Schema.Date, rollupDay: Schema.String, sumDay: Schema.String })
])

/** The start of a website's first visit, and the first days in `rollup_day` and in `rollup`. */
const firstOf = Effect.fnUntraced(function* ({ hostedWebsiteId }: Site) {
  const sql = yield* PgClient.PgClient
  const id = PgTypes.uuid(hostedWebsiteId)
  const [first] = yield* sql`SELECT (SELECT min(started_at) FROM visit WHERE hosted_website_id = ${id}) AS "visitStart",
    (SELECT min(day)::text FROM rollup_day WHERE hosted_website_id = ${id}) AS "rollupDay",
    (SELECT min(day)::text FROM rollup WHERE hosted_website_id = ${id}) AS "sumDay"`.pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(First))
  )
  return first
})

const erase = ({ websiteConfigId }: Site) => Erasure.SiteErasure.use((erasure) => erasure.erase(websiteConfigId))

describe("analytics/reports/postgres: deletions", () => {
  it.live("after the retention deletes months, reports and rollups count the remaining rows, in each time zone", () =>
    Effect.gen(function* () {
      yield* partitions
      // The rollups begin with the month of the first remaining row.
      const sites = [
        { site: yield* newSite("Europe/Berlin"), firstMonth: "2024-03-01" },
        // In New York, the first page view of March (UTC) is still in February.
        { site: yield* newSite("America/New_York"), firstMonth: "2024-02-01" }
      ]
      const checkAll = (when: string) =>
        Effect.forEach(sites, ({ site }) => check(site, queriesOf(site), `${when} (${site.timeZone})`))
      yield* RollUpLoop.round
      yield* checkAll("before the deletion")
      const retention = Option.some({ count: 1, unit: "months" } as const)
      // At this time, March and later months are kept.
      yield* at(Date.UTC(2024, 3, 15))(
        Retention.deleteExpired({ pageViews: retention, submissions: Option.none(), conversations: Option.none() })
      )
      yield* checkAll("after the deletion")
      yield* RollUpLoop.round
      yield* checkAll("after the rollup run")
      for (const { firstMonth, site } of sites) {
        const { rollupDay, sumDay, visitStart } = yield* firstOf(site)
        assert.isAtLeast(visitStart.getTime(), Date.UTC(2024, 2, 1))
        assert.deepStrictEqual([rollupDay, sumDay], [firstMonth, firstMonth])
      }
    }).pipe(Effect.provide(live))
  )

  it.live("the erasure of a website deletes its rollups, and none of other websites", () =>
    Effect.gen(function* () {
      const [erased, other] = [yield* newSite("UTC"), yield* newSite("UTC")]
      yield* RollUpLoop.round
      const stored = yield* storedOf(other)
      assert.isAbove(yield* storedOf(erased), 0)
      yield* erase(erased)
      yield* RollUpLoop.round
      assert.strictEqual(yield* storedOf(erased), 0)
      assert.strictEqual(yield* storedOf(other), stored)
      yield* check(other, queriesOf(other), "after the erasure of another website")
    }).pipe(Effect.provide(live))
  )

  it.live("the erasure of a website waits for a rollup run, and deletes the rows that the run stores", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const site = yield* newSite("UTC")
      const blocker = yield* Locks.openTransaction(sql, sql`LOCK TABLE visit IN SHARE MODE`)
      const rollUp = yield* Effect.forkChild(RollUpLoop.round)
      yield* Locks.untilAwaited(sql)
      const erasure = yield* Effect.forkChild(erase(site))
      const markedSites = sql`SELECT FROM site WHERE deleted_at IS NOT NULL`
      yield* Effect.repeat(markedSites, { until: (rows) => rows.length > 0 })
      assert.isUndefined(rollUp.pollUnsafe())
      yield* blocker.commit
      yield* Fiber.join(rollUp)
      assert.isTrue(Option.isSome(yield* Fiber.join(erasure)))
      assert.strictEqual(yield* storedOf(site), 0)
    }).pipe(Effect.provide(live))
  )
})
