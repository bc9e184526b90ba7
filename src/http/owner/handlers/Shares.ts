/**
 * The endpoints at and below `/v1/owner/sites/{site_id}/shares`.
 *
 * @module
 */
import { Clock, Effect } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../../../contract/owner/Api.ts"
import * as Share from "../../../core/sites/Share.ts"
import * as Calendar from "../../../core/text/Calendar.ts"
import { OwnerShares } from "../access/OwnerShares.ts"
import { OwnerSites } from "../access/OwnerSites.ts"
import * as Failures from "../Failures.ts"
import * as Validation from "../Validation.ts"

export const layer = HttpApiBuilder.group(
  OwnerApi,
  "shares",
  Effect.fnUntraced(function* (handlers) {
    const ownerSites = yield* OwnerSites
    const shares = yield* OwnerShares
    return handlers
      .handle("list", ({ params }) =>
        ownerSites.authorize(params.site_id, "read").pipe(
          Effect.flatMap(shares.list),
          Effect.map((listed) => ({
            shares: listed.map((share) => ({
              share_id: share.shareId,
              label: share.label,
              created_at: Calendar.iso(share.createdAt),
              expires_at: Calendar.isoOrNull(share.expiresAt)
            }))
          })),
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
      .handle(
        "create",
        Effect.fnUntraced(function* ({ params, payload: { expires_at: expiresAt = null, label = null } }) {
          const proof = yield* ownerSites.authorize(params.site_id, "write")
          if (expiresAt !== null && expiresAt <= (yield* Clock.currentTimeMillis)) {
            return yield* Effect.fail(Validation.invalidExpiry("a future time"))
          }
          const { secret, share } = yield* shares.create(proof, { label, expiresAt })
          return {
            share_id: share.shareId,
            path: Share.pathOf(secret),
            expires_at: Calendar.isoOrNull(share.expiresAt)
          }
        }, Effect.catchTags(Failures.ofCreation))
      )
      .handle("revoke", ({ params }) =>
        ownerSites.authorize(params.site_id, "write").pipe(
          Effect.flatMap((proof) => shares.revoke(proof, params.share_id)),
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
  })
)
