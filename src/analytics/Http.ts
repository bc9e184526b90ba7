/**
 * `POST /v1/public/analytics/track`, its alias `/v1/public/view`, and `POST /v1/public/analytics/event`: they check the rate limit,
 * find the website, check the page's origin and store a record. The response is sent after the commit.
 *
 * @module
 */
import { Clock, Context, Effect, Layer, Option } from "effect"
import { HttpServerResponse } from "effect/http"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { Api, Traced } from "../api/Api.ts"
import { Validation } from "../platform/contract/Errors.ts"
import { Received, type RequestHead } from "../platform/contract/Received.ts"
import * as Body from "../platform/http/Body.ts"
import * as Decision from "../platform/http/Decision.ts"
import * as EndpointGroup from "../platform/http/EndpointGroup.ts"
import * as ErrorResponses from "../platform/http/ErrorResponses.ts"
import * as Origin from "../platform/http/Origin.ts"
import type { TrackingToken } from "../platform/Id.ts"
import { type LimitHeaders, makeCheck, RateLimiter, type RateLimitPolicy } from "../platform/limits/RateLimit.ts"
import type { RecordRefused, StorageUnavailable } from "../platform/Storage.ts"
import { memoize } from "../platform/text/Memo.ts"
import * as Decisions from "../sites/Decisions.ts"
import * as ErrorMapping from "../sites/ErrorMapping.ts"
import type { Site } from "../sites/Site.ts"
import { SiteDirectory } from "../sites/SiteDirectory.ts"
import { AnalyticsRepo } from "./AnalyticsRepo.ts"
import { Counted, type EventPayload, type PageViewPayload } from "./Api.ts"
import * as Event from "./Event.ts"
import * as PageView from "./PageView.ts"
import { dayAt } from "./reports/LocalTime.ts"
import { VisitorSalts } from "./VisitorSalts.ts"

export interface Options {
  readonly rateLimit: Option.Option<RateLimitPolicy>
  /** The country of a request's client; null if it is unknown. */
  readonly countryOf: (head: RequestHead) => string | null
}

/** The maximum number of cached user agents. Many visitors share one, and parsing it costs more than the rest of a page view. */
const maxCachedUserAgents = 5_000

const countedHeaders = { [Decision.header]: "counted" satisfies Decision.Decision }

/** How a valid request is recorded. */
interface Recording {
  /** Succeeds after the commit. */
  readonly store: Effect.Effect<void, StorageUnavailable | RecordRefused>
  /** Why the record does not count; null if it does. */
  readonly reason: Decision.Reason | null
}

/** How a kind of payload is recorded. */
type Record<Payload> = (
  payload: Payload,
  facts: PageView.VisitorFacts,
  origin: string | undefined,
  site: Site
) => Recording

