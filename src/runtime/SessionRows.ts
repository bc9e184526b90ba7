/**
 * Page views and events of sessions, as the SQL of PostgreSQL and of ClickHouse returns them to find the visits of leads.
 *
 * @module
 */
import { Schema } from "effect"
import type { SessionRow } from "../core/analytics/Lead.ts"

const Text = Schema.NullOr(Schema.String)

export const Rows = Schema.Array(
  Schema.Struct({
    session: Schema.String,
    /** Milliseconds since 1970. */
    at: Schema.Finite,
    /** Null for an event. */
    page: Text,
    utm_source: Text,
    utm_medium: Text,
    utm_campaign: Text,
    referrer_host: Text,
    referrer_path: Text
  })
)

const toSessionRow = (row: (typeof Rows.Type)[number]): SessionRow => ({
  receivedAt: row.at,
  view:
    row.page === null
      ? null
      : {
          path: row.page,
          campaign: {
            source: row.utm_source,
            medium: row.utm_medium,
            name: row.utm_campaign,
            term: null,
            content: null
          },
          referrerHost: row.referrer_host,
          referrerPath: row.referrer_path
        }
})

/** The rows of each session, in their order. */
export const bySession = (rows: typeof Rows.Type): ReadonlyMap<string, ReadonlyArray<SessionRow>> =>
  new Map(
    Array.from(
      Map.groupBy(rows, ({ session }) => session),
      ([session, found]) => [session, found.map(toSessionRow)]
    )
  )
