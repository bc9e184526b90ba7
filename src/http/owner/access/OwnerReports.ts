/**
 * Statistics for the owner API: only of websites that the caller is authorized for.
 *
 * @module
 */
import { Clock, Context, Effect, Layer } from "effect"
import type { Answer } from "../../../core/analytics/report/Answer.ts"
import * as DateRange from "../../../core/analytics/report/DateRange.ts"
import type { Request } from "../../../core/analytics/report/Query.ts"
import type { Activity } from "../../../core/analytics/SiteActivity.ts"
import type { AuthorizedSite } from "../../../core/sites/Access.ts"
import { type ReportError, Reports, type ReportTooLarge } from "../../../services/analytics/Reports.ts"
import { SiteActivity } from "../../../services/analytics/SiteActivity.ts"
import type { StorageUnavailable } from "../../../services/Storage.ts"

export class OwnerReports extends Context.Service<
  OwnerReports,
  {
    /** Answers a request about the website of the proof; the request's own `siteId` is only repeated in the answer. */
    readonly query: (proof: AuthorizedSite<"stats">, request: Request) => Effect.Effect<Answer, ReportError>
    /** The number of visitors of the last five minutes. */
    readonly currentVisitors: (
      proof: AuthorizedSite<"stats">
    ) => Effect.Effect<number, Exclude<ReportError, ReportTooLarge>>
    /** The latest activities, newest first. */
    readonly activity: (
      proof: AuthorizedSite<"read">,
      limit: number
    ) => Effect.Effect<ReadonlyArray<Activity>, StorageUnavailable>
  }
>()("hydracore/http/owner/access/OwnerReports") {}

export const layer: Layer.Layer<OwnerReports, never, Reports | SiteActivity> = Layer.effect(
  OwnerReports,
  Effect.gen(function* () {
    const reports = yield* Reports
    const { latest } = yield* SiteActivity
    return {
      query: ({ site }, request) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) =>
          reports.query(site, DateRange.queryOf(request, { now, timeZone: site.timeZone }))
        ),
      currentVisitors: ({ site }) => reports.currentVisitors(site),
      activity: ({ site }, limit) => latest(site, limit)
    }
  })
)
