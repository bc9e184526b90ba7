/**
 * Live feeds of the visits and the activity of websites. A process polls each followed website every two seconds, once for all its
 * readers. Polling works across processes and through any connection pooler.
 *
 * Two reads at most find the visits that are on a website now: the latest rows of an hour, and, for visits that may have begun before
 * these, the rows of their session keys since midnight, when all visits begin anew.
 *
 * @module
 */
import { hash, randomBytes } from "node:crypto"
import { Clock, Context, Effect, PubSub, RcMap, Scope, Stream } from "effect"
import * as DateRange from "../analytics/reports/DateRange.ts"
import * as LocalTime from "../analytics/reports/LocalTime.ts"
import { currentMillis, type ReportError, type ReportSite, Reports } from "../analytics/reports/Reports.ts"
import * as Visits from "../analytics/reports/Visits.ts"
import * as Rounds from "../platform/rounds/Rounds.ts"
import type { ReportTooLarge } from "../platform/Storage.ts"
import { hourMillis, iso } from "../platform/text/Calendar.ts"
import type { AuthorizedSite } from "../sites/access/Access.ts"
import { type Refused, SiteSlots } from "../sites/access/SiteSlots.ts"
import type { Site } from "../sites/Site.ts"
import { arrived, type RowQuery, SiteActivity } from "./Activity.ts"
import type { LiveChange, LiveVisit } from "./OwnerActivityApi.ts"

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
export const visitsNow = Effect.fnUntraced(function* (
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

/** Only these of a website: keys of maps are compared by all their members. */
type FeedSite = ReportSite & Pick<Site, "timeZone">

type LiveError = Exclude<ReportError, ReportTooLarge> | Refused

export interface LiveFeeds {
  /**
   * The latest state, and the changes until the scope closes. A slow reader misses changes. The activities of a change are those
   * since the one before.
   */
  readonly follow: (
    proof: AuthorizedSite<"inbox:read">
  ) => Effect.Effect<
    { readonly latest: LiveChange; readonly changes: Stream.Stream<LiveChange> },
    LiveError,
    Scope.Scope
  >
}

/** The maximum number of activities of each type that one poll reads. */
const window = 50

const interval = "2 seconds"

/** The maximum number of changes that are buffered for a slow reader; the oldest are dropped. */
const backlog = 16

/** The feeds of this process, until the scope closes. */
export const make: Effect.Effect<LiveFeeds, never, SiteActivity | Reports | SiteSlots | Scope.Scope> = Effect.gen(
  function* () {
    const { latest, rows } = yield* SiteActivity
    const reports = yield* Reports
    const slots = yield* SiteSlots

    const visitsOf = Effect.fnUntraced(function* (site: FeedSite, secret: string) {
      const now = yield* Clock.currentTimeMillis
      return shown(yield* visitsNow(rows, site, now), secret)
    })

    const read = (site: FeedSite, secret: string): Effect.Effect<LiveChange, LiveError> =>
      Effect.all({
        visitors: slots.reports.run(site.websiteConfigId, reports.currentVisitors(site)),
        visits: slots.lists.run(site.websiteConfigId, visitsOf(site, secret)),
        activity: slots.lists.run(site.websiteConfigId, latest(site, window))
      })

    const feed = Effect.fnUntraced(function* (site: FeedSite) {
      const changes = yield* PubSub.sliding<LiveChange>(backlog)
      // Only in memory and as old as the feed. All readers of the feed get the same keys of visits.
      const secret = randomBytes(32).toString("hex")
      let known = yield* read(site, secret)
      const poll = Effect.gen(function* () {
        const next = yield* read(site, secret)
        const activity = arrived(known.activity, next.activity, window)
        const change = { ...next, activity }
        const isSame = JSON.stringify(change) === JSON.stringify({ ...known, activity: [] })
        known = next
        if (!isSame) yield* PubSub.publish(changes, change)
      })
      yield* Effect.sleep(interval).pipe(
        Effect.andThen(poll),
        // An expected error needs no warning, because the next poll finds what this one missed. Only a defect gets one.
        Effect.catch((error) => Effect.logDebug("The activity of a website could not be read", error)),
        Rounds.recover("The activity of a website could not be read; retrying"),
        Effect.forever,
        Effect.forkScoped
      )
      return { changes, current: () => known }
    })

    const context = yield* Effect.context<never>()
    const feeds = yield* RcMap.make({
      // The feed would otherwise run in its first reader's context, and retain that reader's request and span.
      lookup: (site: FeedSite) =>
        Effect.updateContext(feed(site), (ofReader: Context.Context<Scope.Scope>) =>
          Context.add(context, Scope.Scope, Context.get(ofReader, Scope.Scope))
        )
    })

    return {
      follow: Effect.fnUntraced(function* ({ site: { hostedWebsiteId, timeZone, websiteConfigId } }) {
        const feed = yield* RcMap.get(feeds, { hostedWebsiteId, timeZone, websiteConfigId })
        const subscription = yield* PubSub.subscribe(feed.changes)
        return { latest: feed.current(), changes: Stream.fromSubscription(subscription) }
      })
    }
  }
)
