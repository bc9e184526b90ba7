/**
 * Who waits for a lock, in the database of a client and in no other: databases of tests that run meanwhile stand on the same
 * server.
 *
 * @module
 */
import { Effect } from "effect"
import type { SqlClient } from "effect/sql"

/** Whether somebody waits. */
export const isAwaited = (sql: SqlClient.SqlClient) =>
  Effect.map(
    sql`SELECT 1 FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = current_database()`,
    (rows) => rows.length > 0
  )

/** Cuts the connections of those who wait, and says whether there were any. */
export const cutWaiting = (sql: SqlClient.SqlClient) =>
  Effect.map(
    sql`SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid)
      WHERE NOT granted AND datname = current_database()`,
    (rows) => rows.length > 0
  )
