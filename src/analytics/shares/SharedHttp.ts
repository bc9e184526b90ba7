/**
 * The endpoints at and below `/v1/owner/shared`, which shared dashboards use.
 *
 * @module
 */
import { Effect } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../../api/OwnerApi.ts"
import * as ServiceSpans from "../../platform/telemetry/ServiceSpans.ts"
import { SharedCaller } from "../../sites/access/AuthenticationApi.ts"
import * as Errors from "../../sites/access/Errors.ts"
import * as QueryBody from "../reports/QueryBody.ts"
import * as SharedQuery from "./SharedQuery.ts"
import * as SharedReports from "./SharedReports.ts"

const otherWebsite = Errors.make("NotFound", "This dashboard shows another website. GET /v1/owner/shared names it.")

export const layer = HttpApiBuilder.group(
  OwnerApi,
  "shared",
  Effect.fnUntraced(function* (handlers) {
    const reports = yield* SharedReports.make
    return handlers
      .handle(
        "site",
        ServiceSpans.handler("shared.site", () =>
          SharedCaller.useSync(({ site }) => ({
            site_id: site.websiteConfigId,
            name: site.name,
            time_zone: site.timeZone
          }))
        )
      )
      .handle(
        "query",
        ServiceSpans.handler(
          "shared.query",
          Effect.fnUntraced(function* ({ payload }) {
            const request = QueryBody.requestOf(payload)
            const access = yield* SharedCaller
            if (request.siteId !== access.site.websiteConfigId) return yield* Effect.fail(otherWebsite)
            return yield* reports.query(access, SharedQuery.limited(request))
          })
        )
      )
      .handle(
        "now",
        ServiceSpans.handler("shared.now", () =>
          SharedCaller.use(reports.currentVisitors).pipe(Effect.map((visitors) => ({ visitors })))
        )
      )
  })
)
