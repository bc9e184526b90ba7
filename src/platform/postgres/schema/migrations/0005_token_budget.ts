/**
 * The tokens that instances use per day.
 *
 * Before a request to an agent, the edge reserves tokens: it adds them to `token_usage.tokens` and stores a row of
 * `token_reservation`. After the request, it deletes that row and replaces the reserved tokens by the tokens used. If one of
 * these statements runs twice, the second run finds that the row exists already, or that it is gone already, and changes nothing.
 * `last_reserved` is the number of tokens of the latest reservation. The statement that makes the reservation copies this number
 * to `token_reservation.tokens`.
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
