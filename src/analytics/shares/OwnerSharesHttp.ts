/**
 * The endpoints at and below `/v1/owner/sites/{site_id}/shares`.
 *
 * @module
 */
import { Clock, Effect } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../../api/OwnerApi.ts"
import * as Authorized from "../../sites/access/Authorized.ts"
import * as Errors from "../../sites/access/Errors.ts"
import * as Share from "../../sites/access/Share.ts"

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
