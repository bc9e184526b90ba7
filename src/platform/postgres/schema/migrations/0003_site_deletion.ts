/**
 * When a website's deletion began. From then on, lookups do not find the website. Its row is deleted last, so that an
 * interrupted deletion can be found and completed.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql.unsafe("ALTER TABLE site ADD COLUMN deleted_at timestamptz")
})
