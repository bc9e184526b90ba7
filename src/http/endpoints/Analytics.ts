/**
 * `POST /v1/public/analytics/track`: reads a page view, counts it against the limit, finds its site, stores it, and only
 * then says so.
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

/** How many parsed user agents are remembered: visitors have few, and parsing one costs more than the rest of a view. */
const rememberedUserAgents = 5_000

/** The same for referrers, and for origins: of those that are no longer than so many UTF-16 units. */
const rememberedAddresses = 1_000
const rememberedAddress = 512

/** The function, with its results for addresses kept; what depends on more than the address is not among them. */
const memoizeAddress = <A>(compute: (address: string) => A): ((address: string) => A) => {
  const remembered = memoize(compute, rememberedAddresses)
  return (address) => (address.length <= rememberedAddress ? remembered(address) : compute(address))
}

/** What answers a page view whose body was read. */
export class TrackHandler extends Context.Service<TrackHandler, Endpoint.Endpoint>()("hydracore/http/Track") {}

export interface Options {
  readonly rateLimit: Option.Option<RateLimitPolicy>
}

/** The endpoint without a server. */
export const endpoint = (options: Options) =>
  Layer.effect(
    TrackHandler,
    Effect.gen(function* () {
      const admit = RateLimitCheck.make(yield* RateLimiter, options.rateLimit)
      const directory = yield* SiteDirectory
      const salts = yield* VisitorSalts
      const repo = yield* AnalyticsRepo
      const notCounted = DecisionRecorder.make(yield* Decisions)
      const clock = yield* Clock.Clock
      const parseUserAgent = memoize(UserAgent.parse, rememberedUserAgents)
      const splitReferrer = memoizeAddress(PageView.splitReferrer)
      const canonicalOrigin = memoizeAddress(Origin.canonical)
      /** A view without a referrer looks nothing up. */
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
        asked: RequestHead.RequestHead,
        payload: PageViewPayload,
        site: Site,
        headers: RateLimitCheck.LimitHeaders
      ): Effect.Effect<Endpoint.Response, StorageUnavailable | RecordRefused> => {
        const subject = { _tag: "Known", websiteConfigId: site.websiteConfigId } as const
        if (!OriginCheck.isAllowed(asked, site.origins)) {
          return notCounted("foreign-origin", subject)(ErrorResponses.foreignOrigin("website", headers))
        }
        const userAgent = UserAgent.read(asked.headers["user-agent"])
        const client = parseUserAgent(userAgent)
        const view = (salt: Uint8Array, receivedAt: number) =>
          PageView.make(payload, {
            hostedWebsiteId: site.hostedWebsiteId,
            receivedAt,
            address: asked.address,
            userAgent,
            client,
            referrer: referrerOf(payload.referrer, asked.headers["origin"], site),
            salt
          })
        return Effect.flatMap(salts.current, (salt) =>
          Effect.flatMap(
            repo.append(view(salt, clock.currentTimeMillisUnsafe())),
            (): Effect.Effect<Endpoint.Response> =>
              client.isBot
                ? notCounted("bot", subject)(HttpServerResponse.empty({ status: 204, headers }))
                : Effect.succeed(SerializedResponse.make(204, { ...headers, [Decision.header]: "counted" }))
          )
        )
      }

      // Plain functions in a row, for this is where a process spends its time: a generator's every step costs more than
      // most of what stands here.
      const answer = (
        asked: RequestHead.RequestHead,
        bytes: Uint8Array,
        gate: RateLimitCheck.RateLimitGate
      ): Effect.Effect<Endpoint.Response> => {
        const body = RequestBody.parse(bytes, asked.headers["content-type"])
        if (Result.isFailure(body)) {
          return Effect.succeed(
            DecisionRecorder.withDecision(ErrorResponses.invalid(body.failure.errors, gate.limitHeaders), "invalid")
          )
        }
        const { value } = body.success
        const claim = () => DecisionRecorder.claimOf(value, "tracking-token")
        const decoded = readPayload(value)
        if (Result.isFailure(decoded))
          return notCounted("invalid", claim())(ErrorResponses.invalid(decoded.failure, gate.limitHeaders))
        const payload = decoded.success
        return gate.check(asked.address, ({ accepted, headers }): Effect.Effect<Endpoint.Response> => {
          if (!accepted) return notCounted("limited", claim())(ErrorResponses.overLimit(headers))
          return Effect.catch(
            Effect.flatMap(
              directory.byTrackingToken(payload.site_id),
              (site): ReturnType<typeof store> =>
                Option.isSome(site)
                  ? store(asked, payload, site.value, headers)
                  : notCounted("unknown-site", null)(ErrorResponses.unknownSite(headers))
            ),
            (error): Effect.Effect<Endpoint.Response> =>
              Effect.flatMap(ErrorMapping.ofStorage(error, headers), DecisionRecorder.ofStorage(notCounted, claim))
          )
        })
      }

      return InFlightLimit.bounded(
        RateLimitCheck.withRateLimit(admit, answer, (_, bytes, headers) =>
          notCounted("limited", DecisionRecorder.peekSiteId(bytes, "tracking-token"))(ErrorResponses.overLimit(headers))
        )
      )
    })
  )

/** The endpoint as a group of the contract's; over `endpoint`. */
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
      // A visitor who leaves at once must not take the page view along.
      { uninterruptible: true }
    )
  })
)

/** The group on an endpoint of its own. */
export const layer = (options: Options) => Layer.provide(group, endpoint(options))
