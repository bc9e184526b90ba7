/**
 * `POST /v1/public/analytics/track`: reads a page view, counts it against the limit, finds its site, stores it, and only
 * then says so.
 *
 * @module
 */
import { Clock, Effect, Option, Result } from "effect"
import { type HttpServerRequest, HttpServerResponse } from "effect/http"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { PageViewPayload } from "../contract/Analytics.ts"
import { Api } from "../contract/Api.ts"
import * as Faults from "../contract/Faults.ts"
import * as PageView from "../core/PageView.ts"
import type { RateLimitPolicy } from "../core/RateLimit.ts"
import * as UserAgent from "../core/UserAgent.ts"
import { AnalyticsRepo } from "../services/AnalyticsRepo.ts"
import { Decisions } from "../services/Decisions.ts"
import { RateLimiter } from "../services/RateLimiter.ts"
import { SiteDirectory } from "../services/SiteDirectory.ts"
import { VisitorSalts } from "../services/VisitorSalts.ts"
import * as Admission from "./Admission.ts"
import * as Answers from "./Answers.ts"
import * as Decide from "./Decide.ts"
import { memoize } from "./Memo.ts"
import * as Provenance from "./Provenance.ts"
import * as Refusals from "./Refusals.ts"
import * as RequestBody from "./RequestBody.ts"

const readPayload = Faults.bodyReader(PageViewPayload)

/** How many parsed user agents are remembered: visitors have few, and parsing one costs more than the rest of a view. */
const rememberedUserAgents = 5_000

export const layer = (options: { readonly rateLimit: Option.Option<RateLimitPolicy> }) =>
  HttpApiBuilder.group(
    Api,
    "analytics",
    Effect.fnUntraced(function* (handlers) {
      const admit = Admission.make(yield* RateLimiter, options.rateLimit)
      const directory = yield* SiteDirectory
      const salts = yield* VisitorSalts
      const repo = yield* AnalyticsRepo
      const notCounted = Decide.make(yield* Decisions)
      const parseUserAgent = memoize(UserAgent.parse, rememberedUserAgents)

      const track = Effect.fnUntraced(function* (
        request: HttpServerRequest.HttpServerRequest,
        { value }: RequestBody.Body
      ) {
        const claim = () => Decide.claimOf(value, "tracking-token")
        const decoded = readPayload(value)
        if (Result.isFailure(decoded)) return yield* notCounted("invalid", claim())(Answers.invalid(decoded.failure))
        const payload = decoded.success
        const { accepted, headers } = yield* admit(request)
        if (!accepted) return yield* notCounted("limited", claim())(Answers.overLimit(headers))

        return yield* Effect.gen(function* () {
          const found = yield* directory.byTrackingToken(payload.site_id)
          if (Option.isNone(found)) return yield* notCounted("unknown-site", null)(Answers.unknownSite(headers))
          const site = found.value
          const subject = { _tag: "Known", websiteConfigId: site.websiteConfigId } as const
          if (!Provenance.isAllowed(request, site.origins)) {
            return yield* notCounted("foreign-origin", subject)(Answers.foreignOrigin("website", headers))
          }
          const userAgent = (request.headers["user-agent"] ?? "").slice(0, UserAgent.maxLength)
          const client = parseUserAgent(userAgent)
          yield* repo.append(
            PageView.make(payload, {
              hostedWebsiteId: site.hostedWebsiteId,
              receivedAt: yield* Clock.currentTimeMillis,
              address: Admission.clientAddress(request),
              userAgent,
              client,
              salt: yield* salts.current
            })
          )
          const answer = HttpServerResponse.empty({ status: 204, headers })
          return client.isBot ? yield* notCounted("bot", subject)(answer) : Decide.tell(answer, "counted")
        }).pipe(Effect.catchTags(Refusals.ofStorage(headers)), Effect.flatMap(Decide.ofStorage(notCounted, claim)))
      })

      return handlers.handleRaw(
        "track",
        ({ request }) =>
          Effect.flatMap(RequestBody.read(request), (body) => track(request, body)).pipe(
            Effect.catchTags(Refusals.ofBody),
            Effect.map(Decide.orInvalid)
          ),
        // A visitor who leaves at once must not take the page view along.
        { uninterruptible: true }
      )
    })
  )
