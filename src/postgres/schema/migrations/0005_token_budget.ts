/**
 * The tokens that instances use per day: a total that includes open reservations, and the open reservations by id, so that a
 * retried statement counts once.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

const statements = [
  `CREATE TABLE token_usage (
    instance_id uuid NOT NULL REFERENCES instance ON DELETE CASCADE,
    day date NOT NULL,
    tokens bigint NOT NULL CHECK (tokens >= 0),
    last_reserved bigint NOT NULL,
    PRIMARY KEY (instance_id, day)
  )`,
  `CREATE TABLE token_reservation (
    reservation_id uuid PRIMARY KEY,
    instance_id uuid NOT NULL REFERENCES instance ON DELETE CASCADE,
    day date NOT NULL,
    tokens bigint NOT NULL CHECK (tokens >= 0),
    reserved_at timestamptz NOT NULL
  )`,
  "CREATE INDEX token_reservation_instance ON token_reservation (instance_id)",
  "CREATE INDEX token_reservation_time ON token_reservation (reserved_at)"
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const statement of statements) yield* sql.unsafe(statement)
})
