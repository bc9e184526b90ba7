/**
 * `POST /v1/public/analytics/track`: reads a page view, counts it against the limit, finds its site, stores it, and only
 * then says so.
 *
 * @module
 */
import { Clock, Effect, Option } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { PageViewPayload } from "../contract/Analytics.ts"
import { Api } from "../contract/Api.ts"
import * as Faults from "../contract/Faults.ts"
import * as PageView from "../core/PageView.ts"
import type { RateLimitPolicy } from "../core/RateLimit.ts"
import * as UserAgent from "../core/UserAgent.ts"
import { AnalyticsRepo } from "../services/AnalyticsRepo.ts"
import { RateLimiter } from "../services/RateLimiter.ts"
import { SiteDirectory } from "../services/SiteDirectory.ts"
import { VisitorSalts } from "../services/VisitorSalts.ts"
import * as Admission from "./Admission.ts"
import * as Answers from "./Answers.ts"
import { memoize } from "./Memo.ts"
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
      const parseUserAgent = memoize(UserAgent.parse, rememberedUserAgents)

      return handlers.handleRaw(
        "track",
        ({ request }) =>
          Effect.gen(function* () {
            const { payload } = yield* RequestBody.readAs(request, readPayload)
            const admission = yield* admit(request)
            if (!admission.accepted) return Answers.overLimit(admission.headers)
            return yield* Effect.gen(function* () {
              const site = yield* directory.byTrackingToken(payload.site_id)
              if (Option.isNone(site)) return Answers.unknownSite(admission.headers)
              const userAgent = (request.headers["user-agent"] ?? "").slice(0, UserAgent.maxLength)
              yield* repo.append(
                PageView.make(payload, {
                  hostedWebsiteId: site.value.hostedWebsiteId,
                  receivedAt: yield* Clock.currentTimeMillis,
                  address: Admission.clientAddress(request),
                  userAgent,
                  client: parseUserAgent(userAgent),
                  salt: yield* salts.current
                })
              )
              return HttpServerResponse.empty({ status: 204, headers: admission.headers })
            }).pipe(Effect.catchTags(Refusals.ofStorage(admission.headers)))
          }).pipe(Effect.catchTags(Refusals.ofBody)),
        // A visitor who leaves at once must not take the page view along.
        { uninterruptible: true }
      )
    })
  )
