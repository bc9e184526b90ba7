/**
 * Reads the page views, events and leads of a store, each by SQL of its own, in the form of the tables of `Definition.ts`.
 *
 * @module
 */
import type { PgClient } from "@effect/sql-pg"
import { Effect } from "effect"

type Row = Readonly<Record<string, unknown>>

/** Runs a statement that selects. */
export type Select = (statement: string) => Effect.Effect<ReadonlyArray<Row>>

const common =
  "hosted_website_id AS hosted, path AS page, device_type AS device, browser, os, country, session_id AS session"

const ofViews = "utm_source, utm_medium, utm_campaign, utm_term, utm_content, referrer_host, referrer_path"

const ofEvents =
  "name, properties, revenue_amount AS amount, revenue_currency AS currency, is_interactive AS interactive"

/** What differs between the SQL of the stores. */
interface Dialect {
  /** Milliseconds since 1970. */
  readonly at: (column: string) => string
  /** 32 hexadecimal digits. */
  readonly visitor: string
}

export const dialects = {
  PostgreSQL: {
    at: (column: string) => `(extract(epoch FROM ${column}) * 1000)::float8`,
    visitor: "encode(visitor_hash, 'hex')"
  },
  ClickHouse: {
    at: (column: string) => `toFloat64(toUnixTimestamp64Milli(${column}))`,
    visitor: "replaceAll(toString(visitor_hash), '-', '')"
  }
} satisfies Record<string, Dialect>

/** Replaces the rows of `expected.row` and `expected.lead`. Returns the numbers of page views, of events and of leads. */
export const copy = Effect.fnUntraced(function* (sql: PgClient.PgClient, select: Select, { at, visitor }: Dialect) {
  const views = yield* select(
    `SELECT ${common}, ${at("received_at")} AS at, ${visitor} AS visitor, ${ofViews} FROM page_view`
  )
  const events = yield* select(
    `SELECT ${common}, ${at("received_at")} AS at, ${visitor} AS visitor, ${ofEvents} FROM event`
  )
  const leads = yield* select(
    `SELECT hosted_website_id AS hosted, ${at("visit_started_at")} AS at, session_key AS key, name FROM conversion`
  )
  const insert = (table: string, rows: ReadonlyArray<Row>) =>
    sql.unsafe(
      `INSERT INTO ${table} SELECT (jsonb_populate_record(NULL::${table},
        element || jsonb_build_object('at', to_timestamp((element ->> 'at')::float8 / 1000)))).*
      FROM jsonb_array_elements($1::jsonb) AS element`,
      [JSON.stringify(rows)]
    )
  yield* sql`TRUNCATE expected.row, expected.lead`
  yield* insert("expected.row", [
    ...views.map((row) => ({ ...row, kind: "view", name: "pageview" })),
    // ClickHouse has the properties as a text.
    ...events.map((row) => ({
      ...row,
      kind: "event",
      properties: typeof row["properties"] === "string" ? JSON.parse(row["properties"]) : row["properties"]
    }))
  ])
  yield* insert("expected.lead", leads)
  return { views: views.length, events: events.length, leads: leads.length }
}, Effect.orDie)