/** Returns the function that makes the handler of a kind of payload. All handlers share one rate limit. */
const makeHandlerOf = Effect.fnUntraced(function* (options: Options) {
  const checkRateLimit = makeCheck(yield* RateLimiter, options.rateLimit)
  const directory = yield* SiteDirectory
  const salts = yield* VisitorSalts
  const recordUncounted = Decisions.recorder(yield* Decisions.Decisions)
  const clock = yield* Clock.Clock
  const parseUserAgent = memoize(PageView.parseUserAgent, maxCachedUserAgents)

  const decided = Decisions.decided(recordUncounted, "tracking-token", Received)

  return <Payload extends { readonly site_id: TrackingToken }>(record: Record<Payload>) => {
    const store = (head: RequestHead, payload: Payload, site: Site, headers: LimitHeaders) => {
      const subject = { _tag: "Known", websiteConfigId: site.websiteConfigId } as const
      if (!Origin.accepts(head, site.origins)) {
        return recordUncounted(
          "foreign-origin",
          subject,
          Origin.refusedOf(head)
        )(ErrorResponses.foreignOrigin("website", headers))
      }
      const userAgent = PageView.readUserAgent(head.headers["user-agent"])
      const receivedAt = clock.currentTimeMillisUnsafe()
      return Effect.flatMap(salts.of(dayAt(site.timeZone, receivedAt)), (salt) => {
        const facts = {
          hostedWebsiteId: site.hostedWebsiteId,
          receivedAt,
          address: head.address,
          userAgent,
          client: parseUserAgent(userAgent),
          country: options.countryOf(head),
          salt
        }
        const { reason, store } = record(payload, facts, head.headers["origin"], site)
        return Effect.flatMap(store, () =>
          reason === null
            ? Effect.succeed(HttpServerResponse.empty({ status: 204, headers: { ...headers, ...countedHeaders } }))
            : recordUncounted(reason, subject)(HttpServerResponse.empty({ status: 204, headers }))
        )
      })
    }

    return (payload: Payload) =>
      decided(
        Effect.flatMap(Received, ({ head }) =>
          checkRateLimit(head.address, ({ accepted, headers }) =>
            accepted
              ? Effect.flatMap(directory.byTrackingToken(payload.site_id), (site) =>
                  Option.isSome(site)
                    ? store(head, payload, site.value, headers)
                    : Effect.succeed(Decisions.withDecision(ErrorResponses.unknownSite(headers), "unknown-site"))
                ).pipe(Effect.catch((error) => ErrorMapping.ofStorage(error, headers)))
              : Effect.succeed(ErrorResponses.overLimit(headers))
          )
        )
      )
  }
})

/** The maximum number of cached referrers, and of cached origins. */
const maxCachedUrls = 1_000

/** In UTF-16 code units. Longer URLs are not cached. */
const maxCachedUrlLength = 512

/** Caches the results of `compute`, which must depend on the URL alone. */
const memoizeByUrl = <A>(compute: (url: string) => A): ((url: string) => A) => {
  const cached = memoize(compute, maxCachedUrls)
  return (url) => (url.length <= maxCachedUrlLength ? cached(url) : compute(url))
}

const pageViews = Effect.map(AnalyticsRepo, (repo): Record<PageViewPayload> => {
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
  AnalyticsRepo,
  (repo): Record<EventPayload> =>
    (payload, facts) =>
      facts.client.isBot
        ? { store: Effect.void, reason: "bot" }
        : { store: repo.appendEvent(Event.make(payload, facts)), reason: null }
)

type Handler<Payload> = (payload: Payload) => Effect.Effect<HttpServerResponse.HttpServerResponse, never, Received>

/** The handlers, for the router and for the fast path. Each response has a decision. */
export interface Tracking {
  readonly track: Handler<PageViewPayload>
  readonly event: Handler<EventPayload>
}

/** Makes the handlers. */
export const make = Effect.fnUntraced(function* (options: Options) {
  const handlerOf = yield* makeHandlerOf(options)
  return { track: handlerOf(yield* pageViews), event: handlerOf(yield* events) } satisfies Tracking
})

const counted = Layer.effect(
  Counted,
  Effect.map(Decisions.Decisions, (decisions) => {
    const readBody = Body.make()({ overloaded: ErrorMapping.overloaded })
    const decided = Decisions.decided(Decisions.recorder(decisions), "tracking-token", Received)
    return (httpEffect) => Effect.map(readBody(decided(httpEffect)), Decisions.byStatus)
  })
)

const groupOf = ({ event, track }: Tracking) =>
  HttpApiBuilder.group(Api, "analytics", (handlers) =>
    // `uninterruptible`, because a page view is stored even if the visitor leaves the page at once.
    handlers
      .handle("track", ({ payload }) => track(payload), { uninterruptible: true })
      .handle("view", ({ payload }) => track(payload), { uninterruptible: true })
      .handle("event", ({ payload }) => event(payload), { uninterruptible: true })
  )

/** Serves the contract's group. */
export const layer = (tracking: Tracking) =>
  Layer.unwrap(
    Effect.map(Effect.context<Counted | Traced | Validation>(), (services) =>
      EndpointGroup.withOnly(groupOf(tracking), Context.pick(Counted, Traced, Validation)(services))
    )
  ).pipe(Layer.provideMerge(counted))
