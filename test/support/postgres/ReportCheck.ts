/**
 * Compares the reports of a website with those of `Evaluate`, which defines them from all rows of the website.
 *
 * @module
 */
import { PgClient, PgTypes } from "@effect/sql-pg"
import { assert } from "@effect/vitest"
import { Data, Effect } from "effect"
import type { Answer } from "../../../src/analytics/reports/Answer.ts"
import * as Query from "../../../src/analytics/reports/postgres/Reports.ts"
import type { Query as CoreQuery, Filter } from "../../../src/analytics/reports/Query.ts"
import type { ReportSite } from "../../../src/analytics/reports/Reports.ts"
import * as Evaluation from "../Evaluation.ts"
import * as SiteRows from "./SiteRows.ts"

/** What a transaction read that was rolled back. */
class Read extends Data.TaggedError("Read")<{ readonly answer: Answer }> {}

/** The answer as if nothing had been rolled up. */
export const fromRows = <E>(site: ReportSite, answer: Effect.Effect<Answer, E>) =>
  PgClient.PgClient.use((sql) =>
    sql`DELETE FROM rollup_site WHERE hosted_website_id = ${PgTypes.uuid(site.hostedWebsiteId)}`.pipe(
      Effect.andThen(answer),
      Effect.flatMap((answer) => Effect.fail(new Read({ answer }))),
      sql.withTransaction,
      Effect.catchIf(
        (error): error is Read => error instanceof Read,
        ({ answer }) => Effect.succeed(answer)
      )
    )
  )

/** A filter that holds for every visit. With a filter, reports read visits instead of sums. */
const everyVisit: Filter = { operator: "is_not", dimension: "visit:country", values: ["no country"] }

/** Asserts that reports from rows, from stored visits and from rollups equal those of `Evaluate`. */
export const check = Effect.fnUntraced(function* (site: ReportSite, queries: ReadonlyArray<CoreQuery>, when: string) {
  const sql = yield* PgClient.PgClient
  const reader = yield* Query.makeReader(sql)
  const rows = yield* SiteRows.read(sql, site)
  const answer = (query: CoreQuery) => Query.readOnly(sql, "20 seconds")(Query.answer(reader, site, query))
  for (const query of queries) {
    const filtered = { ...query, filters: [...query.filters, everyVisit] }
    const expected = Evaluation.evaluate(query, rows)
    assert.deepStrictEqual(yield* answer(query), expected, `rollups ${when}`)
    assert.deepStrictEqual(yield* answer(filtered), Evaluation.evaluate(filtered, rows), `visits ${when}`)
    assert.deepStrictEqual(yield* fromRows(site, answer(query)), expected, `rows ${when}`)
  }
})
