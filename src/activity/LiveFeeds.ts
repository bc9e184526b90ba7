/**
 * Live feeds of the visits and the activity of websites. A process polls each followed website every two seconds, once for all its readers.
 * Polling works across processes and through any connection pooler.
 *
 * @module
 */
import { randomBytes } from "node:crypto"
import { Clock, Context, Effect, PubSub, RcMap, Scope, Stream } from "effect"
import { type ReportError, type ReportSite, Reports } from "../analytics/reports/Reports.ts"
import * as Rounds from "../platform/rounds/Rounds.ts"
import type { ReportTooLarge } from "../platform/Storage.ts"
import type { AuthorizedSite } from "../sites/access/Access.ts"
import { type Refused, SiteSlots } from "../sites/access/SiteSlots.ts"
import type { Site } from "../sites/Site.ts"
import { arrived } from "./Activity.ts"
import * as LiveVisits from "./LiveVisits.ts"
import type { LiveChange } from "./OwnerLiveApi.ts"
import { SiteActivity } from "./SiteActivity.ts"

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
      return LiveVisits.shown(yield* LiveVisits.read(rows, site, now), secret)
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
