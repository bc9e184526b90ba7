/**
 * Reads all rows that the reports of a website count.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { Effect, Schema } from "effect"
import type { SqlClient } from "effect/sql"
import type { Row } from "../../../src/analytics/AnalyticsExport.ts"
import * as AnalyticsRows from "../../../src/analytics/AnalyticsRows.ts"
import * as AnalyticsExport from "../../../src/analytics/postgres/AnalyticsExport.ts"
import type { ReportSite } from "../../../src/analytics/reports/Reports.ts"
import type { SiteRows } from "../../../src/analytics/reports/Visits.ts"
import { decodeRows } from "../../../src/platform/runtime/Rows.ts"

const ConversionRows = Schema.Array(
  Schema.Struct({ visit_started_at: Schema.Date, session_key: Schema.String, name: Schema.String })
)

const GoalRows = Schema.Array(
  Schema.Struct({ name: Schema.String, kind: Schema.Literals(["event", "page"]), value: Schema.String })
)

const viewOf = (row: Row) => (row.type === "pageview" ? [row.view] : [])

const eventOf = (row: Row) => (row.type === "event" ? [row.event] : [])

/** Reads the page views, events, conversions and goals of a website. */
export const read = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, site: ReportSite) {
  const hosted = PgTypes.uuid(site.hostedWebsiteId)
  const ever = [PgTypes.timestamptz(0), PgTypes.timestamptz(Date.UTC(9999, 0))]
  const rowsOf = (statement: string, decode: typeof AnalyticsRows.decodeView) =>
    Effect.flatMap(sql.unsafe(statement, [hosted, ...ever]), (rows) =>
      Effect.forEach(rows, (row) => decode(row, site.hostedWebsiteId))
    )
  const views = yield* rowsOf(AnalyticsExport.viewsStatement, AnalyticsRows.decodeView)
  const events = yield* rowsOf(AnalyticsExport.eventsStatement, AnalyticsRows.decodeEvent)
  const conversions = yield* sql`
    SELECT visit_started_at, session_key, name FROM conversion WHERE hosted_website_id = ${hosted}`.pipe(
    decodeRows(ConversionRows)
  )
  const goals = yield* sql`
    SELECT name, kind, value FROM goal WHERE website_config_id = ${PgTypes.uuid(site.websiteConfigId)}`.pipe(
    decodeRows(GoalRows)
  )
  return {
    views: views.flatMap(viewOf),
    events: events.flatMap(eventOf),
    conversions: conversions.map((row) => ({
      visitStartedAt: row.visit_started_at.getTime(),
      sessionKey: row.session_key,
      name: row.name
    })),
    goals
  } satisfies SiteRows
})
