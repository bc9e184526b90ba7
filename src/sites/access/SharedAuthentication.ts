/**
 * Authenticates requests of shared dashboards by the secret of a share. A share gives access to the statistics of one website
 * only.
 *
 * @module
 */
import { Effect, Layer, Option, Redacted } from "effect"
import { HttpServerRequest } from "effect/http"
import { SiteDirectory } from "../SiteDirectory.ts"
import * as Access from "./Access.ts"
import type { Options } from "./Authentication.ts"
import { SharedAuthentication, SharedCaller } from "./AuthenticationApi.ts"
import { addOwnerHeaders, CallerLimits } from "./CallerLimits.ts"
import * as Errors from "./Errors.ts"
import * as Failures from "./Failures.ts"
import * as Scope from "./Scope.ts"
import * as Share from "./Share.ts"
import * as ShareCookie from "./ShareCookie.ts"
import { withJsonErrors } from "./Validation.ts"

type Unauthorized = (typeof Errors.Unauthorized)["Type"]

/** Does not reveal why the secret is not valid. */
export const unauthorized: Unauthorized = {
  _tag: "Unauthorized",
  detail: "This dashboard is no longer shared, or its address is incomplete. Ask its owner for another address.",
  headers: {}
}

const locked = Errors.make(
  "Forbidden",
  "This dashboard has a password. POST /v1/owner/shared/password takes it, and sets a cookie for further requests."
)

export const layer = (options: Options) =>
  Layer.effect(
    SharedAuthentication,
    Effect.gen(function* () {
      const shares = yield* Share.Shares
      const directory = yield* SiteDirectory
      const limits = yield* CallerLimits

      /** The share of a secret, with the proof for its website. */
      const access = Effect.fnUntraced(function* (secret: string) {
        const share = Option.getOrUndefined(yield* shares.authenticate(secret))
        if (share === undefined) return Option.none()
        const site = yield* directory.byWebsiteConfigId(share.site_id)
        const access = [{ grants: Scope.grants.stats, sites: [share.site_id] }]
        const proof = Option.flatMap(site, (found) => Access.permit(access, "stats", "read", found))
        return Option.map(proof, (proof) => ({ proof, share }))
      })

      return {
        shareSecret: Effect.fnUntraced(function* (handler, { credential }) {
          yield* addOwnerHeaders
          if (!options.console) return yield* Effect.fail(Errors.noConsole)
          const secret = Redacted.value(credential)
          const found = Share.secret.isWellFormed(secret)
            ? yield* limits
                .lookUp(secret, access(secret))
                .pipe(Effect.catchTag("StorageUnavailable", Failures.ofStorage))
            : Option.none()
          if (Option.isNone(found)) {
            yield* limits.countFailure
            return yield* Effect.fail(unauthorized)
          }
          // By address: a share has many readers, and one of them must not use up the limit of the others.
          yield* limits.countShared
          const { proof, share } = found.value
          const { cookies } = yield* HttpServerRequest.HttpServerRequest
          const given = ShareCookie.of(share.share_id, cookies)
          if (
            share.has_password &&
            !(yield* shares.isUnlocked(secret, given).pipe(Effect.catchTag("StorageUnavailable", Failures.ofStorage)))
          ) {
            return yield* Effect.fail(locked)
          }
          const caller = { proof, numbers: share.numbers }
          return yield* Effect.map(Effect.provideService(handler, SharedCaller, caller), withJsonErrors)
        })
      }
    })
  )
