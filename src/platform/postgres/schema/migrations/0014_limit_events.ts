/** When the last `site.limit` event of a website was written, so that each website gets at most one per hour. */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export default SqlClient.SqlClient.pipe(
  Effect.flatMap((sql) => sql`ALTER TABLE site ADD COLUMN limit_event_at timestamptz`)
)
