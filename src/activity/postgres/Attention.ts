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
import * as Times from "../../platform/postgres/Times.ts"
import type { Access } from "../../sites/access/Access.ts"
import * as SiteDirectory from "../../sites/postgres/SiteDirectory.ts"
import { Attention, maxCount, type Need, needs } from "../Attention.ts"

const counts = { unread: Schema.Int, waiting: Schema.Int }

const Rows = Schema.Array(
  Schema.Struct({
    ...SiteDirectory.SiteRow.fields,
    rank: Schema.Literals([0, 1, 2, 3, 4]),
    since: Schema.Finite,
    ...counts
  })
)

const CountRows = Schema.Tuple([Schema.Struct(counts)])

/** The number of rows of a query, at most `maxCount`. */
const countOf = (query: string): string => `(SELECT count(*)::int FROM (${query} LIMIT ${maxCount}) AS counted)`

const isUnread = "status = 'accepted' AND NOT is_read"

/** The unread submissions of the website `site`. */
const unread = `FROM submission WHERE submission.website_config_id = site.website_config_id AND ${isUnread}`

/** The conversations with the instance `instance` that wait for a person. */
const waiting = `FROM conversation WHERE conversation.instance_id = instance.instance_id AND ${isWaiting}`

/** The first value of `time` in the order of its index, to the millisecond, as a cursor has it. */
const oldest = (time: string, rows: string): string =>
  `(SELECT date_trunc('milliseconds', ${time}) AS since ${rows} ORDER BY ${time} LIMIT 1)`

const rankOf = (need: Need): string => String(needs.indexOf(need))

/** The order of the list; see `order` in `activity/Attention`. */
const place = "rank, since, website_config_id"

export const layer: Layer.Layer<Attention, SqlError.SqlError, PgClient> = Layer.effect(
  Attention,
  Effect.map(Database.OwnerConnections, (sql) => {
    const isOneOf = (sites: Access["sites"]) =>
      sites === "all" ? sql`true` : sql`website_config_id = ANY (${Database.uuids(sites)})`
    return Attention.of({
      list: ({ after, inboxes, limit, search, sites, troubled }) =>
        sql`
        WITH needing AS (
          SELECT website_config_id, rank, since FROM unnest(
            ${Database.uuids([...troubled.keys()])},
            ${Database.int4s([...troubled.values()].map(({ need }) => needs.indexOf(need)))},
            ${Database.timestamps([...troubled.values()].map(({ since }) => new Date(since)))}
          ) AS troubled (website_config_id, rank, since)
          UNION ALL
          SELECT website_config_id, ${sql.literal(rankOf("answer"))}, since
          FROM instance CROSS JOIN LATERAL ${sql.literal(oldest("updated_at", waiting))} AS oldest
          WHERE website_config_id IS NOT NULL AND ${isOneOf(inboxes)}
          UNION ALL
          SELECT website_config_id, ${sql.literal(rankOf("reading"))}, since
          FROM site CROSS JOIN LATERAL ${sql.literal(oldest("received_at", unread))} AS oldest
          WHERE ${isOneOf(inboxes)}
        ), needed AS (
          SELECT DISTINCT ON (website_config_id) * FROM needing ORDER BY website_config_id, rank, since
        ), ranked AS (
          SELECT site.*, coalesce(rank, ${sql.literal(rankOf("nothing"))}) AS rank, coalesce(since, created_at) AS since
          FROM site LEFT JOIN needed USING (website_config_id)
          WHERE deleted_at IS NULL AND ${isOneOf(sites)} AND ${search === null ? sql`true` : SiteDirectory.has(sql, search)}
        ), site AS (
          SELECT * FROM ranked WHERE ${
            after === null
              ? sql`true`
              : sql`(${sql.literal(place)}) > (${sql.literal(rankOf(after.need))}, ${PgTypes.timestamptz(after.since)},
                  ${PgTypes.uuid(after.id)})`
          } ORDER BY ${sql.literal(place)} LIMIT ${PgTypes.int8(BigInt(limit))}
        )
        SELECT ${sql.literal(SiteDirectory.columns)}, rank, ${sql.literal(Times.millisAs("since", "since"))},
          CASE WHEN ${isOneOf(inboxes)} THEN ${sql.literal(countOf(`SELECT ${unread}`))} ELSE 0 END AS unread,
          CASE WHEN ${isOneOf(inboxes)} THEN ${sql.literal(
            countOf(`SELECT FROM instance CROSS JOIN LATERAL (SELECT ${waiting}) AS conversation
            WHERE instance.website_config_id = site.website_config_id`)
          )} ELSE 0 END AS waiting
        FROM site ORDER BY ${sql.literal(place)}`.pipe(
          Database.read(Rows),
          Effect.map((rows) =>
            rows.map(({ rank, since, unread, waiting, ...site }) => ({
              site,
              needed: { need: needs[rank], since },
              unread,
              waiting
            }))
          )
        ),
      counts: (sites) => {
        const isListed = sql`${isOneOf(sites)} AND deleted_at IS NULL`
        const limited = sql`LIMIT ${PgTypes.int8(BigInt(maxCount))}`
        return sql`SELECT (SELECT count(*)::int FROM (
            SELECT FROM submission JOIN site USING (website_config_id) WHERE ${isListed} AND ${sql.literal(isUnread)} ${limited}
          ) AS counted) AS unread, (SELECT count(*)::int FROM (
            SELECT FROM instance JOIN site USING (website_config_id) CROSS JOIN LATERAL (SELECT ${sql.literal(waiting)}) AS conversation
            WHERE ${isListed} ${limited}
          ) AS counted) AS waiting`.pipe(
          Database.read(CountRows),
          Effect.map(([counts]) => counts)
        )
      }
    })
  })
).pipe(Layer.provide(Database.layerOwner))
