/**
 * The service's client on a test's database. `test/outside` has only `TestDatabase`, which imports nothing of `src`.
 *
 * @module
 */
import type { PgClient } from "@effect/sql-pg"
import { Clock, Effect, Layer } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import * as Database from "../../../src/platform/postgres/Database.ts"
import * as TestDatabase from "./TestDatabase.ts"

/**
 * Gives layers the real clock. Under a `TestClock` that passes days, what the pools of clients do at intervals would otherwise run
 * thousands of times.
 */
export const onRealClock = <A, E, R>(layer: Layer.Layer<A, E, R>): Layer.Layer<A, E, R> =>
  Layer.provide(layer, Layer.succeed(Clock.Clock, Clock.Clock.defaultValue()))

/** A client with at most so many connections, on a fresh, migrated, empty database for each build of the layer. */
export const withConnections = (
  connections: number
): Layer.Layer<PgClient.PgClient | SqlClient.SqlClient, SqlError.SqlError> =>
  onRealClock(
    Layer.unwrap(
      Effect.map(TestDatabase.connection, ({ url }) => Database.layer({ url, connections, timeout: "60 seconds" }))
    )
  )

export const layer = withConnections(10)
