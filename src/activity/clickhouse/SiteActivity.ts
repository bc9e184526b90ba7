/**
 * Reads the latest activity of a website: page views and events from ClickHouse, submissions from `Inbox`, and conversations
 * from `Transcripts`.
 *
 * @module
 */

import { Clock, type Duration, Effect, Layer, Schema } from "effect"
import * as AnalyticsRows from "../../analytics/AnalyticsRows.ts"
import * as AnalyticsExport from "../../analytics/clickhouse/AnalyticsExport.ts"
import { Parameters } from "../../analytics/reports/clickhouse/Parameters.ts"
import * as VisitSql from "../../analytics/reports/clickhouse/VisitSql.ts"
import { InstanceDirectory } from "../../chat/InstanceDirectory.ts"
import { Transcripts } from "../../chat/Transcripts.ts"
import { Inbox } from "../../forms/InboxMessage.ts"
import { bounded, ClickHouse } from "../../platform/clickhouse/ClickHouse.ts"
import type { WebsiteConfigId } from "../../platform/Id.ts"
import { decodeRows, Millis } from "../../platform/runtime/Rows.ts"
import * as Calendar from "../../platform/text/Calendar.ts"
import * as Activities from "../Activity.ts"

const columns = "toUnixTimestamp64Milli(received_at) AS receivedAt, path, country, device_type AS device, browser"

/** An alias `received_at` would replace the column in the conditions. */
const withTime = <Fields extends Schema.Struct.Fields>(fields: Fields) =>
  Schema.Array(
    Schema.Struct({ ...fields, received_at: Millis }).pipe(Schema.encodeKeys({ received_at: "receivedAt" as const }))
  )

const Views = withTime(Activities.ViewActivity.fields)
const Events = withTime(Activities.EventActivity.fields)

const selected = {
  page_view: `'pageview' AS type, ${columns}, coalesce(utm_source, referrer_host) AS source`,
  event: `'event' AS type, ${columns}, name`
} as const

const rowSources = [
  { table: "page_view", columns: AnalyticsExport.viewColumns, decode: AnalyticsRows.decodeView },
  { table: "event", columns: AnalyticsExport.eventColumns, decode: AnalyticsRows.decodeEvent }
] as const

/**
 * The periods, in days, that are read in turn until enough rows are found. Without a period, ClickHouse would sort all rows of
 * the website, because tables are sorted by day and not by time.
 */
const periods = [0.1, 2, 60, Number.POSITIVE_INFINITY]

export interface Options {
  /** The timeout of the statements for each table. */
  readonly timeout: Duration.Input
}

export const layer = ({
  timeout
}: Options): Layer.Layer<Activities.SiteActivity, never, ClickHouse | Inbox | InstanceDirectory | Transcripts> =>
  Layer.effect(
    Activities.SiteActivity,
    Effect.gen(function* () {
      const { query } = yield* ClickHouse
      const inbox = yield* Inbox
      const directory = yield* InstanceDirectory
      const { list } = yield* Transcripts
      /** The most recently updated conversations of a website, as activities at the times when they began. */
      const conversationsOf = Effect.fnUntraced(function* (websiteConfigId: WebsiteConfigId, limit: number) {
        const instances = yield* directory.list(websiteConfigId)
        const found = yield* Effect.forEach(instances, ({ instance_id: instanceId }) =>
          Effect.map(list({ reach: websiteConfigId, instanceId, filter: {}, after: null, limit }), ({ items }) =>
            items.map(
              ({ conversation_id, created_at }): Activities.Activity => ({
                type: "conversation",
                received_at: created_at,
                instance_id: instanceId,
                conversation_id
              })
            )
          )
        )
        return Activities.joined(found).slice(0, limit)
      })
      /** The latest rows of a table, from the shortest period that has enough of them. */
      const latestOf = <A>(
        table: keyof typeof selected,
        schema: Schema.ConstraintDecoder<ReadonlyArray<A>>,
        hostedWebsiteId: string,
        limit: number
      ) =>
        Effect.gen(function* () {
          const now = yield* Clock.currentTimeMillis
          for (const days of periods) {
            const parameters = new Parameters()
            const statement = `SELECT ${selected[table]} FROM ${table}
              WHERE hosted_website_id = ${parameters.uuid(hostedWebsiteId)}
                AND received_at >= ${parameters.time(now - days * Calendar.dayMillis)}
              ORDER BY received_at DESC LIMIT ${limit}`
            const rows = yield* query(statement, { parameters: parameters.values }).pipe(decodeRows(schema))
            if (rows.length >= limit || !Number.isFinite(days)) return rows
          }
          return []
        }).pipe(bounded(timeout))
      return Activities.SiteActivity.of({
        latest: Effect.fnUntraced(function* ({ hostedWebsiteId, websiteConfigId }, limit) {
          const views = yield* latestOf("page_view", Views, hostedWebsiteId, limit)
          const events = yield* latestOf("event", Events, hostedWebsiteId, limit)
          const { items } = yield* inbox.list({ websiteConfigId, filter: {}, after: null, limit })
          const conversations = yield* conversationsOf(websiteConfigId, limit)
          return Activities.joined([views, events, items.map(Activities.ofSubmission), conversations])
        }),
        rows: ({ hostedWebsiteId }, asked) =>
          Effect.forEach(rowSources, ({ columns, decode, table }) => {
            const parameters = new Parameters()
            const hasKey =
              asked.keys === "all" ? "true" : `${VisitSql.sources[table].key} IN ${parameters.texts(asked.keys)}`
            // In a subquery, because ClickHouse reads `visitor_hash` in a condition as the alias of the columns, which is a text.
            const rows = `SELECT * FROM ${table} WHERE hosted_website_id = ${parameters.uuid(hostedWebsiteId)}
              AND received_at >= ${parameters.time(asked.from)} AND received_at <= ${parameters.time(asked.to)} AND ${hasKey}
              ORDER BY received_at DESC LIMIT ${asked.searched}`
            return query(`SELECT ${columns} FROM (${rows})`, {
              parameters: parameters.values,
              // The server's query log would store the session keys.
              settings: { log_queries: 0 }
            }).pipe(
              Effect.flatMap((rows) => Effect.forEach(rows, (row) => decode(row, hostedWebsiteId))),
              bounded(timeout)
            )
          }).pipe(Effect.map((found) => found.flat()))
      })
    })
  )
