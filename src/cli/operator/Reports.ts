/**
 * Statistics of all websites, and what the store precomputes for them.
 *
 * @module
 */
import { Clock, Effect, Option } from "effect"
import * as DateRange from "../../analytics/reports/DateRange.ts"
import * as LocalTime from "../../analytics/reports/LocalTime.ts"
import { type QueryBody, requestOf } from "../../analytics/reports/QueryBody.ts"
import { Reports } from "../../analytics/reports/Reports.ts"
import type { WebsiteConfigId } from "../../platform/Id.ts"
import * as Errors from "../../sites/access/Errors.ts"
import { SiteDirectory } from "../../sites/SiteDirectory.ts"

/** The last `since` days up to `today`, or those from the date `since` on; that date alone if it is later. */
const rangeUntil = (since: number | string, today: string) =>
  typeof since === "number"
    ? { first: LocalTime.addDays(today, 1 - since), last: today }
    : { first: since, last: since > today ? since : today }

export const make = Effect.fnUntraced(function* () {
  const directory = yield* SiteDirectory
  const reports = yield* Reports
  return {
    /** Rebuilds what is precomputed for a website, or for all. */
    rebuild: Effect.fnUntraced(function* (siteId: WebsiteConfigId | null) {
      const sites = siteId === null ? yield* directory.list : Option.toArray(yield* directory.byWebsiteConfigId(siteId))
      if (siteId !== null && sites.length === 0) return yield* Effect.fail(Errors.unknownSite)
      yield* reports.rebuild(siteId === null ? undefined : sites[0])
      return { rebuilt: sites.map((site) => site.websiteConfigId) }
    }),
    /**
     * Answers a query for every website, oldest first. `untilToday` replaces the range of the query by one that ends today, in the time
     * zone of each website: that many days, or the days from a date on.
     */
    queryAll: Effect.fnUntraced(function* (query: QueryBody, untilToday: number | string | null) {
      const now = yield* Clock.currentTimeMillis
      const sites = yield* directory.list
      const answers = yield* reports.queryAll(
        sites.map((site) => {
          const facts = { now, timeZone: site.timeZone }
          const dateRange = untilToday === null ? {} : { dateRange: rangeUntil(untilToday, DateRange.today(facts)) }
          const request = { ...requestOf(query), siteId: site.websiteConfigId, ...dateRange }
          return { site, query: DateRange.queryOf(request, facts) }
        })
      )
      return answers.flatMap((report, index) => {
        const site = sites[index]
        return site === undefined ? [] : [{ name: site.name, report }]
      })
    })
  }
})
