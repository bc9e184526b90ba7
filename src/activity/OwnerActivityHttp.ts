/**
 * The endpoints that show a website's latest activity and, for each reason, how many of its requests were not counted.
 *
 * @module
 */
import { Clock, Effect } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerReports } from "../analytics/reports/OwnerReports.ts"
import { OwnerApi } from "../api/OwnerApi.ts"
import type * as Decision from "../platform/http/Decision.ts"
import * as Calendar from "../platform/text/Calendar.ts"
import * as Failures from "../sites/access/Failures.ts"
import * as Fields from "../sites/access/Fields.ts"
import { OwnerSites } from "../sites/OwnerSites.ts"
import * as ActivityJson from "./ActivityJson.ts"

const countsJson = (counts: Decision.Counts) =>
  (Object.entries(counts) as ReadonlyArray<[Decision.Reason, number]>)
    .map(([reason, count]) => ({ reason, count }))
    .sort((left, right) => right.count - left.count || (left.reason < right.reason ? -1 : 1))

/** The first of all dates: PostgreSQL has no year 0. */
const firstDate = "0001-01-01"

/** The first day of the week that ends with a date. */
const weekBefore = (last: string): string =>
  Calendar.dateOf(Math.max(Date.parse(`${last}T00:00:00Z`) - 6 * Calendar.dayMillis, Date.parse(firstDate)))

export const layer = HttpApiBuilder.group(
  OwnerApi,
  "activity",
  Effect.fnUntraced(function* (handlers) {
    const ownerSites = yield* OwnerSites
    const reports = yield* OwnerReports
    return handlers
      .handle("activity", ({ params, query: { limit = Fields.defaultLimit } }) =>
        ownerSites.authorize(params.site_id, "read").pipe(
          Effect.flatMap((proof) => reports.activity(proof, limit)),
          Effect.map((activity) => ({ activity: activity.map(ActivityJson.of) })),
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
      .handle(
        "decisions",
        Effect.fnUntraced(
          function* ({ params, query }) {
            const proof = yield* ownerSites.authorize(params.site_id, "stats")
            const now = yield* Clock.currentTimeMillis
            const last = query.to ?? Calendar.dateOf(now)
            const first = query.from ?? weekBefore(last)
            const counts = yield* ownerSites.decisions(proof, { first, last })
            return { from: first, to: last, reasons: countsJson(counts) }
          },
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
  })
)
