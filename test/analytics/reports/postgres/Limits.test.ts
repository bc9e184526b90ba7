/** Visitors can send any number of paths and properties, so a report has a limit of groups. */
import { PgClient } from "@effect/sql-pg"
import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as LocalTime from "../../../../src/analytics/reports/LocalTime.ts"
import * as Query from "../../../../src/analytics/reports/postgres/Reports.ts"
import type { Query as CoreQuery, Filter } from "../../../../src/analytics/reports/Query.ts"
import { ReportTooLarge } from "../../../../src/platform/Storage.ts"
import { dateOf } from "../../../../src/platform/text/Calendar.ts"
import * as SiteDirectory from "../../../../src/sites/postgres/SiteDirectory.ts"
import * as Sites from "../../../../src/sites/SiteDirectory.ts"
import * as TestClient from "../../../support/postgres/TestClient.ts"
import * as ReportQuery from "../../../support/ReportQuery.ts"
import * as TestTime from "../../../support/TestTime.ts"

const live = SiteDirectory.layer().pipe(Layer.provideMerge(TestClient.layer))

const today = dateOf(TestTime.ofMachine())

const query = (siteId: string, filters: ReadonlyArray<Filter>): CoreQuery => ({
  ...ReportQuery.plain,
  siteId,
  metrics: ["pageviews"],
  range: { first: LocalTime.addDays(today, -1), last: LocalTime.addDays(today, 1) },
  timeZone: "UTC",
  dimensions: ["event:page"],
  filters,
  includeTotalRows: true,
  limit: 10
})

it.live(
  "analytics/reports/postgres: a report with more rows than the limit fails, and one with as many rows as the limit does not",
  () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const reader = yield* Query.makeReader(sql)
      const site = yield* Sites.SiteDirectory.use((sites) => sites.create({ name: "a", origins: [] }))
      yield* sql`INSERT INTO page_view (hosted_website_id, received_at, path, visitor_hash)
      SELECT ${site.hostedWebsiteId}, now(), '/' || number, decode(md5('a'), 'hex') FROM generate_series(1, 101) AS number`
      const reportOf = (filters: ReadonlyArray<Filter>) =>
        Query.readOnly(sql, "20 seconds")(Query.answer(reader, site, query(site.websiteConfigId, filters), 100))
      assert.deepStrictEqual(yield* Effect.flip(reportOf([])), new ReportTooLarge({ limit: "100 rows" }))
      const withoutOne: Filter = { operator: "is_not", dimension: "event:page", values: ["/1"] }
      assert.strictEqual((yield* reportOf([withoutOne])).meta.total_rows, 100)
    }).pipe(Effect.provide(live))
)

it.live("analytics/reports/postgres: a time limit may be longer than any that PostgreSQL accepts", () =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    assert.lengthOf(yield* Query.readOnly(sql, "30 days")(sql`SELECT 1`), 1)
  }).pipe(Effect.provide(TestClient.layer))
)
