/**
 * Reads the recent activity of a website from the ends of the indexes of four PostgreSQL tables.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import type { PgClient } from "@effect/sql-pg/PgClient"
import { Effect, Layer, Schema } from "effect"
import type { SqlError } from "effect/sql"
import * as AnalyticsRows from "../../analytics/AnalyticsRows.ts"
import * as AnalyticsExport from "../../analytics/postgres/AnalyticsExport.ts"
import * as VisitSql from "../../analytics/reports/postgres/VisitSql.ts"
import * as Database from "../../platform/postgres/Database.ts"
import { decodeRows, Time } from "../../platform/runtime/Rows.ts"
import * as Activities from "../Activity.ts"

const received_at = Time

const Views = Schema.Array(Schema.Struct({ ...Activities.ViewActivity.fields, received_at }))
const Events = Schema.Array(Schema.Struct({ ...Activities.EventActivity.fields, received_at }))
const Submissions = Schema.Array(Schema.Struct({ ...Activities.SubmissionActivity.fields, received_at }))
const Conversations = Schema.Array(Schema.Struct({ ...Activities.ConversationActivity.fields, received_at }))

const visitorColumns = "received_at, path, country, device_type AS device, browser"

const ofWebsite = (column: string) => `WHERE ${column} = $1 ORDER BY received_at DESC LIMIT $2`

const statements = {
  views: `SELECT 'pageview' AS type, ${visitorColumns}, coalesce(utm_source, referrer_host) AS source
    FROM page_view ${ofWebsite("hosted_website_id")}`,
  events: `SELECT 'event' AS type, ${visitorColumns}, name FROM event ${ofWebsite("hosted_website_id")}`,
  submissions: `SELECT 'submission' AS type, received_at, submission_id, status, page_slug
    FROM submission ${ofWebsite("website_config_id")}`,
  conversations: `SELECT 'conversation' AS type, received_at, instance_id, conversation_id
    FROM instance CROSS JOIN LATERAL (
      SELECT conversation_id, created_at AS received_at FROM conversation
      WHERE conversation.instance_id = instance.instance_id ORDER BY created_at DESC LIMIT $2
    ) AS begun ${ofWebsite("website_config_id")}`
}

const rowsOf = (table: "page_view" | "event", columns: string) => `SELECT ${columns} FROM (
    SELECT * FROM ${table} WHERE hosted_website_id = $1 AND received_at >= $2 AND received_at < $3
    ORDER BY received_at DESC LIMIT $4
  ) AS latest WHERE $5 OR ${VisitSql.sessionKey} = ANY ($6)`

const rowStatements = [
  { statement: rowsOf("page_view", AnalyticsExport.viewColumns), decode: AnalyticsRows.decodeView },
  { statement: rowsOf("event", AnalyticsExport.eventColumns), decode: AnalyticsRows.decodeEvent }
] as const

export const layer: Layer.Layer<Activities.SiteActivity, SqlError.SqlError, PgClient> = Layer.effect(
  Activities.SiteActivity,
  Effect.map(Database.OwnerConnections, (sql) => {
    const read = (statement: string, id: string, limit: number) =>
      sql.unsafe(statement, [PgTypes.uuid(id), PgTypes.int8(BigInt(limit))])
    return Activities.SiteActivity.of({
      latest: Effect.fnUntraced(function* ({ hostedWebsiteId, websiteConfigId }, limit) {
        const views = yield* read(statements.views, hostedWebsiteId, limit).pipe(decodeRows(Views))
        const events = yield* read(statements.events, hostedWebsiteId, limit).pipe(decodeRows(Events))
        const submissions = yield* read(statements.submissions, websiteConfigId, limit).pipe(decodeRows(Submissions))
        const conversations = yield* read(statements.conversations, websiteConfigId, limit).pipe(
          decodeRows(Conversations)
        )
        return Activities.joined([views, events, submissions, conversations])
      }, Database.mapErrors),
      rows: Effect.fnUntraced(function* ({ hostedWebsiteId }, { from, keys, searched, to }) {
        const found = yield* Effect.forEach(rowStatements, ({ decode, statement }) =>
          sql
            .unsafe(statement, [
              PgTypes.uuid(hostedWebsiteId),
              PgTypes.timestamptz(from),
              // The times of rows have microseconds.
              PgTypes.timestamptz(to + 1),
              PgTypes.int8(BigInt(searched)),
              keys === "all",
              Database.array(keys === "all" ? [] : keys, PgTypes.OID.text)
            ])
            .pipe(Effect.flatMap((rows) => Effect.forEach(rows, (row) => decode(row, hostedWebsiteId))))
        )
        return found.flat()
      }, Database.mapErrors)
    })
  })
).pipe(Layer.provide(Database.layerOwner))
