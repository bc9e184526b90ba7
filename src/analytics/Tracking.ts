/**
 * What the endpoints for page views and events share: they check the rate limit, find the website, check the page's origin and
 * store a record. The response is sent after the commit.
 *
 * @module
 */
import { Clock, Effect, Option } from "effect"
import { HttpServerResponse } from "effect/http"
import { Received, type RequestHead } from "../platform/contract/Received.ts"
import * as ClientCountry from "../platform/countries/ClientCountry.ts"
import { Countries } from "../platform/countries/Countries.ts"
import { memoize } from "../platform/data/Memo.ts"
import * as Decision from "../platform/http/Decision.ts"
import * as ErrorResponses from "../platform/http/ErrorResponses.ts"
import * as RateLimitCheck from "../platform/http/RateLimitCheck.ts"
import type { RateLimitPolicy } from "../platform/limits/RateLimit.ts"
import { RateLimiter } from "../platform/limits/RateLimiter.ts"
import type { RecordRefused, StorageUnavailable } from "../platform/Storage.ts"
import * as DecisionHttp from "../sites/DecisionHttp.ts"
import { Decisions } from "../sites/Decisions.ts"
import * as ErrorMapping from "../sites/ErrorMapping.ts"
import * as OriginCheck from "../sites/OriginCheck.ts"
import type { Site } from "../sites/Site.ts"
import { SiteDirectory } from "../sites/SiteDirectory.ts"
import type * as PageView from "./PageView.ts"
import * as UserAgent from "./UserAgent.ts"
import * as VisitorDay from "./VisitorDay.ts"
import { VisitorSalts } from "./VisitorSalts.ts"

export interface Options {
  readonly rateLimit: Option.Option<RateLimitPolicy>
  readonly country: ClientCountry.Options
}

/** The maximum number of cached user agents. Many visitors share one, and parsing it costs more than the rest of a page view. */
const maxCachedUserAgents = 5_000

const counted = { [Decision.header]: "counted" satisfies Decision.Decision }

/** How a valid request is recorded. */
export interface Recording {
  /** Succeeds after the commit. */
  readonly store: Effect.Effect<void, StorageUnavailable | RecordRefused>
  /** Why the record does not count; null if it does. */
  readonly reason: Decision.Reason | null
}

/** How a kind of payload is recorded. */
export type Record<Payload> = (
  payload: Payload,
  facts: PageView.VisitorFacts,
  origin: string | undefined,
  site: Site
) => Recording

/** Returns the function that makes the handler of a kind of payload. All handlers share one rate limit. */
export const make = Effect.fnUntraced(function* (options: Options) {
  const checkRateLimit = RateLimitCheck.make(yield* RateLimiter, options.rateLimit)
  const directory = yield* SiteDirectory
  const salts = yield* VisitorSalts
  const recordUncounted = DecisionHttp.make(yield* Decisions)
  const clock = yield* Clock.Clock
  const countryOf = ClientCountry.make(yield* Countries, options.country)
  const parseUserAgent = memoize(UserAgent.parse, maxCachedUserAgents)

  const decided = DecisionHttp.decided(recordUncounted, "tracking-token", Received)

  return <Payload extends { readonly site_id: string }>(record: Record<Payload>) => {
    const store = (head: RequestHead, payload: Payload, site: Site, headers: RateLimitCheck.LimitHeaders) => {
      const subject = { _tag: "Known", websiteConfigId: site.websiteConfigId } as const
      if (!OriginCheck.isAllowed(head, site.origins)) {
        return recordUncounted("foreign-origin", subject)(ErrorResponses.foreignOrigin("website", headers))
      }
      const userAgent = UserAgent.read(head.headers["user-agent"])
      const receivedAt = clock.currentTimeMillisUnsafe()
      return Effect.flatMap(salts.of(VisitorDay.at(site.timeZone, receivedAt)), (salt) => {
        const facts = {
          hostedWebsiteId: site.hostedWebsiteId,
          receivedAt,
          address: head.address,
          userAgent,
          client: parseUserAgent(userAgent),
          country: countryOf(head),
          salt
        }
        const { reason, store } = record(payload, facts, head.headers["origin"], site)
        return Effect.flatMap(store, () =>
          reason === null
            ? Effect.succeed(HttpServerResponse.empty({ status: 204, headers: { ...headers, ...counted } }))
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
                    : Effect.succeed(DecisionHttp.withDecision(ErrorResponses.unknownSite(headers), "unknown-site"))
                ).pipe(Effect.catch((error) => ErrorMapping.ofStorage(error, headers)))
              : Effect.succeed(ErrorResponses.overLimit(headers))
          )
        )
      )
  }
})
