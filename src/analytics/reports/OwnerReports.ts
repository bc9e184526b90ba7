/**
 * Statistics for the owner API: only of websites that the caller is authorized for.
 *
 * @module
 */
import { Clock, Context, Effect, Layer, RcMap } from "effect"
import type { AuthorizedSite } from "../../sites/access/Access.ts"
import { type Refused, SiteSlots } from "../../sites/access/SiteSlots.ts"
import type { Answer } from "./Answer.ts"
import * as DateRange from "./DateRange.ts"
import type { Query, Request } from "./Query.ts"
import { type ReportError, type ReportSite, Reports, type ReportTooLarge } from "./Reports.ts"

export class OwnerReports extends Context.Service<
  OwnerReports,
  {
    /**
     * Answers a request about the website of the proof; the request's own `siteId` is only repeated in the answer. Identical
     * requests that wait or run at the same time are answered once.
     */
    readonly query: (
      proof: AuthorizedSite<"stats:read">,
      request: Request
    ) => Effect.Effect<Answer, ReportError | Refused>
    /** The number of visitors of the last five minutes. */
    readonly currentVisitors: (
      proof: AuthorizedSite<"stats:read">
    ) => Effect.Effect<number, Exclude<ReportError, ReportTooLarge> | Refused>
  }
>()("hydracore/analytics/reports/OwnerReports") {}

/** Only the ids of a website: keys of maps are compared by all their members. */
export const siteOf = ({ hostedWebsiteId, websiteConfigId }: ReportSite): ReportSite => ({
  hostedWebsiteId,
  websiteConfigId
})

export const layer: Layer.Layer<OwnerReports, never, Reports | SiteSlots> = Layer.effect(
  OwnerReports,
  Effect.gen(function* () {
    const reports = yield* Reports
    const slots = yield* SiteSlots
    const answers = yield* RcMap.make({
      lookup: ({ query, site }: { readonly site: ReportSite; readonly query: Query }) =>
        slots.reports.run(site.websiteConfigId, reports.query(site, query))
    })
    const visitors = yield* RcMap.make({
      lookup: (site: ReportSite) => slots.reports.run(site.websiteConfigId, reports.currentVisitors(site))
    })
    return {
      query: ({ site }, request) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) =>
          RcMap.get(answers, {
            site: siteOf(site),
            // The last full minute, so that identical requests have the same query: a comparison ends at this time of day.
            query: DateRange.queryOf(request, { now: now - (now % 60_000), timeZone: site.timeZone })
          })
        ).pipe(Effect.scoped),
      currentVisitors: ({ site }) => Effect.scoped(RcMap.get(visitors, siteOf(site)))
    }
  })
)
