/**
 * When a website's deletion began. From then on it is found by nobody; its row is the last that goes, so that a deletion
 * that was broken off is known, and can be ended.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql.unsafe("ALTER TABLE site ADD COLUMN deleted_at timestamptz")
})
