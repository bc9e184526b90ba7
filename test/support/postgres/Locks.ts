/**
 * Transactions that hold a lock, and sessions that wait for one. Only sessions of the client's own database count, because
 * databases of concurrent tests are on the same server.
 *
 * @module
 */
import { Effect, Fiber, identity, Latch } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { poll } from "../Wait.ts"

/** Runs a statement in a transaction that stays open until `commit`, which returns the statement's result. */
export const openTransaction = Effect.fnUntraced(function* <A, E, R>(
  sql: SqlClient.SqlClient,
  statement: Effect.Effect<A, E, R>,
  beforeCommit: Effect.Effect<unknown, SqlError.SqlError> = Effect.void
) {
  const [begun, ending] = [yield* Latch.make(), yield* Latch.make()]
  const transaction = yield* statement.pipe(
    Effect.tap(begun.open),
    Effect.tap(ending.await),
    Effect.tap(beforeCommit),
    sql.withTransaction,
    Effect.forkChild
  )
  // If the statement fails, the join fails.
  yield* Effect.raceFirst(begun.await, Fiber.join(transaction))
  return { commit: Effect.andThen(ending.open, Fiber.join(transaction)) }
})

/** Whether `sessions` sessions or more wait for locks. Not for use in a transaction, which reads the sessions only once. */
export const isAwaited = (sql: SqlClient.SqlClient, sessions = 1) =>
  Effect.map(
    sql`SELECT 1 FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = current_database()`,
    (rows) => rows.length >= sessions
  )

/** Waits until `sessions` sessions wait for locks. */
export const untilAwaited = (sql: SqlClient.SqlClient, sessions = 1) => poll(isAwaited(sql, sessions), identity)

/** Waits until sessions wait for a lock, and ends their connections. */
export const terminateWaiting = (sql: SqlClient.SqlClient) =>
  poll(
    Effect.map(
      sql`SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid)
        WHERE NOT granted AND datname = current_database()`,
      (rows) => rows.length > 0
    ),
    identity
  )
