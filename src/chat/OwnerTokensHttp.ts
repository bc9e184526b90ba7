/**
 * The endpoints at and below `/v1/owner/sites/{site_id}/instances/{instance_id}/tokens`.
 *
 * @module
 */
import { Clock, Effect } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../api/OwnerApi.ts"
import * as Calendar from "../platform/text/Calendar.ts"
import * as Cursor from "../platform/text/Cursor.ts"
import * as Authorized from "../sites/access/Authorized.ts"
import * as Errors from "../sites/access/Errors.ts"
import * as ListQuery from "../sites/access/ListQuery.ts"
import { InstanceDirectory } from "./InstanceDirectory.ts"
import * as SiteInstance from "./SiteInstance.ts"
import { positionOf, type WidgetToken } from "./WidgetToken.ts"
import { WidgetTokens } from "./WidgetTokens.ts"

const toJson = (token: WidgetToken) => ({
  token_id: token.tokenId,
  label: token.label,
  created_at: Calendar.iso(token.createdAt),
  expires_at: Calendar.isoOrNull(token.expiresAt),
  revoked_at: Calendar.isoOrNull(token.revokedAt),
  token: token.token
})

const notFound = Errors.make("NotFound", "This instance has no such token.")

export const layer = HttpApiBuilder.group(
  OwnerApi,
  "tokens",
  Effect.fnUntraced(function* (handlers) {
    const requireInstance = SiteInstance.require(yield* InstanceDirectory)
    const tokens = yield* WidgetTokens
    return handlers
      .handle(
        "list",
        Effect.fnUntraced(function* ({ params: { instance_id: instanceId }, query: { revoked, ...query } }) {
          yield* requireInstance(yield* Authorized.settings.read.proof, instanceId)
          const { after, limit } = ListQuery.rangeOf(query)
          const found = yield* tokens.list({ instanceId, after, limit: limit + 1, unrevoked: revoked === "false" })
          const { items, next } = Cursor.partOf(found, limit, positionOf)
          return { tokens: items.map(toJson), next: ListQuery.formatNext(next) }
        })
      )
      .handle(
        "issue",
        Effect.fnUntraced(function* ({ params, payload: { expires_at: expiresAt = null, label = null } }) {
          const proof = yield* Authorized.settings.change.proof
          if (expiresAt !== null && expiresAt <= (yield* Clock.currentTimeMillis)) {
            return yield* Effect.fail(Errors.invalid("expires_at", "a future time is expected"))
          }
          const { instanceId } = yield* requireInstance(proof, params.instance_id)
          const issued = yield* tokens.issue({ instanceId, label, expiresAt })
          // The instance was deleted meanwhile.
          const { token, tokenId } = yield* Effect.fromOption(issued, () => notFound)
          return { token_id: tokenId, token, expires_at: Calendar.isoOrNull(expiresAt) }
        })
      )
      .handle(
        "revoke",
        Effect.fnUntraced(function* ({ params: { instance_id: instanceId, token_id: tokenId } }) {
          yield* requireInstance(yield* Authorized.settings.change.proof, instanceId)
          if (!(yield* tokens.revoke({ tokenId, instanceId }))) return yield* Effect.fail(notFound)
        })
      )
  })
)
