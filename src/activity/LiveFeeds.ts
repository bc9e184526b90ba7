/**
 * Live feeds of the activity of websites. A process polls each followed website every two seconds, once for all its readers.
 * Polling works across processes and through any connection pooler.
 *
 * @module
 */
import { Context, Effect, Layer, PubSub, RcMap, Scope, Stream } from "effect"
import { type ReportError, type ReportSite, Reports } from "../analytics/reports/Reports.ts"
import * as Rounds from "../platform/rounds/Rounds.ts"
import type { ReportTooLarge } from "../platform/Storage.ts"
import type { AuthorizedSite } from "../sites/access/Access.ts"
import { type Refused, SiteSlots } from "../sites/access/SiteSlots.ts"
import { type Activity, arrived } from "./Activity.ts"
import { SiteActivity } from "./SiteActivity.ts"

export interface Change {
  /** The number of current visitors. */
  readonly visitors: number
  /** The activities since the previous change; in a reader's first state, the latest ones. Latest first. */
  readonly activity: ReadonlyArray<Activity>
}

type LiveError = Exclude<ReportError, ReportTooLarge> | Refused

export class LiveFeeds extends Context.Service<
  LiveFeeds,
  {
    /** The latest state, and the changes until the scope closes. A slow reader misses changes. */
    readonly follow: (
      proof: AuthorizedSite<"inbox:read">
    ) => Effect.Effect<{ readonly latest: Change; readonly changes: Stream.Stream<Change> }, LiveError, Scope.Scope>
  }
>()("hydracore/activity/LiveFeeds") {}

/** The maximum number of activities that one poll reads. */
const window = 50

const interval = "2 seconds"

/** The maximum number of changes that are buffered for a slow reader; the oldest are dropped. */
const backlog = 16

export const layer: Layer.Layer<LiveFeeds, never, SiteActivity | Reports | SiteSlots> = Layer.effect(
  LiveFeeds,
  Effect.gen(function* () {
    const { latest } = yield* SiteActivity
    const reports = yield* Reports
    const slots = yield* SiteSlots

    const read = (site: ReportSite): Effect.Effect<Change, LiveError> =>
      Effect.all({
        visitors: slots.reports.run(site.websiteConfigId, reports.currentVisitors(site)),
        activity: slots.lists.run(site.websiteConfigId, latest(site, window))
      })

    const feed = Effect.fnUntraced(function* (site: ReportSite) {
      const changes = yield* PubSub.sliding<Change>(backlog)
      let known = yield* read(site)
      const poll = Effect.gen(function* () {
        const next = yield* read(site)
        const activity = arrived(known.activity, next.activity, window)
        const isSame = activity.length === 0 && next.visitors === known.visitors
        known = next
        if (!isSame) yield* PubSub.publish(changes, { visitors: next.visitors, activity })
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
      lookup: (site: ReportSite) =>
        Effect.updateContext(feed(site), (ofReader: Context.Context<Scope.Scope>) =>
          Context.add(context, Scope.Scope, Context.get(ofReader, Scope.Scope))
        )
    })

    return {
      follow: Effect.fnUntraced(function* ({ site: { hostedWebsiteId, websiteConfigId } }) {
        const feed = yield* RcMap.get(feeds, { hostedWebsiteId, websiteConfigId })
        const subscription = yield* PubSub.subscribe(feed.changes)
        return { latest: feed.current(), changes: Stream.fromSubscription(subscription) }
      })
    }
  })
)
