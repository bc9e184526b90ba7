/**
 * The endpoints that show a website's latest activity, also live, and for each reason, how many of its requests were not counted.
 *
 * @module
 */
import { Clock, Effect, Layer, Schedule, Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../api/OwnerApi.ts"
import type * as Decision from "../platform/http/Decision.ts"
import * as Calendar from "../platform/text/Calendar.ts"
import { Caller } from "../sites/access/AuthenticationApi.ts"
import * as Authorized from "../sites/access/Authorized.ts"
import * as AuthorizedHttp from "../sites/access/AuthorizedHttp.ts"
import * as Fields from "../sites/access/Fields.ts"
import { SiteSlots } from "../sites/access/SiteSlots.ts"
import { Decisions } from "../sites/Decisions.ts"
import { SiteActivity } from "./Activity.ts"
import * as LiveFeeds from "./LiveFeeds.ts"
import type { LiveChange } from "./OwnerActivityApi.ts"

const countsJson = (counts: Decision.Counts) =>
  (Object.entries(counts) as ReadonlyArray<[Decision.Reason, number]>)
    .map(([reason, count]) => ({ reason, count }))
    .sort((left, right) => right.count - left.count || (left.reason < right.reason ? -1 : 1))

/** The first of all dates: PostgreSQL has no year 0. */
const firstDate = "0001-01-01"

/** The first day of the week that ends with a date. */
const weekBefore = (last: string): string =>
  Calendar.dateOf(Math.max(Date.parse(`${last}T00:00:00Z`) - 6 * Calendar.dayMillis, Date.parse(firstDate)))

const activity = HttpApiBuilder.group(
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

const frame = (event: "latest" | "change", change: LiveChange): string =>
  `event: ${event}\ndata: ${JSON.stringify(change)}\n\n`

/** A comment that keeps proxies from closing an idle stream, and detects closed connections. */
const heartbeat = ": beat\n\n"

/** How often the caller's access is checked, and after how many checks a heartbeat is sent. */
const checkInterval = "1 second"
const checksPerHeartbeat = 5

const live = HttpApiBuilder.group(
  OwnerApi,
  "live",
  Effect.fnUntraced(function* (handlers) {
    const authorize = yield* AuthorizedHttp.makeAuthorize
    const operations = yield* SiteSlots
    const feeds = yield* LiveFeeds.make
    return handlers.handle(
      "follow",
      Effect.fnUntraced(function* () {
        const caller = yield* Caller
        const proof = yield* Authorized.inbox.read.proof
        const { websiteConfigId } = proof.site
        yield* operations.beginLive(websiteConfigId)
        const { changes, latest } = yield* feeds.follow(proof)
        /** Whether the caller may still follow the website. */
        const checkAccess = authorize(websiteConfigId, "inbox", "read").pipe(
          Effect.provideService(Caller, caller),
          Effect.andThen(caller.isValid),
          Effect.catchTags({ NotFound: () => Effect.succeed(false), StorageUnavailable: () => Effect.succeed(true) })
        )
        const heartbeats = Stream.fromSchedule(Schedule.spaced(checkInterval)).pipe(
          Stream.mapEffect((check) => Effect.map(checkAccess, (isAllowed) => ({ check, isAllowed }))),
          Stream.takeWhile(({ isAllowed }) => isAllowed),
          Stream.filter(({ check }) => check % checksPerHeartbeat === 0),
          Stream.map(() => heartbeat)
        )
        const frames = Stream.concat(
          Stream.succeed(frame("latest", latest)),
          Stream.map(changes, (change) => frame("change", change))
        )
        return HttpServerResponse.stream(
          Stream.encodeText(Stream.merge(frames, heartbeats, { haltStrategy: "either" })),
          {
            contentType: "text/event-stream"
          }
        )
      })
    )
  })
)

export const layer = Layer.mergeAll(activity, live)
