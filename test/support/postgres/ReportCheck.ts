/**
 * Compares the reports of a website with those of `Evaluate`, which defines them from all rows of the website.
 *
 * @module
 */
import { PgClient } from "@effect/sql-pg"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import * as Evaluate from "../../../src/analytics/reports/Evaluate.ts"
import * as Query from "../../../src/analytics/reports/postgres/Reports.ts"
import type { Query as CoreQuery } from "../../../src/analytics/reports/Query.ts"
import type { ReportSite } from "../../../src/analytics/reports/Reports.ts"
import * as SiteRows from "./SiteRows.ts"

/** Asserts that reports from rows, from stored visits and from rollups equal those of `Evaluate`. */
export const check = Effect.fnUntraced(function* (site: ReportSite, queries: ReadonlyArray<CoreQuery>, when: string) {
  const sql = yield* PgClient.PgClient
  const reader = yield* Query.makeReader(sql)
  const rows = yield* SiteRows.read(sql, site)
  for (const query of queries) {
    const expected = Evaluate.evaluate(query, rows)
    for (const reading of ["rows", "visits", "rollups"] as const) {
      const answer = yield* Query.readOnly(sql, "20 seconds")(Query.answer(reader, site, query, reading))
      assert.deepStrictEqual(answer, expected, `${reading} ${when}`)
    }
  }
})
