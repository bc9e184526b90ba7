/**
 * `POST /v1/public/analytics/track`: reads a page view, counts it against the limit, finds its site, stores it, and only
 * then says so.
 *
 * @module
 */
import { Clock, Context, Effect, Layer, Option, Result } from "effect"
import { HttpServerResponse } from "effect/http"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { PageViewPayload } from "../contract/Analytics.ts"
import { Api } from "../contract/Api.ts"
import * as Faults from "../contract/Faults.ts"
import * as Decision from "../core/Decision.ts"
import { memoize } from "../core/Memo.ts"
import * as Origin from "../core/Origin.ts"
import * as PageView from "../core/PageView.ts"
import type { RateLimitPolicy } from "../core/RateLimit.ts"
import type { Site } from "../core/Site.ts"
import * as UserAgent from "../core/UserAgent.ts"
import { AnalyticsRepo } from "../services/AnalyticsRepo.ts"
import { Decisions } from "../services/Decisions.ts"
import { RateLimiter } from "../services/RateLimiter.ts"
import { SiteDirectory } from "../services/SiteDirectory.ts"
import type { RecordRefused, StorageUnavailable } from "../services/Storage.ts"
import { VisitorSalts } from "../services/VisitorSalts.ts"
import * as Admission from "./Admission.ts"
import * as Answers from "./Answers.ts"
import * as Decide from "./Decide.ts"
import * as Endpoint from "./Endpoint.ts"
import * as Provenance from "./Provenance.ts"
import * as Refusals from "./Refusals.ts"
import * as RequestBody from "./RequestBody.ts"
import * as Room from "./Room.ts"

const readPayload = Faults.bodyReader(PageViewPayload)

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
export class Track extends Context.Service<Track, Endpoint.Endpoint>()("hydracore/http/Track") {}

export interface Options {
  readonly rateLimit: Option.Option<RateLimitPolicy>
}

/** The endpoint without a server. */
export const endpoint = (options: Options) =>
  Layer.effect(
    Track,
    Effect.gen(function* () {
      const admit = Admission.make(yield* RateLimiter, options.rateLimit)
      const directory = yield* SiteDirectory
      const salts = yield* VisitorSalts
      const repo = yield* AnalyticsRepo
      const notCounted = Decide.make(yield* Decisions)
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
        asked: Endpoint.Asked,
        payload: PageViewPayload,
        site: Site,
        headers: Admission.Headers
      ): Effect.Effect<Endpoint.Answer, StorageUnavailable | RecordRefused> => {
        const subject = { _tag: "Known", websiteConfigId: site.websiteConfigId } as const
        if (!Provenance.isAllowed(asked, site.origins)) {
          return notCounted("foreign-origin", subject)(Answers.foreignOrigin("website", headers))
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
            (): Effect.Effect<Endpoint.Answer> =>
              client.isBot
                ? notCounted("bot", subject)(HttpServerResponse.empty({ status: 204, headers }))
                : Effect.succeed(Endpoint.brief(204, { ...headers, [Decision.header]: "counted" }))
          )
        )
      }

      // Plain functions in a row, for this is where a process spends its time: a generator's every step costs more than
      // most of what stands here.
      const answer = (
        asked: Endpoint.Asked,
        bytes: Uint8Array,
        gate: Admission.Gate
      ): Effect.Effect<Endpoint.Answer> => {
        const body = RequestBody.parse(bytes, asked.headers["content-type"])
        if (Result.isFailure(body)) {
          return Effect.succeed(Decide.tell(Answers.invalid(body.failure.errors, gate.told), "invalid"))
        }
        const { value } = body.success
        const claim = () => Decide.claimOf(value, "tracking-token")
        const decoded = readPayload(value)
        if (Result.isFailure(decoded))
          return notCounted("invalid", claim())(Answers.invalid(decoded.failure, gate.told))
        const payload = decoded.success
        return gate.admit(asked.address, ({ accepted, headers }): Effect.Effect<Endpoint.Answer> => {
          if (!accepted) return notCounted("limited", claim())(Answers.overLimit(headers))
          return Effect.catch(
            Effect.flatMap(
              directory.byTrackingToken(payload.site_id),
              (site): ReturnType<typeof store> =>
                Option.isSome(site)
                  ? store(asked, payload, site.value, headers)
                  : notCounted("unknown-site", null)(Answers.unknownSite(headers))
            ),
            (error): Effect.Effect<Endpoint.Answer> =>
              Effect.flatMap(Refusals.ofStorage(error, headers), Decide.ofStorage(notCounted, claim))
          )
        })
      }

      return Room.bounded(
        Admission.gated(admit, answer, (_, bytes, headers) =>
          notCounted("limited", Decide.claimAtOnce(bytes, "tracking-token"))(Answers.overLimit(headers))
        )
      )
    })
  )

/** The endpoint as a group of the contract's; over `endpoint`. */
export const group = HttpApiBuilder.group(
  Api,
  "analytics",
  Effect.fnUntraced(function* (handlers) {
    const track = yield* Track
    return handlers.handleRaw(
      "track",
      ({ request }) =>
        Effect.flatMap(RequestBody.readBytes(request), (bytes) => track(Endpoint.fromRequest(request), bytes)).pipe(
          Effect.catchTags(Refusals.ofBytes),
          Effect.map((answer) => Decide.byStatus(Endpoint.toResponse(answer)))
        ),
      // A visitor who leaves at once must not take the page view along.
      { uninterruptible: true }
    )
  })
)

/** The group on an endpoint of its own. */
export const layer = (options: Options) => Layer.provide(group, endpoint(options))
