/**
 * The endpoints at and below `/v1/owner/shared`, which shared dashboards use.
 *
 * @module
 */
import { Effect, Option } from "effect"
import { HttpServerRequest } from "effect/http"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../../api/OwnerApi.ts"
import * as Authentication from "../../sites/access/Authentication.ts"
import { SharedCaller } from "../../sites/access/AuthenticationApi.ts"
import { CallerLimits } from "../../sites/access/CallerLimits.ts"
import * as ConsoleSession from "../../sites/access/ConsoleSession.ts"
import { cookieOptions } from "../../sites/access/CurrentSessionHttp.ts"
import * as Errors from "../../sites/access/Errors.ts"
import * as Share from "../../sites/access/Share.ts"
import * as SharePassword from "../../sites/access/SharePassword.ts"
import * as QueryBody from "../reports/QueryBody.ts"
import * as SharedQuery from "./SharedQuery.ts"
import * as SharedReports from "./SharedReports.ts"

const otherWebsite = Errors.make("NotFound", "This dashboard shows another website. GET /v1/owner/shared names it.")

const wrongPassword = Errors.make("Forbidden", "The password is wrong. Ask the owner of this dashboard for it.")

const invalidQuery = (refused: ReadonlyArray<SharedQuery.Refusal>): Errors.ValidationFailed => ({
  _tag: "ValidationFailed",
  detail: refused.map(({ msg, path, type }) => ({ loc: ["body", ...path], msg, type })),
  headers: {}
})

export const layer = (options: Authentication.Options) =>
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
