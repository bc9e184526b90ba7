/**
 * `webhook.failed_again_at` is the last recorded failure of a webhook's series of failures besides the first, which is
 * `failing_since`. Each recorded failure is twelve hours or more after the one before (`core/delivery/Schedule`).
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`ALTER TABLE webhook ADD COLUMN failed_again_at timestamptz`
})
