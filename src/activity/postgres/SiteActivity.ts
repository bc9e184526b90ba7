/**
 * Reads the recent activity of a website from the ends of the indexes of four PostgreSQL tables: page views and events, unless a separate
 * store has them, submissions and conversations.
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
import { Time } from "../../platform/runtime/Rows.ts"
import * as Activities from "../Activity.ts"

const received_at = Time

const Submissions = Schema.Array(Schema.Struct({ ...Activities.SubmissionActivity.fields, received_at }))
const Conversations = Schema.Array(Schema.Struct({ ...Activities.ConversationActivity.fields, received_at }))

const ofWebsite = "WHERE website_config_id = $1 ORDER BY received_at DESC LIMIT $2"

const submissionsStatement = `SELECT 'submission' AS type, received_at, submission_id, status, page_slug FROM submission ${ofWebsite}`

const conversationsStatement = `SELECT 'conversation' AS type, received_at, instance_id, conversation_id
  FROM instance CROSS JOIN LATERAL (
    SELECT conversation_id, created_at AS received_at FROM conversation
    WHERE conversation.instance_id = instance.instance_id ORDER BY created_at DESC LIMIT $2
  ) AS begun ${ofWebsite}`

/** No page view or event is later, whatever the clocks of other processes say. */
const latest = Date.UTC(9999, 0)

/** The service with the page views and events that `rows` reads. */
export const make = (rows: Activities.SiteActivity["Service"]["rows"]) =>
  Effect.map(Database.OwnerConnections, (sql) =>
    Activities.SiteActivity.of({
      latest: Effect.fnUntraced(function* (site, limit) {
        const visits = yield* rows(site, { from: 0, to: latest, keys: "all", searched: limit })
        const parameters = [PgTypes.uuid(site.websiteConfigId), PgTypes.int8(BigInt(limit))]
        const submissions = yield* sql.unsafe(submissionsStatement, parameters).pipe(Database.read(Submissions))
        const conversations = yield* sql.unsafe(conversationsStatement, parameters).pipe(Database.read(Conversations))
        return Activities.joined([visits.map(Activities.ofRow), submissions, conversations])
      }),
      rows
    })
  )

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
  Effect.flatMap(Database.OwnerConnections, (sql) =>
    make(
      Effect.fnUntraced(function* ({ hostedWebsiteId }, { from, keys, searched, to }) {
        const found = yield* Effect.forEach(rowStatements, ({ decode, statement }) =>
          sql
            .unsafe(statement, [
              PgTypes.uuid(hostedWebsiteId),
              PgTypes.timestamptz(from),
              // The times of rows have microseconds.
              PgTypes.timestamptz(to + 1),
              PgTypes.int8(BigInt(searched)),
              keys === "all",
              Database.texts(keys === "all" ? [] : keys)
            ])
            .pipe(Effect.flatMap((rows) => Effect.forEach(rows, (row) => decode(row, hostedWebsiteId))))
        )
        return found.flat()
      }, Database.mapErrors)
    )
  )
).pipe(Layer.provide(Database.layerOwner))
