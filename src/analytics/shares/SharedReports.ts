/**
 * Answers the queries of shared dashboards: the statistics of one website, exact or with small counts hidden.
 *
 * Anyone who has the address of a dashboard may open it, so one report of all dashboards runs at a time in this process
 * (`SiteSlots`): this leaves connections for the reports of owners.
 *
 * An answer with protected numbers counts the visits that began before the last full hour, and is computed at most once an hour: nobody must learn exact
 * counts from the times at which rounded ones change. Answers are therefore never evicted within an hour: a website has a maximum of
 * them instead.
 *
 * @module
 */
import { Cache, Clock, Duration, Effect, Exit } from "effect"
import * as Capacity from "../../platform/limits/Capacity.ts"
import * as Calendar from "../../platform/text/Calendar.ts"
import type { SharedAccess } from "../../sites/access/AuthenticationApi.ts"
import { type Refused, SiteSlots } from "../../sites/access/SiteSlots.ts"
import * as DateRange from "../reports/DateRange.ts"
import type { Query, Request } from "../reports/Query.ts"
import { idsOf, type ReportSite, Reports } from "../reports/Reports.ts"
import * as SharedQuery from "./SharedQuery.ts"
import * as SmallCounts from "./SmallCounts.ts"

/**
 * The maximum numbers of rows that answers of an hour have: of one website and of all. An answer with fewer than `perAnswer`
 * counts as one of that many.
 */
export const maxRows = { perAnswer: 100, ofWebsite: 50_000, all: 500_000 }

/** Tells a viewer to wait until the hour ends. */
const allUsed = (now: number): Refused => ({
  _tag: "TooManyRequests",
  detail:
    "In this hour, too many different statistics of shared dashboards were requested. Wait as many seconds as Retry-After says.",
  headers: { "retry-after": Math.ceil((Calendar.hourMillis - (now % Calendar.hourMillis)) / 1000) }
})

interface Key {
  readonly site: ReportSite
  readonly query: Query
}

const timeToLive = (exit: Exit.Exit<unknown, unknown>) => (Exit.isSuccess(exit) ? Duration.infinity : Duration.zero)

/** The statistics of shared dashboards. */
export const make = Effect.gen(function* () {
  const reports = yield* Reports
  const slots = yield* SiteSlots

  /**
   * Behind the reports that wait for the website's owners, the only slot of the dashboards would be held without use, so these
   * wait in a queue of their own.
   */
  const inTurn = <A, E>({ websiteConfigId }: ReportSite, report: Effect.Effect<A, E>) =>
    slots.sharedReports.run(websiteConfigId, slots.reports.run(`shared ${websiteConfigId}`, report))

  let current = { hour: 0, rows: Capacity.make(maxRows.all, maxRows.ofWebsite) }

  /** Computes an answer if the website may have another one in this hour. */
  const counted = <A, E>(site: ReportSite, report: Effect.Effect<A, E>, rowsOf: (answer: A) => number) =>
    Effect.gen(function* () {
      const rows = current.rows.allocate(site.websiteConfigId)
      const hold = (count: number) =>
        rows.resize(Math.max(count, maxRows.perAnswer)) === "held"
          ? Effect.void
          : Effect.flatMap(Clock.currentTimeMillis, (now) => Effect.fail(allUsed(now)))
      return yield* hold(0).pipe(
        Effect.andThen(inTurn(site, report)),
        Effect.tap((answer) => hold(rowsOf(answer))),
        Effect.onError(() => Effect.sync(rows.release))
      )
    })

  const answers = yield* Cache.makeWith(
    ({ query, site }: Key) =>
      counted(
        site,
        Effect.map(reports.count(site, SmallCounts.queryToCount(query)), ({ compared, counted }) =>
          SmallCounts.answer(query, counted, compared)
        ),
        ({ results }) => results.length
      ),
    { capacity: Number.POSITIVE_INFINITY, timeToLive }
  )
  const visitors = yield* Cache.makeWith((site: ReportSite) => counted(site, reports.currentVisitors(site), () => 1), {
    capacity: Number.POSITIVE_INFINITY,
    timeToLive
  })

  /** The beginning of the hour whose answers count, after the answers of earlier hours are removed. */
  const inHour = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const hour = Math.floor(now / Calendar.hourMillis)
    // A clock that was set back by less than an hour must not cause further answers.
    if (hour > current.hour || hour < current.hour - 1) {
      current = { hour, rows: Capacity.make(maxRows.all, maxRows.ofWebsite) }
      yield* Cache.invalidateAll(answers)
      yield* Cache.invalidateAll(visitors)
    }
    return current.hour * Calendar.hourMillis
  })

  return {
    /** Answers a request that `SharedQuery.refuse` does not refuse, for the website of the shared dashboard. */
    query: Effect.fnUntraced(function* ({ numbers, proof: { site } }: SharedAccess, request: Request) {
      if (numbers === "exact") {
        const facts = { now: yield* Clock.currentTimeMillis, timeZone: site.timeZone }
        const query = DateRange.queryOf({ ...request, siteId: site.websiteConfigId }, facts)
        return yield* inTurn(site, reports.query(site, query))
      }
      // The answers of an hour count the same visits, whenever in the hour they are computed.
      const facts = { now: yield* inHour, timeZone: site.timeZone }
      const query = {
        ...DateRange.queryOf({ ...request, siteId: site.websiteConfigId }, facts),
        untilNow: true
      }
      const whole = yield* Cache.get(answers, { site: idsOf(site), query: SharedQuery.whole(query) })
      return SharedQuery.part(whole, query)
    }),
    /** The number of current visitors. Protected numbers hide small ones. */
    currentVisitors: ({ numbers, proof: { site } }: SharedAccess) =>
      numbers === "exact"
        ? inTurn(site, reports.currentVisitors(site))
        : Effect.andThen(inHour, Effect.map(Cache.get(visitors, idsOf(site)), SmallCounts.shown))
  }
})
