/**
 * `GET /v1/owner/sites` and `GET /v1/owner/sites/{site_id}/now`.
 *
 * @module
 */
import { Effect } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerReports } from "../analytics/reports/OwnerReports.ts"
import { OwnerApi } from "../api/OwnerApi.ts"
import * as Calendar from "../platform/text/Calendar.ts"
import * as Failures from "./access/Failures.ts"
import * as ListQuery from "./access/ListQuery.ts"
import { OwnerSites } from "./OwnerSites.ts"
import type { Sites } from "./OwnerSitesApi.ts"
import type { Site } from "./Site.ts"

const toJson = (site: Site): (typeof Sites.Type)["sites"][number] => ({
  site_id: site.websiteConfigId,
  name: site.name,
  time_zone: site.timeZone,
  created_at: Calendar.iso(site.createdAt)
})

export const layer = HttpApiBuilder.group(
  OwnerApi,
  "sites",
  Effect.fnUntraced(function* (handlers) {
    const ownerSites = yield* OwnerSites
    const reports = yield* OwnerReports
    return handlers
      .handle("list", ({ query: { search = null, ...range } }) =>
        ownerSites.list({ ...ListQuery.rangeOf(range), search }).pipe(
          Effect.map(({ items, next }) => ({ sites: items.map(toJson), next: ListQuery.formatNext(next) })),
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
      .handle("now", ({ params }) =>
        ownerSites.authorize(params.site_id, "stats").pipe(
          Effect.flatMap(reports.currentVisitors),
          Effect.map((visitors) => ({ visitors })),
          Effect.catchTags(Failures.ofReports)
        )
      )
  })
)
