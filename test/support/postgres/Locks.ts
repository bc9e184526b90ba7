/**
 * Sessions that wait for a lock, in a client's own database only: databases of concurrent tests are on the same server.
 *
 * @module
 */
import { Effect } from "effect"
import type { SqlClient } from "effect/sql"

/** Whether any session waits for a lock. */
export const isAwaited = (sql: SqlClient.SqlClient) =>
  Effect.map(
    sql`SELECT 1 FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = current_database()`,
    (rows) => rows.length > 0
  )

/** Terminates the sessions that wait for a lock. Returns whether there were any. */
export const cutWaiting = (sql: SqlClient.SqlClient) =>
  Effect.map(
    sql`SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid)
      WHERE NOT granted AND datname = current_database()`,
    (rows) => rows.length > 0
  )
