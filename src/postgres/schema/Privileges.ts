/**
 * What the user of the connections must be allowed to do in the tables: so that the endpoints can be served, and so that what
 * may not be kept is deleted.
 *
 * @module
 */

import { PgTypes } from "@effect/sql-pg"
import { Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { decodeRows } from "../../runtime/Rows.ts"
import * as Database from "../Database.ts"

/** By table. A website is locked while something is stored for it, which PostgreSQL counts as changing it. */
const forRequests = {
  site: ["SELECT", "UPDATE"],
  instance: ["SELECT"],
  widget_token: ["SELECT"],
  visitor_salt: ["SELECT", "INSERT", "UPDATE"],
  page_view: ["INSERT"],
  bot_view: ["INSERT"],
  page_view_batch: ["INSERT"],
  submission: ["SELECT", "INSERT"],
  idempotency_key: ["SELECT", "INSERT", "UPDATE"],
  not_counted: ["SELECT", "INSERT", "UPDATE"],
  conversation: ["SELECT", "INSERT", "UPDATE"],
  conversation_message: ["SELECT", "INSERT", "UPDATE", "DELETE"],
  answer_piece: ["SELECT", "INSERT", "DELETE"],
  conversation_hash_key: ["SELECT"],
  token_usage: ["SELECT", "INSERT", "UPDATE"],
  token_reservation: ["SELECT", "INSERT", "DELETE"]
} as const

/** Rows are picked by a column before they are deleted. */
const forUpkeep = {
  visitor_salt: ["DELETE"],
  page_view_batch: ["SELECT", "DELETE"],
  idempotency_key: ["DELETE"],
  conversation: ["DELETE"]
} as const

const Missing = Schema.Array(Schema.Struct({ table_name: Schema.String, privilege: Schema.String }))

/** What is needed and not granted, as `INSERT on page_view`. A right on one column counts, as it may be all that is used. */
const missingOf = Effect.fnUntraced(function* (needed: Record<string, ReadonlyArray<string>>) {
  const sql = yield* SqlClient.SqlClient
  const pairs = Object.entries(needed).flatMap(([table, privileges]) =>
    privileges.map((privilege) => [table, privilege] as const)
  )
  const column = (index: 0 | 1) =>
    Database.array(
      pairs.map((pair) => pair[index]),
      PgTypes.OID.text
    )
  const rows =
    yield* sql`SELECT table_name, privilege FROM unnest(${column(0)}, ${column(1)}) AS needed (table_name, privilege)
    WHERE NOT CASE privilege WHEN 'DELETE' THEN has_table_privilege(to_regclass(table_name), privilege)
      ELSE has_any_column_privilege(to_regclass(table_name), privilege) END`.pipe(decodeRows(Missing))
  return rows.map((row) => `${row.privilege} on ${row.table_name}`)
})

/** What the endpoints need and is not granted, as `INSERT on page_view`. */
export const missing = missingOf(forRequests)

/** The same of the upkeep of the tables. */
export const missingForUpkeep = missingOf(forUpkeep)
