/**
 * The items of background work that failed, such as the rollup of one website, so that all processes leave them out until
 * `retry_at`, and the others go on. An item without `retry_at` is set apart.
 *
 * @module
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`CREATE TABLE failed_item (
    kind text NOT NULL,
    item text NOT NULL,
    failures integer NOT NULL,
    reason text NOT NULL,
    failed_at timestamptz NOT NULL,
    retry_at timestamptz,
    PRIMARY KEY (kind, item)
  )`
})
