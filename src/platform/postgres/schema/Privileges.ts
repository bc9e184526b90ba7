/**
 * The privileges that the user of `DATABASE_URL` needs to serve requests, send deliveries and maintain the tables.
 *
 * @module
 */
import { Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { decodeRows } from "../../runtime/Rows.ts"
import * as Database from "../Database.ts"

/** By table, for requests and deliveries. `UPDATE` on `site` is also needed for row locks (`FOR KEY SHARE`). */
const forRequests = {
  site: ["SELECT", "UPDATE"],
  instance: ["SELECT"],
  widget_token: ["SELECT"],
  owner_key: ["SELECT", "UPDATE"],
  owner_key_site: ["SELECT"],
  console_session: ["SELECT", "UPDATE", "DELETE"],
  console_session_site: ["SELECT", "DELETE"],
  person: ["SELECT", "INSERT", "UPDATE", "DELETE"],
  person_role: ["SELECT", "INSERT", "UPDATE", "DELETE"],
  share: ["SELECT"],
  visitor_salt: ["SELECT", "INSERT", "UPDATE"],
  page_view: ["SELECT", "INSERT"],
  bot_view: ["INSERT"],
  event: ["SELECT", "INSERT"],
  conversion: ["INSERT"],
  conversion_outbox: ["SELECT", "INSERT", "UPDATE", "DELETE"],
  rollup_stale: ["SELECT", "INSERT"],
  page_view_batch: ["INSERT"],
  pending_lead: ["SELECT", "INSERT", "DELETE"],
  form: ["SELECT"],
  submission: ["SELECT", "INSERT", "UPDATE", "DELETE"],
  deleted_submission: ["SELECT", "INSERT", "DELETE"],
  spam_mark: ["SELECT", "INSERT", "UPDATE", "DELETE"],
  outbox: ["SELECT", "INSERT", "UPDATE", "DELETE"],
  submission_outbox: ["SELECT", "INSERT", "UPDATE", "DELETE"],
  webhook: ["SELECT", "UPDATE"],
  webhook_replay: ["SELECT", "UPDATE", "DELETE"],
  notification: ["SELECT", "UPDATE", "DELETE"],
  mail: ["SELECT", "INSERT", "UPDATE"],
  mail_item: ["SELECT", "INSERT", "UPDATE", "DELETE"],
  mail_recipient: ["SELECT", "INSERT", "UPDATE"],
  auto_reply: ["SELECT"],
  auto_reply_recipient: ["SELECT", "INSERT", "UPDATE"],
  reply: ["SELECT", "INSERT", "UPDATE", "DELETE"],
  delivery: ["SELECT", "INSERT", "UPDATE"],
  delivery_attempt: ["SELECT", "INSERT", "UPDATE"],
  idempotency_key: ["SELECT", "INSERT", "UPDATE", "DELETE"],
  not_counted: ["SELECT", "INSERT", "UPDATE"],
  refusal: ["SELECT", "INSERT", "UPDATE"],
  watched_problem: ["SELECT", "INSERT", "UPDATE", "DELETE"],
  agent_failure: ["SELECT", "INSERT", "UPDATE", "DELETE"],
  background_lease: ["SELECT", "INSERT", "UPDATE"],
  failed_item: ["SELECT", "INSERT", "UPDATE", "DELETE"],
  conversation: ["SELECT", "INSERT", "UPDATE", "DELETE"],
  conversation_message: ["SELECT", "INSERT", "UPDATE", "DELETE"],
  answer_piece: ["SELECT", "INSERT", "DELETE"],
  conversation_hash_key: ["SELECT"],
  token_usage: ["SELECT", "INSERT", "UPDATE"],
  token_reservation: ["SELECT", "INSERT", "DELETE"]
} as const

/** By table, for maintenance and rollups, in addition to `forRequests`. The `WHERE` of a `DELETE` needs `SELECT`. */
const forMaintenance = {
  visitor_salt: ["DELETE"],
  page_view_batch: ["SELECT", "DELETE"],
  owner_key: ["DELETE"],
  widget_token: ["DELETE"],
  share: ["DELETE"],
  refusal: ["DELETE"],
  delivery: ["DELETE"],
  mail: ["DELETE"],
  mail_recipient: ["DELETE"],
  auto_reply_recipient: ["DELETE"],
  goal: ["SELECT"],
  visit: ["SELECT", "INSERT", "DELETE"],
  rollup: ["SELECT", "INSERT", "DELETE"],
  rollup_day: ["SELECT", "INSERT", "UPDATE", "DELETE"],
  rollup_month: ["SELECT", "INSERT", "UPDATE", "DELETE"],
  rollup_site: ["SELECT", "INSERT", "UPDATE", "DELETE"],
  rollup_stale: ["DELETE"]
} as const

const Missing = Schema.Array(Schema.Struct({ table_name: Schema.String, privilege: Schema.String }))

/** The missing privileges, such as `INSERT on page_view`. A privilege on a single column suffices, except for `DELETE`. */
const missingOf = Effect.fnUntraced(function* (needed: Record<string, ReadonlyArray<string>>) {
  const sql = yield* SqlClient.SqlClient
  const pairs = Object.entries(needed).flatMap(([table, privileges]) =>
    privileges.map((privilege) => [table, privilege] as const)
  )
  const column = (index: 0 | 1) => Database.texts(pairs.map((pair) => pair[index]))
  const rows =
    yield* sql`SELECT table_name, privilege FROM unnest(${column(0)}, ${column(1)}) AS needed (table_name, privilege)
    WHERE NOT CASE privilege WHEN 'DELETE' THEN has_table_privilege(to_regclass(table_name), privilege)
      ELSE has_any_column_privilege(to_regclass(table_name), privilege) END`.pipe(decodeRows(Missing))
  return rows.map((row) => `${row.privilege} on ${row.table_name}`)
})

/** The missing privileges for requests and deliveries, such as `INSERT on page_view`. */
export const missing = missingOf(forRequests)

/** The missing privileges for maintenance and rollups. */
export const missingForMaintenance = missingOf(forMaintenance)

const Statements = Schema.Array(Schema.Struct({ statement: Schema.String }))

/**
 * SQL statements that give a role everything that the service and its commands do, except for `migrate` and the deletion of
 * page views by month: those need the owner of the tables. Also covers the tables of later migrations. Empty if the current
 * schema has no tables of the service.
 */
export const grants = Effect.fnUntraced(function* (role: string) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql`
    WITH facts AS (
      SELECT quote_ident(${role}) AS role, quote_ident(current_schema()) AS space, relowner AS owner
      FROM pg_class WHERE oid = to_regclass('site')
    ), tables AS (
      SELECT format('%s.%I', space, relname) AS name, relname = 'effect_sql_migrations' AS is_fixed
      FROM pg_class, facts
      WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND relowner = owner
    )
    SELECT statement FROM facts, LATERAL (
      SELECT 1 AS step, '' AS name, format('GRANT CONNECT ON DATABASE %I TO %s', current_database(), role) AS statement
      UNION ALL SELECT 2, '', format('GRANT USAGE ON SCHEMA %s TO %s', space, role)
      UNION ALL SELECT 3, name, format('GRANT %s ON %s TO %s',
        CASE WHEN is_fixed THEN 'SELECT' ELSE 'SELECT, INSERT, UPDATE, DELETE' END, name, role) FROM tables
      UNION ALL SELECT 4, '', format(
        'ALTER DEFAULT PRIVILEGES FOR ROLE %s IN SCHEMA %s GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO %s',
        owner::regrole, space, role)
    ) AS statements ORDER BY step, name`.pipe(decodeRows(Statements))
  return rows.map(({ statement }) => statement)
})
