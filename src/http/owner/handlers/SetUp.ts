/**
 * The endpoints that create, read, change and delete a website, and those of its activity and decisions.
 *
 * @module
 */
import { Clock, Effect, Option } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../../../contract/owner/Api.ts"
import * as Fields from "../../../contract/owner/Fields.ts"
import type * as Decision from "../../../core/sites/Decision.ts"
import type { Site } from "../../../core/sites/Site.ts"
import * as Calendar from "../../../core/text/Calendar.ts"
import type { Erased } from "../../../services/sites/SiteErasure.ts"
import { OwnerReports } from "../access/OwnerReports.ts"
import { OwnerSites } from "../access/OwnerSites.ts"
import * as Failures from "../Failures.ts"
import * as Validation from "../Validation.ts"
import * as ActivityJson from "./ActivityJson.ts"

const toJson = (site: Site) => ({
  site_id: site.websiteConfigId,
  tracking_token: site.trackingToken,
  name: site.name,
  origins: site.origins,
  time_zone: site.timeZone,
  created_at: Calendar.iso(site.createdAt)
})

const countsJson = (counts: Decision.Counts) =>
  (Object.entries(counts) as ReadonlyArray<[Decision.Reason, number]>)
    .map(([reason, count]) => ({ reason, count }))
    .sort((left, right) => right.count - left.count || (left.reason < right.reason ? -1 : 1))

const erasedJson = (erased: Erased) => ({
  page_views: erased.pageViews,
  bot_views: erased.botViews,
  events: erased.events,
  conversions: erased.conversions,
  submissions: erased.submissions,
  conversations: erased.conversations
})

const otherName = Validation.failed([
  {
    loc: ["body", "name"],
    msg: "Value error, the name of the website is expected; nothing was deleted",
    type: "value_error"
  }
])

/** From the first to the last day of a week, in milliseconds. */
const weekSpan = 6 * Calendar.dayMillis

export const layer = HttpApiBuilder.group(
  OwnerApi,
  "setUp",
  Effect.fnUntraced(function* (handlers) {
    const owned = yield* OwnerSites
    const reports = yield* OwnerReports
    return handlers
      .handle("create", ({ payload: { name, origins = [], time_zone: timeZone } }) =>
        owned
          .create({ name, origins, timeZone })
          .pipe(Effect.map(toJson), Effect.catchTag("StorageUnavailable", Failures.ofStorage))
      )
      .handle("read", ({ params }) =>
        owned.authorize(params.site_id, "read").pipe(
          Effect.map(({ site }) => toJson(site)),
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
      .handle("update", ({ params, payload: { name, origins, time_zone: timeZone } }) =>
        owned.authorize(params.site_id, "write").pipe(
          Effect.flatMap((proof) =>
            owned.update(proof, {
              ...(name === undefined ? {} : { name }),
              ...(origins === undefined ? {} : { origins }),
              ...(timeZone === undefined ? {} : { timeZone })
            })
          ),
          Effect.map(toJson),
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
      .handle("delete", ({ params, payload: { name } }) =>
        owned.authorize(params.site_id, "write").pipe(
          Effect.flatMap((proof) => owned.delete(proof, name)),
          Effect.flatMap(
            Option.match({
              onNone: () => Effect.fail(otherName),
              onSome: (erased) => Effect.succeed(erasedJson(erased))
            })
          ),
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
      .handle("activity", ({ params, query: { limit = Fields.defaultLimit } }) =>
        owned.authorize(params.site_id, "read").pipe(
          Effect.flatMap((proof) => reports.activity(proof, limit)),
          Effect.map((activity) => ({ activity: activity.map(ActivityJson.of) })),
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
      .handle(
        "decisions",
        Effect.fnUntraced(
          function* ({ params, query }) {
            const proof = yield* owned.authorize(params.site_id, "stats")
            const now = yield* Clock.currentTimeMillis
            const last = query.to ?? Calendar.dateOf(now)
            const first = query.from ?? Calendar.dateOf(Date.parse(`${last}T00:00:00Z`) - weekSpan)
            const counts = yield* owned.decisions(proof, { first, last })
            return { from: first, to: last, reasons: countsJson(counts) }
          },
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
  })
)
