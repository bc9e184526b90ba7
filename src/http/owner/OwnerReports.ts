/**
 * The statistics of the owner API: those of websites for which the caller's right is proven.
 *
 * @module
 */
import { Clock, Context, Effect, Layer } from "effect"
import type { Answer } from "../../core/analytics/report/Answer.ts"
import * as DateRange from "../../core/analytics/report/DateRange.ts"
import type { Request } from "../../core/analytics/report/Query.ts"
import type { AuthorizedSite } from "../../core/sites/Access.ts"
import { type ReportError, Reports, type ReportTooLarge } from "../../services/analytics/Reports.ts"

export class OwnerReports extends Context.Service<
  OwnerReports,
  {
    /** Answers a request about the website of the proof; the request's own `siteId` is only repeated in the answer. */
    readonly query: (proof: AuthorizedSite<"stats">, request: Request) => Effect.Effect<Answer, ReportError>
    /** The number of visitors of the last five minutes. */
    readonly now: (proof: AuthorizedSite<"stats">) => Effect.Effect<number, Exclude<ReportError, ReportTooLarge>>
  }
>()("hydracore/http/owner/OwnerReports") {}

export const layer: Layer.Layer<OwnerReports, never, Reports> = Layer.effect(
  OwnerReports,
  Effect.map(Reports, (reports) => ({
    query: ({ site }, request) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        reports.query(site, DateRange.resolve(request, { now, timeZone: site.timeZone }))
      ),
    now: ({ site }) => reports.now(site)
  }))
)
