/**
 * The endpoints at and below `/v1/owner/sites/{site_id}/instances/{instance_id}/tokens`.
 *
 * @module
 */
import { Clock, Effect } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../api/OwnerApi.ts"
import * as Calendar from "../platform/text/Calendar.ts"
import * as Failures from "../sites/access/Failures.ts"
import * as ListQuery from "../sites/access/ListQuery.ts"
import * as Validation from "../sites/access/Validation.ts"
import { OwnerSites } from "../sites/OwnerSites.ts"
import { OwnerTokens } from "./OwnerTokens.ts"
import type { WidgetToken } from "./WidgetToken.ts"

const toJson = (token: WidgetToken) => ({
  token_id: token.tokenId,
  label: token.label,
  created_at: Calendar.iso(token.createdAt),
  expires_at: Calendar.isoOrNull(token.expiresAt),
  revoked_at: Calendar.isoOrNull(token.revokedAt),
  token: token.token
})

export const layer = HttpApiBuilder.group(
  OwnerApi,
  "tokens",
  Effect.fnUntraced(function* (handlers) {
    const ownerSites = yield* OwnerSites
    const tokens = yield* OwnerTokens
    return handlers
      .handle("list", ({ params, query: { revoked, ...query } }) =>
        ownerSites.authorize(params.site_id, "read").pipe(
          Effect.flatMap((proof) =>
            tokens.list(proof, {
              ...ListQuery.rangeOf(query),
              instanceId: params.instance_id,
              unrevoked: revoked === "false"
            })
          ),
          Effect.map(({ items, next }) => ({ tokens: items.map(toJson), next: ListQuery.formatNext(next) })),
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
      .handle(
        "issue",
        Effect.fnUntraced(function* ({ params, payload: { expires_at: expiresAt = null, label = null } }) {
          const proof = yield* ownerSites.authorize(params.site_id, "write")
          if (expiresAt !== null && expiresAt <= (yield* Clock.currentTimeMillis)) {
            return yield* Effect.fail(Validation.invalidExpiry("a future time"))
          }
          const issued = yield* tokens.issue(proof, params.instance_id, { label, expiresAt })
          return { token_id: issued.tokenId, token: issued.token, expires_at: Calendar.isoOrNull(issued.expiresAt) }
        }, Effect.catchTags(Failures.ofCreation))
      )
      .handle("revoke", ({ params }) =>
        ownerSites.authorize(params.site_id, "write").pipe(
          Effect.flatMap((proof) => tokens.revoke(proof, params.instance_id, params.token_id)),
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
  })
)
