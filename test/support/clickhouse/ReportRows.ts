/** Inserts the rows of a website into ClickHouse directly, without the service's repositories. */
import { randomUUID } from "node:crypto"
import { Effect } from "effect"
import type { EventRow, SiteRows, ViewRow } from "../../../src/analytics/reports/Visits.ts"
import * as StoredView from "../../../src/analytics/StoredView.ts"
import { ClickHouse } from "../../../src/platform/clickhouse/ClickHouse.ts"

const valuesOf = <Row extends ViewRow | EventRow>(
  columns: ReadonlyArray<StoredView.Column<Row>>,
  hostedWebsiteId: string,
  row: Row
) => ({
  ...Object.fromEntries(columns.map(({ name, of }) => [name, of(row)])),
  hosted_website_id: hostedWebsiteId,
  received_at: row.receivedAt,
  visitor_hash: row.visitorHash.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5")
})

const store = (table: string, rows: ReadonlyArray<Readonly<Record<string, unknown>>>) =>
  ClickHouse.use(({ insert }) => {
    const [first, ...others] = Object.keys(rows[0] ?? {})
    return first === undefined
      ? Effect.void
      : insert({ table, columns: [first, ...others], rows: rows.map(Object.values), token: randomUUID() })
  })

export const insert = Effect.fnUntraced(function* (hostedWebsiteId: string, rows: SiteRows) {
  yield* store(
    "page_view",
    rows.views.map((view) => valuesOf(StoredView.columns, hostedWebsiteId, view))
  )
  yield* store(
    "event",
    rows.events.map((event) => ({
      ...valuesOf(StoredView.commonColumns, hostedWebsiteId, event),
      name: event.name,
      properties: event.properties === null ? null : JSON.stringify(event.properties),
      property_texts: Object.fromEntries(
        Object.entries(event.properties ?? {}).map(([name, value]) => [name, String(value)])
      ),
      revenue_amount: event.revenue?.amount ?? null,
      revenue_currency: event.revenue?.currency ?? null,
      is_interactive: event.isInteractive
    }))
  )
  yield* store(
    "conversion",
    rows.conversions.map(({ name, sessionKey, visitStartedAt }) => ({
      hosted_website_id: hostedWebsiteId,
      visit_started_at: visitStartedAt,
      session_key: sessionKey,
      name
    }))
  )
})
