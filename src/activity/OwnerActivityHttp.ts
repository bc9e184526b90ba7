/**
 * The endpoints that show a website's latest activity and, for each reason, how many of its requests were not counted.
 *
 * @module
 */
import { Clock, Effect } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../api/OwnerApi.ts"
import type * as Decision from "../platform/http/Decision.ts"
import * as Calendar from "../platform/text/Calendar.ts"
import * as Authorized from "../sites/access/Authorized.ts"
import * as Fields from "../sites/access/Fields.ts"
import { SiteSlots } from "../sites/access/SiteSlots.ts"
import { Decisions } from "../sites/Decisions.ts"
import { SiteActivity } from "./SiteActivity.ts"

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
    const { latest } = yield* SiteActivity
    const rejections = yield* Decisions
    const { lists } = yield* SiteSlots
    return handlers
      .handle(
        "activity",
        Effect.fnUntraced(function* ({ query: { limit = Fields.defaultLimit } }) {
          const { site } = yield* Authorized.inbox.read.proof
          const found = yield* lists.run(site.websiteConfigId, latest(site, limit))
          return { activity: found.slice(0, limit) }
        })
      )
      .handle(
        "decisions",
        Effect.fnUntraced(function* ({ query }) {
          const { site } = yield* Authorized.stats.read.proof
          const now = yield* Clock.currentTimeMillis
          const last = query.to ?? Calendar.dateOf(now)
          const first = query.from ?? weekBefore(last)
          const counts = yield* rejections.counts({ site, first, last })
          return { from: first, to: last, reasons: countsJson(counts) }
        })
      )
  })
)
