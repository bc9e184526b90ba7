/**
 * The endpoints at and below `/v1/owner/sites/{site_id}/instances/{instance_id}/tokens`.
 *
 * @module
 */
import { Clock, Effect } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../api/OwnerApi.ts"
import type { InstanceId, TokenId } from "../platform/Id.ts"
import * as Cursor from "../platform/text/Cursor.ts"
import * as Authorized from "../sites/access/Authorized.ts"
import * as Errors from "../sites/access/Errors.ts"
import * as Fields from "../sites/access/Fields.ts"
import { InstanceDirectory, instanceNotFound, type Reach, requireInstance } from "./InstanceDirectory.ts"
import type { NewToken, Query } from "./OwnerTokensApi.ts"
import { positionOf } from "./WidgetToken.ts"
import { WidgetTokens } from "./WidgetTokens.ts"

const notFound = Errors.make("NotFound", "This instance has no such token.")

/** The operations on tokens within reach of a caller. */
export const make = Effect.gen(function* () {
  const requireOne = requireInstance(yield* InstanceDirectory)
  const tokens = yield* WidgetTokens
  return {
    list: Effect.fnUntraced(function* (reach: Reach, instanceId: InstanceId, { revoked, ...query }: Query) {
      const { after, limit } = Fields.rangeOf(query)
      const unrevoked = revoked === "false"
      const found = yield* tokens.list({ reach, instanceId, after, limit: limit + 1, unrevoked })
      if (found.length === 0) yield* requireOne(reach, instanceId)
      const { items, next } = Cursor.partOf(found, limit, positionOf)
      return { tokens: items, next: Fields.formatNext(next) }
    }),
    issue: Effect.fnUntraced(function* (reach: Reach, instanceId: InstanceId, payload: (typeof NewToken)["Type"]) {
      const { expires_at: expiresAt = null, label = null } = payload
      if (expiresAt !== null && expiresAt <= (yield* Clock.currentTimeMillis)) {
        return yield* Effect.fail(Errors.invalid("expires_at", "a future time is expected"))
      }
      const issued = yield* tokens.issue({ reach, instanceId, label, expiresAt })
      const { expires_at, token, token_id } = yield* Effect.fromOption(issued, () => instanceNotFound)
      return { token_id, token, expires_at }
    }),
    revoke: Effect.fnUntraced(function* (reach: Reach, instanceId: InstanceId | null, tokenId: TokenId) {
      if (!(yield* tokens.revoke({ reach, instanceId, tokenId }))) return yield* Effect.fail(notFound)
    })
  }
})

export const layer = HttpApiBuilder.group(
  OwnerApi,
  "tokens",
  Effect.fnUntraced(function* (handlers) {
    const tokens = yield* make
    return handlers
      .handle(
        "list",
        Effect.fnUntraced(function* ({ params, query }) {
          const { site } = yield* Authorized.settings.read.proof
          return yield* tokens.list(site.websiteConfigId, params.instance_id, query)
        })
      )
      .handle(
        "issue",
        Effect.fnUntraced(function* ({ params, payload }) {
          const { site } = yield* Authorized.settings.change.proof
          return yield* tokens.issue(site.websiteConfigId, params.instance_id, payload)
        })
      )
      .handle(
        "revoke",
        Effect.fnUntraced(function* ({ params }) {
          const { site } = yield* Authorized.settings.change.proof
          yield* tokens.revoke(site.websiteConfigId, params.instance_id, params.token_id)
        })
      )
  })
)
