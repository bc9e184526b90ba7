/**
 * `POST /v1/public/analytics/track`: parses a page view, checks the rate limit, finds its site and stores it. The response
 * is sent after the commit.
 *
 * @module
 */
import { Clock, Context, Effect, Layer, Option, Result } from "effect"
import { HttpServerResponse } from "effect/http"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { PageViewPayload } from "../../contract/Analytics.ts"
import { Api } from "../../contract/Api.ts"
import * as BodyReader from "../../contract/BodyReader.ts"
import * as PageView from "../../core/analytics/PageView.ts"
import * as UserAgent from "../../core/analytics/UserAgent.ts"
import { memoize } from "../../core/data/Memo.ts"
import type { RateLimitPolicy } from "../../core/limits/RateLimit.ts"
import * as Decision from "../../core/sites/Decision.ts"
import * as Origin from "../../core/sites/Origin.ts"
import type { Site } from "../../core/sites/Site.ts"
import { AnalyticsRepo } from "../../services/analytics/AnalyticsRepo.ts"
import { VisitorSalts } from "../../services/analytics/VisitorSalts.ts"
import { RateLimiter } from "../../services/RateLimiter.ts"
import type { RecordRefused, StorageUnavailable } from "../../services/Storage.ts"
import { Decisions } from "../../services/sites/Decisions.ts"
import { SiteDirectory } from "../../services/sites/SiteDirectory.ts"
import * as RequestBody from "../server/RequestBody.ts"
import * as DecisionRecorder from "./DecisionRecorder.ts"
import * as Endpoint from "./Endpoint.ts"
import * as ErrorMapping from "./ErrorMapping.ts"
import * as ErrorResponses from "./ErrorResponses.ts"
import * as InFlightLimit from "./InFlightLimit.ts"
import * as OriginCheck from "./OriginCheck.ts"
import * as RateLimitCheck from "./RateLimitCheck.ts"
import * as RequestHead from "./RequestHead.ts"
import * as SerializedResponse from "./SerializedResponse.ts"

const readPayload = BodyReader.make(PageViewPayload)

/** The number of cached user agents: visitors have few, and parsing one costs more than the rest of a page view. */
const maxCachedUserAgents = 5_000

/** The number of cached referrers, and of cached origins. */
const maxCachedAddresses = 1_000

/** Longer addresses are not cached. In UTF-16 code units. */
const maxCachedAddressLength = 512

/** Caches the results of `compute`, which must depend on the address alone. */
const memoizeAddress = <A>(compute: (address: string) => A): ((address: string) => A) => {
  const cached = memoize(compute, maxCachedAddresses)
  return (address) => (address.length <= maxCachedAddressLength ? cached(address) : compute(address))
}

/** Answers a page view whose body has been read. */
export class TrackHandler extends Context.Service<TrackHandler, Endpoint.Endpoint>()("hydracore/http/Track") {}

export interface Options {
  readonly rateLimit: Option.Option<RateLimitPolicy>
}

/** The endpoint without a server. */
export const endpoint = (options: Options) =>
  Layer.effect(
    TrackHandler,
    Effect.gen(function* () {
      const checkRateLimit = RateLimitCheck.make(yield* RateLimiter, options.rateLimit)
      const directory = yield* SiteDirectory
      const salts = yield* VisitorSalts
      const repo = yield* AnalyticsRepo
      const recordRejection = DecisionRecorder.make(yield* Decisions)
      const clock = yield* Clock.Clock
      const parseUserAgent = memoize(UserAgent.parse, maxCachedUserAgents)
      const splitReferrer = memoizeAddress(PageView.splitReferrer)
      const canonicalOrigin = memoizeAddress(Origin.canonical)
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

      const store = (
        head: RequestHead.RequestHead,
        payload: PageViewPayload,
        site: Site,
        headers: RateLimitCheck.LimitHeaders
      ): Effect.Effect<Endpoint.Response, StorageUnavailable | RecordRefused> => {
        const subject = { _tag: "Known", websiteConfigId: site.websiteConfigId } as const
        if (!OriginCheck.isAllowed(head, site.origins)) {
          return recordRejection("foreign-origin", subject)(ErrorResponses.foreignOrigin("website", headers))
        }
        const userAgent = UserAgent.read(head.headers["user-agent"])
        const client = parseUserAgent(userAgent)
        const view = (salt: Uint8Array, receivedAt: number) =>
          PageView.make(payload, {
            hostedWebsiteId: site.hostedWebsiteId,
            receivedAt,
            address: head.address,
            userAgent,
            client,
            referrer: referrerOf(payload.referrer, head.headers["origin"], site),
            salt
          })
        return Effect.flatMap(salts.current, (salt) =>
          Effect.flatMap(
            repo.append(view(salt, clock.currentTimeMillisUnsafe())),
            (): Effect.Effect<Endpoint.Response> =>
              client.isBot
                ? recordRejection("bot", subject)(HttpServerResponse.empty({ status: 204, headers }))
                : Effect.succeed(SerializedResponse.make(204, { ...headers, [Decision.header]: "counted" }))
          )
        )
      }

      // Plain functions instead of a generator, because this is the hottest path: a generator step costs more than most
      // of these calls.
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
        const decoded = readPayload(value)
        if (Result.isFailure(decoded))
          return recordRejection("invalid", claim())(ErrorResponses.invalid(decoded.failure, gate.limitHeaders))
        const payload = decoded.success
        return gate.check(head.address, ({ accepted, headers }): Effect.Effect<Endpoint.Response> => {
          if (!accepted) return recordRejection("limited", claim())(ErrorResponses.overLimit(headers))
          return Effect.catch(
            Effect.flatMap(
              directory.byTrackingToken(payload.site_id),
              (site): ReturnType<typeof store> =>
                Option.isSome(site)
                  ? store(head, payload, site.value, headers)
                  : recordRejection("unknown-site", null)(ErrorResponses.unknownSite(headers))
            ),
            (error): Effect.Effect<Endpoint.Response> =>
              Effect.flatMap(ErrorMapping.ofStorage(error, headers), DecisionRecorder.ofStorage(recordRejection, claim))
          )
        })
      }

      return InFlightLimit.bounded(
        RateLimitCheck.withRateLimit(checkRateLimit, answer, (_, bytes, headers) =>
          recordRejection(
            "limited",
            DecisionRecorder.peekSiteId(bytes, "tracking-token")
          )(ErrorResponses.overLimit(headers))
        )
      )
    })
  )

/** The contract's group, as served by the router; requires `endpoint`. */
export const group = HttpApiBuilder.group(
  Api,
  "analytics",
  Effect.fnUntraced(function* (handlers) {
    const track = yield* TrackHandler
    return handlers.handleRaw(
      "track",
      ({ request }) =>
        Effect.flatMap(RequestBody.readBytes(request), (bytes) => track(RequestHead.fromRequest(request), bytes)).pipe(
          Effect.catchTags(ErrorMapping.ofBytes),
          Effect.map((answer) => DecisionRecorder.byStatus(Endpoint.toHttpServerResponse(answer)))
        ),
      // A visitor who leaves the page at once must not cancel the page view.
      { uninterruptible: true }
    )
  })
)

/** `group` with its `endpoint`. */
export const layer = (options: Options) => Layer.provide(group, endpoint(options))
