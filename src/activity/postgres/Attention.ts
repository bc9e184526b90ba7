/**
 * Finds the websites that need somebody in PostgreSQL, by indexes that have only what is unread.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import type { PgClient } from "@effect/sql-pg/PgClient"
import { Effect, Layer, Schema } from "effect"
import type { SqlError } from "effect/sql"
import * as Database from "../../platform/postgres/Database.ts"
import * as OwnerConnections from "../../platform/postgres/OwnerConnections.ts"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import type { Access } from "../../sites/access/Access.ts"
import * as SiteDirectory from "../../sites/postgres/SiteDirectory.ts"
import { Attention, maxCount } from "../Attention.ts"

const Rows = Schema.Array(
  Schema.Struct({ ...SiteDirectory.SiteRow.fields, needsAttention: Schema.Boolean, unread: Schema.Int })
)

const CountRows = Schema.Tuple([Schema.Struct({ unread: Schema.Int })])

/** The unread submissions of the website `site`. */
const unread = `SELECT FROM submission WHERE submission.website_config_id = site.website_config_id
  AND status = 'accepted' AND NOT is_read`

export const layer: Layer.Layer<Attention, SqlError.SqlError, PgClient> = Layer.effect(
  Attention,
  Effect.map(OwnerConnections.OwnerConnections, (sql) => {
    const isOneOf = (sites: Access["sites"]) =>
      sites === "all" ? sql`true` : sql`website_config_id = ANY (${Database.array(sites, PgTypes.OID.uuid)})`
    return Attention.of({
      list: ({ after, inboxes, limit, search, sites }) =>
        sql`
        WITH ranked AS (
          SELECT *, ${isOneOf(inboxes)} AND EXISTS (${sql.literal(unread)}) AS needs_attention FROM site
          WHERE deleted_at IS NULL AND ${isOneOf(sites)} AND ${search === null ? sql`true` : SiteDirectory.has(sql, search)}
        ), site AS (
          SELECT * FROM ranked WHERE ${
            after === null
              ? sql`true`
              : sql`(NOT needs_attention, created_at, website_config_id)
                  > (${!after.needsAttention}, ${PgTypes.timestamptz(after.time)}, ${PgTypes.uuid(after.id)})`
          } ORDER BY needs_attention DESC, created_at, website_config_id LIMIT ${PgTypes.int8(BigInt(limit))}
        )
        SELECT ${sql.literal(SiteDirectory.columns)}, needs_attention AS "needsAttention", CASE WHEN needs_attention
            THEN (SELECT count(*)::int FROM (${sql.literal(`${unread} LIMIT ${maxCount}`)}) AS counted) ELSE 0 END AS unread
        FROM site ORDER BY needs_attention DESC, created_at, website_config_id`.pipe(
          Database.mapErrors,
          decodeRows(Rows),
          Effect.map((rows) => rows.map(({ needsAttention, unread, ...site }) => ({ site, needsAttention, unread })))
        ),
      counts: (sites) =>
        sql`SELECT count(*)::int AS unread FROM (
            SELECT FROM submission WHERE ${isOneOf(sites)} AND status = 'accepted' AND NOT is_read
              AND EXISTS (SELECT FROM site WHERE site.website_config_id = submission.website_config_id AND deleted_at IS NULL)
            LIMIT ${PgTypes.int8(BigInt(maxCount))}
          ) AS counted`.pipe(
          Database.mapErrors,
          decodeRows(CountRows),
          Effect.map(([counts]) => counts)
        )
    })
  })
).pipe(Layer.provide(OwnerConnections.layer))
