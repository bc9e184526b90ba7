/**
 * `POST /v1/owner/query`.
 *
 * @module
 */
import { Effect } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../../api/OwnerApi.ts"
import * as Failures from "../../sites/access/Failures.ts"
import { OwnerSites } from "../../sites/OwnerSites.ts"
import { OwnerReports } from "./OwnerReports.ts"
import * as QueryBody from "./QueryBody.ts"

export const layer = HttpApiBuilder.group(
  OwnerApi,
  "reports",
  Effect.fnUntraced(function* (handlers) {
    const ownerSites = yield* OwnerSites
    const reports = yield* OwnerReports
    return handlers.handle(
      "query",
      Effect.fnUntraced(function* ({ payload }) {
        const request = QueryBody.requestOf(payload)
        const site = yield* ownerSites.authorize(request.siteId, "stats")
        return yield* reports.query(site, request)
      }, Effect.catchTags(Failures.ofQuery))
    )
  })
)
