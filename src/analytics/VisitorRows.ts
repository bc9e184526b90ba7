/**
 * Page views and events of visitors, as the SQL of PostgreSQL and of ClickHouse returns them to find the visits of leads.
 *
 * @module
 */
import { Effect, Schema } from "effect"
import { decodeRows } from "../platform/runtime/Rows.ts"
import type { VisitorRow } from "./Lead.ts"
import * as Visits from "./reports/Visits.ts"

const Text = Schema.NullOr(Schema.String)

const Rows = Schema.Array(
  Schema.Struct({
    hash: Schema.String,
    session: Text,
    /** Milliseconds since 1970. */
    at: Schema.Finite,
    isView: Schema.Boolean,
    page: Schema.String,
    utm_source: Text,
    utm_medium: Text,
    utm_campaign: Text,
    referrer_host: Text,
    referrer_path: Text,
    country: Text
  })
)

const toRow = (row: (typeof Rows.Type)[number]): VisitorRow => ({
  receivedAt: row.at,
  visitorHash: row.hash,
  sessionKey: Visits.sessionKey({ sessionId: row.session, visitorHash: row.hash }),
  path: row.page,
  country: row.country,
  view: row.isView
    ? {
        campaign: { source: row.utm_source, medium: row.utm_medium, name: row.utm_campaign, term: null, content: null },
        referrerHost: row.referrer_host,
        referrerPath: row.referrer_path
      }
    : null
})

export const decode = <E, R>(rows: Effect.Effect<ReadonlyArray<unknown>, E, R>) =>
  Effect.map(decodeRows(Rows)(rows), (decoded): ReadonlyArray<VisitorRow> => decoded.map(toRow))
