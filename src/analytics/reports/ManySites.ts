/**
 * Answers a query of many websites by a few statements for each batch of websites, for both stores.
 *
 * @module
 */
import { Array as Arr, Effect } from "effect"
import type { Answer } from "./Answer.ts"
import * as Assembly from "./Assembly.ts"
import * as Counting from "./Counting.ts"
import type * as Counts from "./Counts.ts"
import * as DateRange from "./DateRange.ts"
import type { Query } from "./Query.ts"
import type { ReportSite, SiteQuery } from "./Reports.ts"

/** Queries of different websites that share their time zone and their days. */
export type Batch = Arr.NonEmptyReadonlyArray<SiteQuery>

/** The groups of what `Counting.plan` counts for a query, of one website. */
export type Groups = Counting.Plan<ReadonlyArray<Counts.Group>>

/** How a store counts. */
export interface Store<E> {
  /** When the first page view or event of each website was received, in milliseconds since 1970; null without one. */
  readonly firstReceived: (
    sites: Arr.NonEmptyReadonlyArray<ReportSite>
  ) => Effect.Effect<ReadonlyMap<string, number | null>, E>
  /**
   * The groups of websites in a range of days, by hosted website. Those of a website that must be counted alone are missing. Null
   * if all groups together are more than a process may hold.
   */
  readonly count: (batch: Batch, range: DateRange.Resolved) => Effect.Effect<ReadonlyMap<string, Groups> | null, E>
  /** Answers the query of one website. */
  readonly answer: (site: ReportSite, query: Query) => Effect.Effect<Answer, E>
  /** The maximum number of websites that are counted alone at the same time. */
  readonly concurrency: number
}

/** The maximum number of batches that are counted at the same time: reports have two connections. */
const maxBatches = 2

/** The maximum number of websites of a batch whose queries have dimensions: each has many groups. */
const maxGrouped = 1_000

/** The answers to queries, in order. They may differ in their websites, time zones and date ranges only. */
export const answers = Effect.fnUntraced(function* <E>(store: Store<E>, queries: ReadonlyArray<SiteQuery>) {
  const unbounded = queries.filter(({ query }) => query.range.first === null).map(({ site }) => site)
  const firsts = Arr.isReadonlyArrayNonEmpty(unbounded) ? yield* store.firstReceived(unbounded) : new Map()
  const rangeOf = ({ query, site }: SiteQuery) => DateRange.resolved(query, firsts.get(site.hostedWebsiteId) ?? null)
  const found = new Map<SiteQuery, Answer>()
  const answerBatch = (batch: Batch): Effect.Effect<void, E> =>
    Effect.gen(function* () {
      const [one] = batch
      // A website has no rows before the first day of its own range.
      const [first = one.query.range.last] = batch.map((each) => rangeOf(each).first).toSorted()
      const range = { ...rangeOf(one), first }
      const { comparison } = one.query
      const comparedRange = comparison === null ? null : DateRange.compared(range, { ...one.query, comparison })
      const counted = yield* store.count(batch, range)
      const compared = comparedRange === null || counted === null ? null : yield* store.count(batch, comparedRange)
      if (counted === null || (comparedRange !== null && compared === null)) {
        const halves = batch.length === 1 ? [] : Arr.chunksOf(batch, Math.ceil(batch.length / 2))
        return yield* Effect.forEach(halves, answerBatch, { discard: true })
      }
      for (const each of batch) {
        const own = counted.get(each.site.hostedWebsiteId)
        const before = compared?.get(each.site.hostedWebsiteId)
        if (own === undefined || (comparedRange !== null && before === undefined)) continue
        const comparedCounts =
          comparedRange === null || before === undefined ? null : Counting.counted(each.query, comparedRange, before)
        found.set(each, Assembly.answer(each.query, Counting.counted(each.query, rangeOf(each), own), comparedCounts))
      }
    })
  const alike = Map.groupBy(queries, (one) => {
    const { comparison, range, timeZone } = one.query
    // The days of the comparison depend on the website's first row.
    return JSON.stringify([timeZone, comparison === null ? range : rangeOf(one)])
  })
  const batches = [...alike.values()].flatMap((all) =>
    Arr.chunksOf(all, all[0]?.query.dimensions.length === 0 ? all.length : maxGrouped)
  )
  yield* Effect.forEach(batches, answerBatch, { concurrency: maxBatches, discard: true })
  return yield* Effect.forEach(
    queries,
    (one) => {
      const answer = found.get(one)
      return answer === undefined ? store.answer(one.site, one.query) : Effect.succeed(answer)
    },
    { concurrency: store.concurrency }
  )
})
