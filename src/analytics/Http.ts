/**
 * `POST /v1/public/analytics/track`, its alias `/v1/public/view`, and `POST /v1/public/analytics/event`.
 *
 * @module
 */
import { Context, Effect, Layer } from "effect"
import type { HttpServerRequest } from "effect/http"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { Api } from "../contract/Api.ts"
import * as BodyReader from "../contract/BodyReader.ts"
import * as Event from "../core/analytics/Event.ts"
import * as PageView from "../core/analytics/PageView.ts"
import { memoize } from "../core/data/Memo.ts"
import * as Origin from "../core/sites/Origin.ts"
import type { Site } from "../core/sites/Site.ts"
import * as Endpoint from "../http/endpoints/Endpoint.ts"
import * as DecisionRecorder from "../http/request/DecisionRecorder.ts"
import * as ErrorMapping from "../http/request/ErrorMapping.ts"
import * as RequestHead from "../http/request/RequestHead.ts"
import * as RequestBody from "../platform/http/RequestBody.ts"
import { AnalyticsRepo } from "../services/analytics/AnalyticsRepo.ts"
import { EventRepo } from "../services/analytics/EventRepo.ts"
import { EventPayload, PageViewPayload } from "./Api.ts"
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

/** The endpoint of page views. */
export class TrackHandler extends Context.Service<TrackHandler, Endpoint.Endpoint>()("hydracore/http/Track") {}

/** The endpoint of events. */
export class EventHandler extends Context.Service<EventHandler, Endpoint.Endpoint>()("hydracore/http/Event") {}

const pageViews = Effect.map(AnalyticsRepo, (repo): Tracking.Kind<PageViewPayload> => {
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
  return {
    read: BodyReader.make(PageViewPayload),
    record: (payload, facts, origin, site) => {
      const view = PageView.make(payload, facts, referrerOf(payload.referrer, origin, site))
      return { store: repo.append(view), reason: view.exclusion }
    }
  }
})

/** The events of bots are not stored. They are counted under the decision `bot`. */
const events = Effect.map(
  EventRepo,
  (repo): Tracking.Kind<EventPayload> => ({
    read: BodyReader.make(EventPayload),
    record: (payload, facts) =>
      facts.client.isBot
        ? { store: Effect.void, reason: "bot" }
        : { store: repo.append(Event.make(payload, facts)), reason: null }
  })
)

/** The endpoints, for the router and for the fast path. */
export const endpoints = (options: Tracking.Options) =>
  Layer.effectContext(
    Effect.gen(function* () {
      const make = yield* Tracking.make(options)
      return Context.make(TrackHandler, make(yield* pageViews)).pipe(Context.add(EventHandler, make(yield* events)))
    })
  )

/** Serves the contract's group through the router; requires `endpoints`. */
export const group = HttpApiBuilder.group(
  Api,
  "analytics",
  Effect.fnUntraced(function* (handlers) {
    const handle =
      (endpoint: Endpoint.Endpoint) =>
      ({ request }: { readonly request: HttpServerRequest.HttpServerRequest }) =>
        Effect.flatMap(RequestBody.readBytes(request), (bytes) =>
          endpoint(RequestHead.fromRequest(request), bytes)
        ).pipe(
          Effect.catchTags(ErrorMapping.ofBytes),
          Effect.map((answer) => DecisionRecorder.byStatus(Endpoint.toHttpServerResponse(answer)))
        )
    const track = handle(yield* TrackHandler)
    // Raw handlers, because for other handlers the platform decodes the payload by its content type. These endpoints also
    // read beacons (text/plain), count an invalid body as a decision, and list every error in the contract's form.
    // `uninterruptible`, because a page view is stored even if the visitor leaves the page at once.
    return handlers
      .handleRaw("track", track, { uninterruptible: true })
      .handleRaw("view", track, { uninterruptible: true })
      .handleRaw("event", handle(yield* EventHandler), { uninterruptible: true })
  })
)

/** `group` with `endpoints`. */
export const layer = (options: Tracking.Options) => Layer.provide(group, endpoints(options))
