/**
 * Finds the websites that need somebody in PostgreSQL, by indexes that have only what is unread.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import type { PgClient } from "@effect/sql-pg/PgClient"
import { Effect, Layer, Schema } from "effect"
import type { SqlError } from "effect/sql"
import { isWaiting } from "../../chat/postgres/ConversationRows.ts"
import * as Database from "../../platform/postgres/Database.ts"
import * as OwnerConnections from "../../platform/postgres/OwnerConnections.ts"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import type { Access } from "../../sites/access/Access.ts"
import * as SiteDirectory from "../../sites/postgres/SiteDirectory.ts"
import { Attention, maxCount } from "../Attention.ts"

const counts = { unread: Schema.Int, waiting: Schema.Int }

const Rows = Schema.Array(Schema.Struct({ ...SiteDirectory.SiteRow.fields, needsAttention: Schema.Boolean, ...counts }))

const CountRows = Schema.Tuple([Schema.Struct(counts)])

/** The number of rows of a query, at most `maxCount`. */
const countOf = (query: string): string => `(SELECT count(*)::int FROM (${query} LIMIT ${maxCount}) AS counted)`

const isUnread = "status = 'accepted' AND NOT is_read"

/** The unread submissions of the website `site`. */
const unread = `SELECT FROM submission WHERE submission.website_config_id = site.website_config_id AND ${isUnread}`

/** The conversations with the instance `instance` that wait for a person. */
const waiting = `SELECT FROM conversation WHERE conversation.instance_id = instance.instance_id AND ${isWaiting}`

export const layer: Layer.Layer<Attention, SqlError.SqlError, PgClient> = Layer.effect(
  Attention,
  Effect.map(OwnerConnections.OwnerConnections, (sql) => {
    const isOneOf = (sites: Access["sites"]) =>
      sites === "all" ? sql`true` : sql`website_config_id = ANY (${Database.array(sites, PgTypes.OID.uuid)})`
    return Attention.of({
      list: ({ after, inboxes, limit, search, sites, troubled }) =>
        sql`
        WITH needing AS MATERIALIZED (
          SELECT website_config_id FROM unnest(${Database.array(troubled, PgTypes.OID.uuid)}) AS troubled (website_config_id)
          UNION
          SELECT website_config_id FROM site WHERE ${isOneOf(inboxes)} AND EXISTS (${sql.literal(unread)})
          UNION
          SELECT website_config_id FROM instance
          WHERE website_config_id IS NOT NULL AND ${isOneOf(inboxes)} AND EXISTS (${sql.literal(waiting)})
        ), ranked AS (
          SELECT *, website_config_id IN (SELECT website_config_id FROM needing) AS needs_attention FROM site
          WHERE deleted_at IS NULL AND ${isOneOf(sites)} AND ${search === null ? sql`true` : SiteDirectory.has(sql, search)}
        ), site AS (
          SELECT * FROM ranked WHERE ${
            after === null
              ? sql`true`
              : sql`(NOT needs_attention, created_at, website_config_id)
                  > (${!after.needsAttention}, ${PgTypes.timestamptz(after.time)}, ${PgTypes.uuid(after.id)})`
          } ORDER BY needs_attention DESC, created_at, website_config_id LIMIT ${PgTypes.int8(BigInt(limit))}
        )
        SELECT ${sql.literal(SiteDirectory.columns)}, needs_attention AS "needsAttention",
          CASE WHEN needs_attention THEN ${sql.literal(countOf(unread))} ELSE 0 END AS unread,
          CASE WHEN needs_attention THEN ${sql.literal(
            countOf(`SELECT FROM instance CROSS JOIN LATERAL (${waiting}) AS conversation
            WHERE instance.website_config_id = site.website_config_id`)
          )} ELSE 0 END AS waiting
        FROM site ORDER BY needs_attention DESC, created_at, website_config_id`.pipe(
          Database.mapErrors,
          decodeRows(Rows),
          Effect.map((rows) =>
            rows.map(({ needsAttention, unread, waiting, ...site }) => ({ site, needsAttention, unread, waiting }))
          )
        ),
      counts: (sites) => {
        const isListed = sql`${isOneOf(sites)} AND deleted_at IS NULL`
        const limited = sql`LIMIT ${PgTypes.int8(BigInt(maxCount))}`
        return sql`SELECT (SELECT count(*)::int FROM (
            SELECT FROM submission JOIN site USING (website_config_id) WHERE ${isListed} AND ${sql.literal(isUnread)} ${limited}
          ) AS counted) AS unread, (SELECT count(*)::int FROM (
            SELECT FROM instance JOIN site USING (website_config_id) CROSS JOIN LATERAL (${sql.literal(waiting)}) AS conversation
            WHERE ${isListed} ${limited}
          ) AS counted) AS waiting`.pipe(
          Database.mapErrors,
          decodeRows(CountRows),
          Effect.map(([counts]) => counts)
        )
      }
    })
  })
).pipe(Layer.provide(OwnerConnections.layer))
