/**
 * The lease of the process that looks for work that others left over; see `postgres/rounds/LeftOver`. `kinds` is the number of
 * kinds of work that the holder does. At `next_look_at`, the next process looks whether the lease has ended.
 *
 * @module
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`CREATE TABLE background_lease (
    name text PRIMARY KEY,
    holder uuid NOT NULL,
    kinds integer NOT NULL,
    until timestamptz NOT NULL,
    next_look_at timestamptz NOT NULL
  )`
})
