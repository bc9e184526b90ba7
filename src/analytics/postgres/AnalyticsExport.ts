/**
 * Reads page views and events from PostgreSQL, in pages of rows, so that a slow reader of an export holds no connection and a
 * bounded number of bytes.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import type { PgClient } from "@effect/sql-pg/PgClient"
import { Effect, Option, Schema, Stream } from "effect"
import * as Database from "../../platform/postgres/Database.ts"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import type { Query } from "../AnalyticsRepo.ts"
import * as AnalyticsRows from "../AnalyticsRows.ts"
import * as StoredView from "../StoredView.ts"

const at = "floor(extract(epoch FROM received_at) * 1000)::float8 AS at"

const hash = "encode(visitor_hash, 'hex') AS visitor_hash"

const selected = (columns: ReadonlyArray<Pick<StoredView.Column<never>, "name" | "type">>): string =>
  [at, ...columns.map(({ name, type }) => (type === "hash" ? hash : name))].join(", ")

/** The columns of page views that `AnalyticsRows.decodeView` decodes. */
export const viewColumns = selected(StoredView.columns)

/** The columns of events that `AnalyticsRows.decodeEvent` decodes. */
export const eventColumns = `${selected(StoredView.commonColumns)}, name, properties::text AS properties, revenue_amount::float8 AS revenue_amount,
  revenue_currency, is_interactive`

const ofPeriod = "hosted_website_id = $1 AND received_at >= $2 AND received_at < $3"

/** The page views of a website, from one time to another. `AnalyticsRows.decodeView` decodes them. */
export const viewsStatement = `SELECT ${viewColumns} FROM page_view WHERE ${ofPeriod} ORDER BY received_at`

/** Like `viewsStatement`, for events and `AnalyticsRows.decodeEvent`. */
export const eventsStatement = `SELECT ${eventColumns} FROM event WHERE ${ofPeriod} ORDER BY received_at`

/** The maximum number of rows of a page, few because its rows are parsed without a break. */
const pageSize = 100

/** The maximum size of a page in bytes, by its large columns: a row can have 70 kB. A page has at least one row. */
export const pageBytes = 1_000_000

/**
 * The page after the cursor `$4` and `$5`, or the first page if they are null. The rows have no key. `ctid`
 * orders rows of one time, because these are in one partition and never updated.
 */
const pageOf = (columns: string, table: string, size: string): string => `SELECT * FROM (
    SELECT ${columns}, received_at::text AS time, ctid::text AS place,
      sum(${size}) OVER (ORDER BY received_at, ctid ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
    FROM ${table} WHERE ${ofPeriod} AND received_at >= coalesce($4::text::timestamptz, $2)
      AND ($4::text IS NULL OR received_at > $4::text::timestamptz OR ctid > $5::text::tid)
    ORDER BY received_at, ctid LIMIT ${pageSize}
  ) AS page WHERE before IS NULL OR before < ${pageBytes}`

const viewsPage = pageOf(viewColumns, "page_view", "octet_length(path) + coalesce(octet_length(referrer_path), 0)")
const eventsPage = pageOf(eventColumns, "event", "octet_length(path) + coalesce(octet_length(properties::text), 0)")

const Cursors = Schema.Array(Schema.Struct({ time: Schema.String, place: Schema.String }))

type Cursor = (typeof Cursors.Type)[number]

const first: Cursor | null = null

/** The rows that `AnalyticsRepo.rows` reads. */
export const rowsOf = (sql: PgClient, { from, hostedWebsiteId, to }: Query) => {
  const read = (statement: string, decode: typeof AnalyticsRows.decodeView) =>
    Stream.paginate(
      first as Cursor | null,
      Effect.fnUntraced(function* (after) {
        const rows = yield* sql
          .unsafe(statement, [
            PgTypes.uuid(hostedWebsiteId),
            PgTypes.timestamptz(from),
            PgTypes.timestamptz(to),
            PgTypes.text(after?.time ?? null),
            PgTypes.text(after?.place ?? null)
          ])
          .pipe(Database.mapErrors)
        // The last page is empty, because a page may end at its maximum size.
        const [last] = yield* decodeRows(Cursors)(Effect.succeed(rows.slice(-1)))
        const decoded = yield* Effect.forEach(rows, (row) => decode(row, hostedWebsiteId))
        return [decoded, Option.fromUndefinedOr(last)] as const
      })
    )
  return Stream.concat(read(viewsPage, AnalyticsRows.decodeView), read(eventsPage, AnalyticsRows.decodeEvent))
}
