/**
 * Statistics of all websites, and what the store precomputes for them.
 *
 * @module
 */
import { Clock, Effect, Option, Predicate, Schema } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import type { Answer } from "../../analytics/reports/Answer.ts"
import * as DateRange from "../../analytics/reports/DateRange.ts"
import * as LocalTime from "../../analytics/reports/LocalTime.ts"
import { QueryBody, queryOptions, requestOf } from "../../analytics/reports/QueryBody.ts"
import { Reports } from "../../analytics/reports/Reports.ts"
import { WebsiteConfigId } from "../../platform/Id.ts"
import * as Errors from "../../sites/access/Errors.ts"
import { SiteDirectory } from "../../sites/SiteDirectory.ts"
import * as Operations from "./Operations.ts"

const rebuild = HttpApiEndpoint.post("rebuild", "/operator/reports/rebuild", {
  payload: Schema.Struct({ site_id: Schema.NullOr(WebsiteConfigId) }),
  success: Schema.Struct({ rebuilt: Schema.Array(WebsiteConfigId) }),
  error: Operations.failures
})

/** A report. Its members are not checked: this process made them, and a check takes a quarter of the time of 40,000 websites. */
const Report = Schema.declare((value): value is Answer => Predicate.isObject(value))

/**
 * Answers a query for every website, oldest first. `untilToday` replaces the range of the query by one that ends today, in the time
 * zone of each website: that many days, or the days from a date on.
 */
const queryAll = HttpApiEndpoint.post("queryAll", "/operator/reports/query", {
  payload: Schema.Struct({ query: QueryBody, untilToday: Schema.NullOr(Schema.Union([Schema.Int, Schema.String])) }),
  success: Schema.Struct({
    reports: Schema.Array(Schema.Struct({ name: Schema.String, report: Report }))
  }),
  error: [...Operations.failures, Errors.GatewayTimeout]
}).annotateMerge(queryOptions)

export const Api = Operations.api(HttpApiGroup.make("reports").add(rebuild, queryAll))

/** The last `since` days up to `today`, or those from the date `since` on; that date alone if it is later. */
const rangeUntil = (since: number | string, today: string) =>
  typeof since === "number"
    ? { first: LocalTime.addDays(today, 1 - since), last: today }
    : { first: since, last: since > today ? since : today }

export const layer = HttpApiBuilder.group(
  Api,
  "reports",
  Effect.fnUntraced(function* (handlers) {
    const directory = yield* SiteDirectory
    const reports = yield* Reports
    return handlers
      .handle(
        "rebuild",
        Effect.fnUntraced(function* ({ payload: { site_id } }) {
          const sites =
            site_id === null ? yield* directory.list : Option.toArray(yield* directory.byWebsiteConfigId(site_id))
          if (site_id !== null && sites.length === 0) return yield* Effect.fail(Operations.noSite)
          yield* reports.rebuild(site_id === null ? undefined : sites[0])
          return { rebuilt: sites.map((site) => site.websiteConfigId) }
        })
      )
      .handle(
        "queryAll",
        Effect.fnUntraced(function* ({ payload: { query, untilToday } }) {
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
          return {
            reports: answers.flatMap((report, index) => {
              const site = sites[index]
              return site === undefined ? [] : [{ name: site.name, report }]
            })
          }
        })
      )
  })
)
