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
import * as Cursor from "../platform/text/Cursor.ts"
import { Caller } from "./access/AuthenticationApi.ts"
import * as Authorized from "./access/Authorized.ts"
import * as Failures from "./access/Failures.ts"
import * as ListQuery from "./access/ListQuery.ts"
import type { Sites } from "./OwnerSitesApi.ts"
import type { Site } from "./Site.ts"
import { SiteDirectory } from "./SiteDirectory.ts"
import { positionOf } from "./SiteQuery.ts"

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
    const directory = yield* SiteDirectory
    const reports = yield* OwnerReports
    return handlers
      .handle(
        "list",
        Effect.fnUntraced(function* ({ query: { search = null, ...range } }) {
          const { sites } = yield* Caller
          const { after, limit } = ListQuery.rangeOf(range)
          const found = yield* directory.search({ after, search, sites, limit: limit + 1 })
          const { items, next } = Cursor.partOf(found, limit, positionOf)
          return { sites: items.map(toJson), next: ListQuery.formatNext(next) }
        })
      )
      .handle("now", () =>
        Authorized.stats.read.proof.use(reports.currentVisitors).pipe(
          Effect.map((visitors) => ({ visitors })),
          Effect.catchTag("ReportTimeout", Failures.ofReports.ReportTimeout)
        )
      )
  })
)
