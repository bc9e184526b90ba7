/**
 * The endpoints of shared dashboards: for owners at `/v1/owner/sites/{site_id}/shares`, and for viewers at `/v1/owner/shared`.
 *
 * @module
 */
import { Clock, Effect, Option } from "effect"
import { HttpServerRequest } from "effect/http"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../../api/OwnerApi.ts"
import * as Authentication from "../../sites/access/Authentication.ts"
import { SharedCaller } from "../../sites/access/AuthenticationApi.ts"
import * as Authorized from "../../sites/access/Authorized.ts"
import { CallerLimits } from "../../sites/access/CallerLimits.ts"
import * as ConsoleSession from "../../sites/access/ConsoleSession.ts"
import { cookieOptions } from "../../sites/access/CurrentSessionHttp.ts"
import * as Errors from "../../sites/access/Errors.ts"
import * as Share from "../../sites/access/Share.ts"
import * as SharePassword from "../../sites/access/SharePassword.ts"
import * as QueryBody from "../reports/QueryBody.ts"
import * as SharedQuery from "./SharedQuery.ts"
import * as SharedReports from "./SharedReports.ts"

const notFound = Errors.make("NotFound", "This website has no such shared dashboard.")

export const layer = HttpApiBuilder.group(
  OwnerApi,
  "shares",
  Effect.fnUntraced(function* (handlers) {
    const shares = yield* Share.Shares
    return handlers
      .handle(
        "list",
        Effect.fnUntraced(function* () {
          const { site } = yield* Authorized.settings.read.proof
          return { shares: yield* shares.list(site.websiteConfigId) }
        })
      )
      .handle(
        "create",
        Effect.fnUntraced(function* ({ payload: { expires_at: expiresAt = null, label = null, ...options } }) {
          const { site } = yield* Authorized.settings.change.proof
          if (expiresAt !== null && expiresAt <= (yield* Clock.currentTimeMillis)) {
            return yield* Effect.fail(Errors.invalid("expires_at", "a future time is expected"))
          }
          const created = yield* shares.create(site.websiteConfigId, { ...options, label, expiresAt })
          // The website was deleted meanwhile.
          const { secret, share } = yield* Effect.fromOption(created, () => Errors.unknownSite)
          return { share_id: share.share_id, path: Share.pathOf(secret), expires_at: share.expires_at }
        })
      )
      .handle(
        "revoke",
        Effect.fnUntraced(function* ({ params }) {
          const { site } = yield* Authorized.settings.change.proof
          if (!(yield* shares.revoke(site.websiteConfigId, params.share_id))) return yield* Effect.fail(notFound)
        })
      )
  })
)

const otherWebsite = Errors.make("NotFound", "This dashboard shows another website. GET /v1/owner/shared names it.")

const wrongPassword = Errors.make("Forbidden", "The password is wrong. Ask the owner of this dashboard for it.")

const invalidQuery = (refused: ReadonlyArray<SharedQuery.Refusal>): Errors.ValidationFailed => ({
  _tag: "ValidationFailed",
  detail: refused.map(({ msg, path, type }) => ({ loc: ["body", ...path], msg, type })),
  headers: {}
})

/** What the viewers of shared dashboards use. */
export const sharedLayer = (options: Authentication.Options) =>
  HttpApiBuilder.group(
    OwnerApi,
    "shared",
    Effect.fnUntraced(function* (handlers) {
      const reports = yield* SharedReports.make
      const shares = yield* Share.Shares
      const limits = yield* CallerLimits
      return handlers
        .handle("site", () =>
          SharedCaller.useSync(({ numbers, proof: { site } }) => ({
            site_id: site.websiteConfigId,
            name: site.name,
            time_zone: site.timeZone,
            numbers
          }))
        )
        .handle(
          "unlock",
          Effect.fnUntraced(function* ({ payload: { password, secret } }) {
            if (!options.console) return yield* Effect.fail(Errors.noConsole)
            const found = Share.secret.isWellFormed(secret)
              ? yield* limits.lookUp(secret, shares.authenticate(secret))
              : Option.none()
            if (Option.isNone(found)) {
              yield* limits.countFailure
              return yield* Effect.fail(Authentication.notShared)
            }
            const { share_id } = found.value
            yield* limits.countGuess(share_id)
            const proof = yield* Effect.flatMap(
              shares.unlock(secret, password),
              Effect.fromOption(() => wrongPassword)
            )
            const { headers } = yield* HttpServerRequest.HttpServerRequest
            const isSecure = ConsoleSession.mustBeSecure({ origin: headers["origin"], host: headers["host"] })
            yield* HttpApiBuilder.securitySetCookie(
              SharePassword.cookieOf(share_id, isSecure),
              proof,
              cookieOptions(SharePassword.provenMillis, isSecure)
            )
          })
        )
        .handle(
          "query",
          Effect.fnUntraced(function* ({ payload }) {
            const request = QueryBody.requestOf(payload)
            const access = yield* SharedCaller
            if (request.siteId !== access.proof.site.websiteConfigId) return yield* Effect.fail(otherWebsite)
            const refused = SharedQuery.refuse(request, access.numbers)
            if (refused.length > 0) return yield* Effect.fail(invalidQuery(refused))
            return yield* reports.query(access, SharedQuery.limited(request))
          })
        )
        .handle("now", () => SharedCaller.use(reports.currentVisitors).pipe(Effect.map((visitors) => ({ visitors }))))
    })
  )
