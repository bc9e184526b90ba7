/**
 * Rollups that take less space; see `RollupRows`. Days with few values of a dimension share a row of `rollup`, since the arrays
 * of a row with few values consist mostly of headers. A column that equals another one is null.
 *
 * A row of `rollup_month` can hold the beginning of a month, so that a report need not sum the days of the current month.
 *
 * The existing rollups are deleted and computed again; until then reports read page views.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

const statements = [
  "DELETE FROM rollup_site",
  "DELETE FROM rollup_day",
  "DELETE FROM rollup_month",
  "ALTER TABLE rollup_month ADD COLUMN last_day date NOT NULL",
  "TRUNCATE rollup",
  `ALTER TABLE rollup
    ADD COLUMN last_day date NOT NULL,
    ADD COLUMN days date[],
    ALTER COLUMN events DROP NOT NULL,
    ALTER COLUMN visit_pageviews DROP NOT NULL,
    ALTER COLUMN entries DROP NOT NULL,
    ALTER COLUMN conversions DROP NOT NULL,
    ALTER COLUMN converted DROP NOT NULL,
    ALTER COLUMN revenue DROP NOT NULL`
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const statement of statements) yield* sql.unsafe(statement)
})
