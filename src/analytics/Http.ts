/**
 * `POST /v1/public/analytics/track`, its alias `/v1/public/view`, and `POST /v1/public/analytics/event`.
 *
 * @module
 */
import { Context, Effect, Layer } from "effect"
import type { HttpServerResponse } from "effect/http"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { Api } from "../api/Api.ts"
import { Received } from "../platform/contract/Received.ts"
import { Validation } from "../platform/contract/Validation.ts"
import { memoize } from "../platform/data/Memo.ts"
import * as Body from "../platform/http/Body.ts"
import * as EndpointGroup from "../platform/http/EndpointGroup.ts"
import * as Origin from "../platform/http/Origin.ts"
import * as DecisionHttp from "../sites/DecisionHttp.ts"
import { Decisions } from "../sites/Decisions.ts"
import * as ErrorMapping from "../sites/ErrorMapping.ts"
import type { Site } from "../sites/Site.ts"
import { AnalyticsRepo } from "./AnalyticsRepo.ts"
import { Counted, type EventPayload, type PageViewPayload } from "./Api.ts"
import * as Event from "./Event.ts"
import { EventRepo } from "./EventRepo.ts"
import * as PageView from "./PageView.ts"
import * as Tracking from "./Tracking.ts"

/** The maximum number of cached referrers, and of cached origins. */
const maxCachedUrls = 1_000

/** In UTF-16 code units. Longer URLs are not cached. */
const maxCachedUrlLength = 512

/** Caches the results of `compute`, which must depend on the URL alone. */
const memoizeByUrl = <A>(compute: (url: string) => A): ((url: string) => A) => {
  const cached = memoize(compute, maxCachedUrls)
  return (url) => (url.length <= maxCachedUrlLength ? cached(url) : compute(url))
}

const pageViews = Effect.map(AnalyticsRepo, (repo): Tracking.Record<PageViewPayload> => {
  const splitReferrer = memoizeByUrl(PageView.splitReferrer)
  const canonicalOrigin = memoizeByUrl(Origin.canonical)
  const referrerOf = (
    referrer: string | null | undefined,
    origin: string | undefined,
    site: Site
  ): PageView.Referrer =>
    referrer
      ? PageView.foreignReferrer(
          splitReferrer(referrer),
          origin === undefined ? null : canonicalOrigin(origin),
          site.origins
        )
      : PageView.noReferrer
  return (payload, facts, origin, site) => {
    const view = PageView.make(payload, facts, referrerOf(payload.referrer, origin, site))
    return { store: repo.append(view), reason: view.exclusion }
  }
})

/** The events of bots are not stored. They are counted under the decision `bot`. */
const events = Effect.map(
  EventRepo,
  (repo): Tracking.Record<EventPayload> =>
    (payload, facts) =>
      facts.client.isBot
        ? { store: Effect.void, reason: "bot" }
        : { store: repo.append(Event.make(payload, facts)), reason: null }
)

/** The handlers. Each response has a decision. */
export class PageViews extends Context.Service<PageViews, Handler<PageViewPayload>>()(
  "hydracore/analytics/PageViews"
) {}

class Events extends Context.Service<Events, Handler<EventPayload>>()("hydracore/analytics/Events") {}

type Handler<Payload> = (payload: Payload) => Effect.Effect<HttpServerResponse.HttpServerResponse, never, Received>

/** The handlers, for the router and for the fast path. */
export const handlers = (options: Tracking.Options) =>
  Layer.effectContext(
    Effect.gen(function* () {
      const make = yield* Tracking.make(options)
      return Context.make(PageViews, make(yield* pageViews)).pipe(Context.add(Events, make(yield* events)))
    })
  )

const counted = Layer.effect(
  Counted,
  Effect.map(Decisions, (decisions) => {
    const readBody = Body.make()({ overloaded: ErrorMapping.overloaded })
    const decided = DecisionHttp.decided(DecisionHttp.make(decisions), "tracking-token", Received)
    return (httpEffect) => Effect.map(readBody(decided(httpEffect)), DecisionHttp.byStatus)
  })
)

const groupOf = (track: PageViews["Service"], event: Events["Service"]) =>
  HttpApiBuilder.group(Api, "analytics", (handlers) =>
    // `uninterruptible`, because a page view is stored even if the visitor leaves the page at once.
    handlers
      .handle("track", ({ payload }) => track(payload), { uninterruptible: true })
      .handle("view", ({ payload }) => track(payload), { uninterruptible: true })
      .handle("event", ({ payload }) => event(payload), { uninterruptible: true })
  )

/** Serves the group; requires `handlers`. */
export const group = Layer.unwrap(
  Effect.gen(function* () {
    const services = yield* Effect.context<Counted | Validation>()
    const handlers = groupOf(yield* PageViews, yield* Events)
    return EndpointGroup.withOnly(handlers, Context.pick(Counted, Validation)(services))
  })
).pipe(Layer.provideMerge(counted))

/** `group` with `handlers`. */
export const layer = (options: Tracking.Options) => Layer.provide(group, handlers(options))
