/**
 * The endpoints at and below `/v1/owner/sites/{site_id}/shares`.
 *
 * @module
 */
import { Clock, Effect } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../../api/OwnerApi.ts"
import * as Calendar from "../../platform/text/Calendar.ts"
import * as Failures from "../../sites/access/Failures.ts"
import * as Share from "../../sites/access/Share.ts"
import * as Validation from "../../sites/access/Validation.ts"
import { OwnerSites } from "../../sites/OwnerSites.ts"
import { OwnerShares } from "./OwnerShares.ts"

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
