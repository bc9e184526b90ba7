/**
 * The progress of `analytics copy`, by table and website. A row with a `batch_id` has a batch that is being sent. A batch that
 * was not confirmed is sent again with the same bounds and the same id.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

const statements = [
  `CREATE TABLE analytics_copy (
    table_name text NOT NULL,
    hosted_website_id uuid NOT NULL,
    copied_to timestamptz NOT NULL,
    sending_to timestamptz,
    batch_id uuid,
    PRIMARY KEY (table_name, hosted_website_id),
    CHECK ((sending_to IS NULL) = (batch_id IS NULL))
  )`
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const statement of statements) yield* sql.unsafe(statement)
})
