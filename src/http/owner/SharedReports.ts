/**
 * The statistics of shared dashboards: those of the share's website, without small counts.
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
import * as SharedQuery from "../../core/analytics/report/SharedQuery.ts"
import * as SmallCounts from "../../core/analytics/report/SmallCounts.ts"
import { type ReportError, type ReportSite, Reports, type ReportTooLarge } from "../../services/analytics/Reports.ts"

type TooManyRequests = (typeof Errors.TooManyRequests)["Type"]

export class SharedReports extends Context.Service<
  SharedReports,
  {
    /** Answers a request that `SharedQuery.restrict` passes; the website is that of the share. */
    readonly query: (
      access: SharedAccess,
      request: Request
    ) => Effect.Effect<SmallCounts.CoarseAnswer, ReportError | TooManyRequests>
    readonly now: (
      access: SharedAccess
    ) => Effect.Effect<number | typeof SmallCounts.hidden, Exclude<ReportError, ReportTooLarge> | TooManyRequests>
  }
>()("hydracore/http/owner/SharedReports") {}

/** How long an answer is cached. */
const answerTime = Duration.minutes(1)

/** How long the number of current visitors is cached. */
const nowTime = Duration.seconds(10)

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

/** Equal requests have equal keys, and so share an answer. */
const keyOf = ({ query, site: { hostedWebsiteId, websiteConfigId } }: Key): string =>
  JSON.stringify({ site: { hostedWebsiteId, websiteConfigId }, query } satisfies Key)

export const layer: Layer.Layer<SharedReports, never, Reports> = Layer.effect(
  SharedReports,
  Effect.gen(function* () {
    const reports = yield* Reports
    const turn = yield* Semaphore.make(1)
    let pending = 0

    /** Runs one report at a time. */
    const inTurn = <A, E>(report: Effect.Effect<A, E>): Effect.Effect<A, E | TooManyRequests> =>
      Effect.suspend((): Effect.Effect<A, E | TooManyRequests> => {
        if (pending >= maxPending) return Effect.fail(tooMany)
        pending++
        return Effect.ensuring(
          turn.withPermit(report),
          Effect.sync(() => pending--)
        )
      })

    const answers = yield* Cache.makeWith(
      (key: string) => {
        const { query, site }: Key = JSON.parse(key)
        return inTurn(reports.queryCoarse(site, query))
      },
      { capacity, timeToLive: timeToLive(answerTime) }
    )

    const visitors = yield* Cache.makeWith(
      (key: string) => {
        const site: ReportSite = JSON.parse(key)
        return inTurn(reports.now(site))
      },
      { capacity, timeToLive: timeToLive(nowTime) }
    )

    const answer = Effect.fnUntraced(function* ({ site: { site } }: SharedAccess, request: Request) {
      const now = yield* Clock.currentTimeMillis
      const query = DateRange.resolve({ ...request, siteId: site.websiteConfigId }, { now, timeZone: site.timeZone })
      return yield* Cache.get(answers, keyOf({ site, query }))
    })

    return {
      query: Effect.fnUntraced(function* (access, request) {
        const found = yield* answer(access, request)
        const chosen = SharedQuery.chosenVisitors(request)
        if (chosen === null) return found
        const [row] = (yield* answer(access, chosen)).results
        const isFew = row?.metrics[0] === SmallCounts.hidden
        if (!isFew) return found
        const { total_rows, ...meta } = found.meta
        return { ...found, results: [], meta: total_rows === undefined ? meta : { ...meta, total_rows: 0 } }
      }),
      now: ({ site: { site } }) => {
        const { hostedWebsiteId, websiteConfigId } = site
        return Effect.map(Cache.get(visitors, JSON.stringify({ hostedWebsiteId, websiteConfigId })), SmallCounts.shown)
      }
    }
  })
)
