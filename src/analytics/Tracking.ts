/**
 * What the endpoints for page views and events share: they parse the body, check the rate limit, find the website, check the
 * page's origin and store a record. The response is sent after the commit.
 *
 * @module
 */
import { Clock, Effect, Option, Result } from "effect"
import { HttpServerResponse } from "effect/http"
import type { ValidationError } from "../contract/Errors.ts"
import type * as PageView from "../core/analytics/PageView.ts"
import * as UserAgent from "../core/analytics/UserAgent.ts"
import * as VisitorDay from "../core/analytics/VisitorDay.ts"
import { memoize } from "../core/data/Memo.ts"
import type { RateLimitPolicy } from "../core/limits/RateLimit.ts"
import * as Decision from "../core/sites/Decision.ts"
import type { Site } from "../core/sites/Site.ts"
import type * as Endpoint from "../http/endpoints/Endpoint.ts"
import * as ClientCountry from "../http/request/ClientCountry.ts"
import * as DecisionRecorder from "../http/request/DecisionRecorder.ts"
import * as ErrorMapping from "../http/request/ErrorMapping.ts"
import * as ErrorResponses from "../http/request/ErrorResponses.ts"
import * as OriginCheck from "../http/request/OriginCheck.ts"
import * as RateLimitCheck from "../http/request/RateLimitCheck.ts"
import type * as RequestHead from "../http/request/RequestHead.ts"
import * as SerializedResponse from "../http/request/SerializedResponse.ts"
import * as InFlightLimit from "../platform/http/InFlightLimit.ts"
import * as RequestBody from "../platform/http/RequestBody.ts"
import { Countries } from "../services/analytics/Countries.ts"
import { VisitorSalts } from "../services/analytics/VisitorSalts.ts"
import { RateLimiter } from "../services/RateLimiter.ts"
import type { RecordRefused, StorageUnavailable } from "../services/Storage.ts"
import { Decisions } from "../services/sites/Decisions.ts"
import { SiteDirectory } from "../services/sites/SiteDirectory.ts"

export interface Options {
  readonly rateLimit: Option.Option<RateLimitPolicy>
  readonly country: ClientCountry.Options
}

/** The maximum number of cached user agents. Many visitors share one, and parsing it costs more than the rest of a page view. */
const maxCachedUserAgents = 5_000

/** How a valid request is recorded. */
export interface Recording {
  /** Succeeds after the commit. */
  readonly store: Effect.Effect<void, StorageUnavailable | RecordRefused>
  /** Why the record does not count; null if it does. */
  readonly reason: Decision.Reason | null
}

/** The kind of record that an endpoint stores. */
export interface Kind<Payload> {
  /** Decodes a body. */
  readonly read: (body: unknown) => Result.Result<Payload, ReadonlyArray<ValidationError>>
  readonly record: (payload: Payload, facts: PageView.VisitorFacts, origin: string | undefined, site: Site) => Recording
}

/** Returns the function that makes the endpoint for a kind of record. All endpoints share one rate limit. */
export const make = Effect.fnUntraced(function* (options: Options) {
  const checkRateLimit = RateLimitCheck.make(yield* RateLimiter, options.rateLimit)
  const directory = yield* SiteDirectory
  const salts = yield* VisitorSalts
  const recordUncounted = DecisionRecorder.make(yield* Decisions)
  const clock = yield* Clock.Clock
  const countryOf = ClientCountry.make(yield* Countries, options.country)
  const parseUserAgent = memoize(UserAgent.parse, maxCachedUserAgents)

  return <Payload extends { readonly site_id: string }>({ read, record }: Kind<Payload>): Endpoint.Endpoint => {
    const store = (
      head: RequestHead.RequestHead,
      payload: Payload,
      site: Site,
      headers: RateLimitCheck.LimitHeaders
    ): Effect.Effect<Endpoint.Response, StorageUnavailable | RecordRefused> => {
      const subject = { _tag: "Known", websiteConfigId: site.websiteConfigId } as const
      if (!OriginCheck.isAllowed(head, site.origins)) {
        return recordUncounted("foreign-origin", subject)(ErrorResponses.foreignOrigin("website", headers))
      }
      const userAgent = UserAgent.read(head.headers["user-agent"])
      const receivedAt = clock.currentTimeMillisUnsafe()
      return Effect.flatMap(salts.of(VisitorDay.at(site.timeZone, receivedAt)), (salt) => {
        const recording = record(
          payload,
          {
            hostedWebsiteId: site.hostedWebsiteId,
            receivedAt,
            address: head.address,
            userAgent,
            client: parseUserAgent(userAgent),
            country: countryOf(head),
            salt
          },
          head.headers["origin"],
          site
        )
        return Effect.flatMap(
          recording.store,
          (): Effect.Effect<Endpoint.Response> =>
            recording.reason === null
              ? Effect.succeed(SerializedResponse.make(204, { ...headers, [Decision.header]: "counted" }))
              : recordUncounted(recording.reason, subject)(HttpServerResponse.empty({ status: 204, headers }))
        )
      })
    }

    // Plain functions instead of a generator, because this is the hottest path: a generator step costs more than most of
    // these calls.
    const answer = (
      head: RequestHead.RequestHead,
      bytes: Uint8Array,
      gate: RateLimitCheck.RateLimitGate
    ): Effect.Effect<Endpoint.Response> => {
      const body = RequestBody.parse(bytes, head.headers["content-type"])
      if (Result.isFailure(body)) {
        return Effect.succeed(
          DecisionRecorder.withDecision(ErrorResponses.invalid(body.failure.errors, gate.limitHeaders), "invalid")
        )
      }
      const { value } = body.success
      const claim = () => DecisionRecorder.claimOf(value, "tracking-token")
      const decoded = read(value)
      if (Result.isFailure(decoded)) {
        return recordUncounted("invalid", claim())(ErrorResponses.invalid(decoded.failure, gate.limitHeaders))
      }
      const payload = decoded.success
      return gate.check(head.address, ({ accepted, headers }): Effect.Effect<Endpoint.Response> => {
        if (!accepted) return recordUncounted("limited", claim())(ErrorResponses.overLimit(headers))
        return Effect.catch(
          Effect.flatMap(
            directory.byTrackingToken(payload.site_id),
            (site): ReturnType<typeof store> =>
              Option.isSome(site)
                ? store(head, payload, site.value, headers)
                : recordUncounted("unknown-site", null)(ErrorResponses.unknownSite(headers))
          ),
          (error): Effect.Effect<Endpoint.Response> =>
            Effect.flatMap(ErrorMapping.ofStorage(error, headers), DecisionRecorder.ofStorage(recordUncounted, claim))
        )
      })
    }

    return InFlightLimit.bounded(
      RateLimitCheck.withRateLimit(checkRateLimit, answer, (_, bytes, headers) =>
        recordUncounted(
          "limited",
          DecisionRecorder.peekSiteId(bytes, "tracking-token")
        )(ErrorResponses.overLimit(headers))
      )
    )
  }
})
