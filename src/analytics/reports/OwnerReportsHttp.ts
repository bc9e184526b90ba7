/**
 * `POST /v1/owner/query` and `GET /v1/owner/sites/{site_id}/now`.
 *
 * @module
 */
import { Effect } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../../api/OwnerApi.ts"
import { WebsiteConfigId } from "../../platform/Id.ts"
import * as Authorized from "../../sites/access/Authorized.ts"
import * as AuthorizedHttp from "../../sites/access/AuthorizedHttp.ts"
import * as Failures from "../../sites/access/Failures.ts"
import { OwnerReports } from "./OwnerReports.ts"
import * as QueryBody from "./QueryBody.ts"

export const layer = HttpApiBuilder.group(
  OwnerApi,
  "reports",
  Effect.fnUntraced(function* (handlers) {
    const authorize = yield* AuthorizedHttp.makeAuthorize
    const reports = yield* OwnerReports
    return handlers
      .handle(
        "query",
        Effect.fnUntraced(function* ({ payload }) {
          const request = QueryBody.requestOf(payload)
          return yield* reports.query(yield* authorize(WebsiteConfigId.make(request.siteId), "stats", "read"), request)
        }, Effect.catchTags(Failures.ofQuery))
      )
      .handle("now", () =>
        Authorized.stats.read.proof.use(reports.currentVisitors).pipe(
          Effect.map((visitors) => ({ visitors })),
          Effect.catchTag("ReportTimeout", Failures.ofReports.ReportTimeout)
        )
      )
  })
)
