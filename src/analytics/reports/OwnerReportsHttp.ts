/**
 * `POST /v1/owner/query`, and `now`, `properties` and `not-counted` below `/v1/owner/sites/{site_id}`.
 *
 * @module
 */
import { Clock, Effect, RcMap } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../../api/OwnerApi.ts"
import { reasons } from "../../platform/http/Decision.ts"
import { WebsiteConfigId } from "../../platform/Id.ts"
import { dateOf } from "../../platform/text/Calendar.ts"
import * as Authorized from "../../sites/access/Authorized.ts"
import * as AuthorizedHttp from "../../sites/access/AuthorizedHttp.ts"
import { SiteSlots } from "../../sites/access/SiteSlots.ts"
import { Decisions } from "../../sites/Decisions.ts"
import * as DateRange from "./DateRange.ts"
import type { Query } from "./Query.ts"
import * as QueryBody from "./QueryBody.ts"
import { idsOf, type ReportSite, Reports } from "./Reports.ts"

export const layer = HttpApiBuilder.group(
  OwnerApi,
  "reports",
  Effect.fnUntraced(function* (handlers) {
    const authorize = yield* AuthorizedHttp.makeAuthorize
    const decisions = yield* Decisions
    const reports = yield* Reports
    const slots = yield* SiteSlots
    // Identical requests that wait or run at the same time are answered once.
    const answers = yield* RcMap.make({
      lookup: ({ query, site }: { readonly site: ReportSite; readonly query: Query }) =>
        slots.reports.run(site.websiteConfigId, reports.query(site, query))
    })
    const visitors = yield* RcMap.make({
      lookup: (site: ReportSite) => slots.reports.run(site.websiteConfigId, reports.currentVisitors(site))
    })
    const properties = yield* RcMap.make({
      lookup: (site: ReportSite) => slots.reports.run(site.websiteConfigId, reports.properties(site))
    })
    return handlers
      .handle(
        "query",
        Effect.fnUntraced(function* ({ payload }) {
          const request = QueryBody.requestOf(payload)
          const { site } = yield* authorize(WebsiteConfigId.make(request.siteId), "stats", "read")
          const now = yield* Clock.currentTimeMillis
          // The last full minute, so that identical requests have the same query: a comparison ends at this time of day.
          const query = DateRange.queryOf(request, { now: now - (now % 60_000), timeZone: site.timeZone })
          return yield* RcMap.get(answers, { site: idsOf(site), query })
        }, Effect.scoped)
      )
      .handle(
        "now",
        Effect.fnUntraced(function* () {
          const { site } = yield* Authorized.stats.read.proof
          return { visitors: yield* RcMap.get(visitors, idsOf(site)) }
        }, Effect.scoped)
      )
      .handle(
        "properties",
        Effect.fnUntraced(function* () {
          const { site } = yield* Authorized.stats.read.proof
          return { properties: yield* RcMap.get(properties, idsOf(site)) }
        }, Effect.scoped)
      )
      .handle(
        "notCounted",
        Effect.fnUntraced(function* ({ query }) {
          const { site } = yield* Authorized.stats.read.proof
          const today = dateOf(yield* Clock.currentTimeMillis)
          const counts = yield* decisions.counts({ site, first: query.from ?? today, last: query.to ?? today })
          return {
            reasons: reasons
              .flatMap((reason) => (counts[reason] === undefined ? [] : [{ reason, requests: counts[reason] }]))
              .sort((left, right) => right.requests - left.requests)
          }
        })
      )
  })
)
