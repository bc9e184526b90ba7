/**
 * Answers the queries of shared dashboards: the statistics of one website, with small counts hidden.
 *
 * Anyone who has the address of a dashboard may open it, so answers are cached for a minute and one report of all dashboards
 * runs at a time in this process (`SiteSlots`): this leaves connections for the reports of owners.
 *
 * @module
 */
import { Cache, Clock, Context, Duration, Effect, Exit, Layer } from "effect"
import type { SharedAccess } from "../../contract/owner/Authentication.ts"
import * as DateRange from "../../core/analytics/report/DateRange.ts"
import type { Query, Request } from "../../core/analytics/report/Query.ts"
import * as SmallCounts from "../../core/analytics/report/SmallCounts.ts"
import { type ReportError, type ReportSite, Reports, type ReportTooLarge } from "../../services/analytics/Reports.ts"
import { siteOf } from "./access/OwnerReports.ts"
import { type Refused, SiteSlots } from "./SiteSlots.ts"

export class SharedReports extends Context.Service<
  SharedReports,
  {
    /** Answers a request that `SharedQuery.restrict` has allowed, for the website of the shared dashboard. */
    readonly query: (
      access: SharedAccess,
      request: Request
    ) => Effect.Effect<SmallCounts.CoarseAnswer, ReportError | Refused>
    /** The number of current visitors, with small numbers hidden. */
    readonly currentVisitors: (
      access: SharedAccess
    ) => Effect.Effect<number | typeof SmallCounts.hidden, Exclude<ReportError, ReportTooLarge> | Refused>
  }
>()("hydracore/http/owner/SharedReports") {}

/** How long an answer is cached. */
const answerLifetime = Duration.minutes(1)

/** How long the number of current visitors is cached. */
const visitorsLifetime = Duration.seconds(10)

/** The maximum number of answers in a cache. */
const capacity = 200

const timeToLive = (time: Duration.Duration) => (exit: Exit.Exit<unknown, unknown>) =>
  Exit.isSuccess(exit) ? time : Duration.zero

interface Key {
  readonly site: ReportSite
  readonly query: Query
}

export const layer: Layer.Layer<SharedReports, never, Reports | SiteSlots> = Layer.effect(
  SharedReports,
  Effect.gen(function* () {
    const reports = yield* Reports
    const slots = yield* SiteSlots

    const inTurn = <A, E>({ websiteConfigId }: ReportSite, report: Effect.Effect<A, E>) =>
      slots.sharedReports.run(websiteConfigId, slots.reports.run(websiteConfigId, report))

    const answers = yield* Cache.makeWith(({ query, site }: Key) => inTurn(site, reports.queryCoarse(site, query)), {
      capacity,
      timeToLive: timeToLive(answerLifetime)
    })

    const visitors = yield* Cache.makeWith((site: ReportSite) => inTurn(site, reports.currentVisitors(site)), {
      capacity,
      timeToLive: timeToLive(visitorsLifetime)
    })

    return {
      query: Effect.fnUntraced(function* ({ site: { site } }, request) {
        const now = yield* Clock.currentTimeMillis
        const query = DateRange.queryOf({ ...request, siteId: site.websiteConfigId }, { now, timeZone: site.timeZone })
        return yield* Cache.get(answers, { site: siteOf(site), query })
      }),
      currentVisitors: ({ site: { site } }) => Effect.map(Cache.get(visitors, siteOf(site)), SmallCounts.shown)
    }
  })
)
