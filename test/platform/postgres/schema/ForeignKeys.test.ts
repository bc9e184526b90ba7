/** Deleting a row finds the rows that refer to it by an index, however many there are. */
import { PgClient } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as TestClient from "../../../support/postgres/TestClient.ts"

layer(TestClient.layer)("foreign keys", (it) => {
  it.effect("the columns of each are the first ones of an index, which leaves out at most rows without them", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const withoutIndex = yield* sql`SELECT conrelid::regclass::text AS table, conname AS name FROM pg_constraint
        WHERE contype = 'f' AND connamespace = current_schema()::regnamespace AND NOT EXISTS (
          SELECT FROM pg_index WHERE indrelid = conrelid
            AND (indkey::int2[])[0:cardinality(conkey) - 1] @> conkey
            AND (indpred IS NULL OR pg_get_expr(indpred, indrelid) IN (
              SELECT format('(%I IS NOT NULL)', attname) FROM pg_attribute WHERE attrelid = conrelid AND attnum = ANY (conkey)
            ))
        ) ORDER BY 1, 2`
      assert.deepStrictEqual(withoutIndex, [])
    })
  )
})
