/**
 * Answers the queries of shared dashboards: the statistics of one website, with small counts hidden.
 *
 * Anyone who has the address of a dashboard may open it, so answers are cached for a minute and one report runs at a time in
 * this process: this leaves connections for the reports of owners.
 *
 * @module
 */
import { Cache, Clock, Context, Duration, Effect, Exit, Layer, Semaphore } from "effect"
import type { SharedAccess } from "../../contract/owner/Authentication.ts"
import type * as Errors from "../../contract/owner/Errors.ts"
import * as DateRange from "../../core/analytics/report/DateRange.ts"
import type { Query, Request } from "../../core/analytics/report/Query.ts"
import * as SmallCounts from "../../core/analytics/report/SmallCounts.ts"
import { type ReportError, type ReportSite, Reports, type ReportTooLarge } from "../../services/analytics/Reports.ts"

type TooManyRequests = (typeof Errors.TooManyRequests)["Type"]

export class SharedReports extends Context.Service<
  SharedReports,
  {
    /** Answers a request that `SharedQuery.restrict` has allowed, for the website of the shared dashboard. */
    readonly query: (
      access: SharedAccess,
      request: Request
    ) => Effect.Effect<SmallCounts.CoarseAnswer, ReportError | TooManyRequests>
    /** The number of current visitors, with small numbers hidden. */
    readonly currentVisitors: (
      access: SharedAccess
    ) => Effect.Effect<number | typeof SmallCounts.hidden, Exclude<ReportError, ReportTooLarge> | TooManyRequests>
  }
>()("hydracore/http/owner/SharedReports") {}

/** How long an answer is cached. */
const answerLifetime = Duration.minutes(1)

/** How long the number of current visitors is cached. */
const visitorsLifetime = Duration.seconds(10)

/** The maximum number of answers in a cache. */
const capacity = 200

/** The maximum number of reports that run or wait for their turn. */
const maxPending = 32

const tooMany: TooManyRequests = {
  _tag: "TooManyRequests",
  detail: "Many people are viewing shared dashboards now. Wait as many seconds as Retry-After says.",
  headers: { "retry-after": 2 }
}

const timeToLive = (time: Duration.Duration) => (exit: Exit.Exit<unknown, unknown>) =>
  Exit.isSuccess(exit) ? time : Duration.zero

interface Key {
  readonly site: ReportSite
  readonly query: Query
}

/** Only the ids of a website. Keys of the caches are compared by all their members, so other members would make another key. */
const siteOf = ({ hostedWebsiteId, websiteConfigId }: ReportSite): ReportSite => ({ hostedWebsiteId, websiteConfigId })

export const layer: Layer.Layer<SharedReports, never, Reports> = Layer.effect(
  SharedReports,
  Effect.gen(function* () {
    const reports = yield* Reports
    const turn = yield* Semaphore.make(1)
    const places = yield* Semaphore.make(maxPending)

    /** Runs one report at a time. Fails if `maxPending` reports already run or wait. */
    const inTurn = <A, E>(report: Effect.Effect<A, E>): Effect.Effect<A, E | TooManyRequests> =>
      turn.withPermit(report).pipe(places.withPermitsIfAvailable(1), Effect.flatMap(Effect.fromOption(() => tooMany)))

    const answers = yield* Cache.makeWith(({ query, site }: Key) => inTurn(reports.queryCoarse(site, query)), {
      capacity,
      timeToLive: timeToLive(answerLifetime)
    })

    const visitors = yield* Cache.makeWith((site: ReportSite) => inTurn(reports.currentVisitors(site)), {
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
