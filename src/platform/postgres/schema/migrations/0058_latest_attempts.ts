/**
 * The latest attempts of a subscriber, of which the problem of a webhook that fails is made. Without the index, all deliveries of the
 * webhook are read.
 *
 * @module
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`CREATE INDEX delivery_attempt_subscriber ON delivery_attempt (subscriber_id, attempted_at)`
})
