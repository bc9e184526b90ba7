/** Finds the instances of a website. Without it, the list of 40,000 websites read all instances for each website that it shows. */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

const statements = ["CREATE INDEX instance_website ON instance (website_config_id)"]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const statement of statements) yield* sql.unsafe(statement)
})
