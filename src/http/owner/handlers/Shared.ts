/**
 * The endpoints at and below `/v1/owner/shared`, which shared dashboards use.
 *
 * @module
 */
import { Effect } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../../../contract/owner/Api.ts"
import { SharedCaller } from "../../../contract/owner/Authentication.ts"
import * as Errors from "../../../contract/owner/Errors.ts"
import * as SharedQuery from "../../../core/analytics/report/SharedQuery.ts"
import * as Failures from "../Failures.ts"
import { SharedReports } from "../SharedReports.ts"
import { decode, invalid } from "./Reports.ts"

const otherWebsite = Errors.make("NotFound", "This dashboard shows another website. GET /v1/owner/shared names it.")

export const layer = HttpApiBuilder.group(
  OwnerApi,
  "shared",
  Effect.fnUntraced(function* (handlers) {
    const reports = yield* SharedReports
    return handlers
      .handle("site", () =>
        SharedCaller.useSync(({ site: { site } }) => ({
          site_id: site.websiteConfigId,
          name: site.name,
          time_zone: site.timeZone
        }))
      )
      .handle(
        "query",
        Effect.fnUntraced(function* ({ payload }) {
          const request = yield* decode(payload)
          const allowed = yield* Effect.fromResult(SharedQuery.restrict(request)).pipe(Effect.mapError(invalid))
          const access = yield* SharedCaller
          if (request.siteId !== access.share.websiteConfigId) return yield* Effect.fail(otherWebsite)
          return yield* reports.query(access, allowed)
        }, Effect.catchTags(Failures.ofQuery))
      )
      .handle("now", () =>
        SharedCaller.use(reports.currentVisitors).pipe(
          Effect.map((visitors) => ({ visitors })),
          Effect.catchTags(Failures.ofReports)
        )
      )
  })
)
