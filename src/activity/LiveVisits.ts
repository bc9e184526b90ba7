/**
 * The visits that are on a website now, of the page views and events that are stored.
 *
 * Two reads at most find them: the latest rows of an hour, and, for visits that may have begun before these, the rows of their
 * session keys since midnight, when all visits begin anew.
 *
 * @module
 */
import { hash } from "node:crypto"
import { Effect } from "effect"
import * as DateRange from "../analytics/reports/DateRange.ts"
import * as LocalTime from "../analytics/reports/LocalTime.ts"
import { currentMillis } from "../analytics/reports/Reports.ts"
import * as Visits from "../analytics/reports/Visits.ts"
import { hourMillis, iso } from "../platform/text/Calendar.ts"
import type { Site } from "../sites/Site.ts"
import type { LiveVisit } from "./OwnerLiveApi.ts"
import type { RowQuery, SiteActivity } from "./SiteActivity.ts"

/** The maximum number of visits that are shown. */
export const maxVisits = 50

/** How many of the latest page views and of the latest events of the last hour are read. */
const maxRecent = 500

/** How many of the day's latest page views and events are searched for rows of visits that go on: about 30 ms of PostgreSQL. */
const searchedRows = 50_000

type Rows = Effect.Success<ReturnType<SiteActivity["Service"]["rows"]>>

/** The visits of some rows. */
const visitsOf = (rows: Rows, timeZone: string): ReadonlyArray<Visits.Visit> =>
  Visits.make(
    {
      views: rows.flatMap((row) => (row.type === "pageview" ? [row.view] : [])),
      events: rows.flatMap((row) => (row.type === "event" ? [row.event] : [])),
      conversions: [],
      goals: []
    },
    timeZone
  )

/** The visits that are on the website now, those with the latest activity first. */
export const current = (visits: ReadonlyArray<Visits.Visit>, now: number): ReadonlyArray<Visits.Visit> =>
  visits.filter(({ endedAt }) => endedAt > now - currentMillis).sort((left, right) => right.endedAt - left.endedAt)

/** The time since which all rows of a period were read, if at most `limit` page views and `limit` events of it were. */
const readSince = (rows: Rows, { from, searched }: Pick<RowQuery, "from" | "searched">): number =>
  Math.max(
    from,
    ...[...Map.groupBy(rows, ({ type }) => type).values()].map((ofType) =>
      ofType.length < searched
        ? from
        : Math.min(...ofType.map((row) => (row.type === "pageview" ? row.view : row.event).receivedAt))
    )
  )

/** Reads the visits that are on a website now: at most `maxVisits`, those with the latest activity first. */
export const read = Effect.fnUntraced(function* (
  rows: SiteActivity["Service"]["rows"],
  site: Pick<Site, "hostedWebsiteId" | "timeZone">,
  now: number,
  recentRows = maxRecent
) {
  const { timeZone } = site
  const midnight = LocalTime.zone(timeZone).startOf(DateRange.today({ now, timeZone }))
  const recent = { from: Math.max(midnight, now - hourMillis), to: now, keys: "all", searched: recentRows } as const
  const found = yield* rows(site, recent)
  const since = readSince(found, recent)
  const all = visitsOf(found, timeZone)
  const visits = current(all, now).slice(0, maxVisits)
  // The run of a row within the longest pause after the time of the first rows may have rows before these.
  const mayHaveMore = new Set(
    all.flatMap(({ sessionKey, startedAt }) =>
      since > midnight && startedAt - Visits.maxGap <= since ? [sessionKey] : []
    )
  )
  const keys = new Set(visits.flatMap(({ sessionKey }) => (mayHaveMore.has(sessionKey) ? [sessionKey] : [])))
  if (keys.size === 0) return visits
  const earlier = yield* rows(site, { from: midnight, to: now, keys: [...keys], searched: searchedRows })
  return current(
    [...visits.filter(({ sessionKey }) => !keys.has(sessionKey)), ...visitsOf(earlier, timeZone)],
    now
  ).slice(0, maxVisits)
})

/**
 * What is shown of visits, those that began last first. `secret` makes the keys: without it, a key cannot be traced to a visitor.
 */
export const shown = (visits: ReadonlyArray<Visits.Visit>, secret: string): ReadonlyArray<LiveVisit> =>
  visits
    .toSorted((left, right) => right.startedAt - left.startedAt || (left.sessionKey < right.sessionKey ? -1 : 1))
    .map(({ client, events, landing, sessionKey, startedAt, views }) => {
      const last = [...views, ...events].reduce((latest, row) => (row.receivedAt > latest.receivedAt ? row : latest))
      return {
        key: hash("sha512-256", `${secret} ${startedAt} ${sessionKey}`).slice(0, 16),
        started_at: iso(startedAt),
        page: last.path,
        pageviews: views.length,
        source: landing?.campaign.source ?? landing?.referrerHost ?? null,
        country: client?.country ?? null,
        device: client?.deviceType ?? null,
        browser: client?.browser ?? null
      }
    })
