/**
 * The endpoints at and below `/v1/owner/keys`.
 *
 * @module
 */
import { Clock, Effect } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../../api/OwnerApi.ts"
import * as Calendar from "../../platform/text/Calendar.ts"
import * as Failures from "./Failures.ts"
import * as ListQuery from "./ListQuery.ts"
import { OwnerCredentials } from "./OwnerCredentials.ts"
import type { OwnerKey } from "./OwnerKey.ts"
import * as Validation from "./Validation.ts"

const keyJson = (key: OwnerKey) => ({
  key_id: key.keyId,
  scope: key.scope,
  sites: key.sites,
  label: key.label,
  created_at: Calendar.iso(key.createdAt),
  expires_at: Calendar.isoOrNull(key.expiresAt),
  revoked_at: Calendar.isoOrNull(key.revokedAt),
  issued_by: key.issuedBy
})

export const layer = HttpApiBuilder.group(
  OwnerApi,
  "keys",
  Effect.fnUntraced(function* (handlers) {
    const credentials = yield* OwnerCredentials
    return handlers
      .handle("keys", ({ query: { revoked, ...query } }) =>
        credentials.keys({ ...ListQuery.of(query), unrevoked: revoked === "false" }).pipe(
          Effect.map(({ items, next }) => ({ keys: items.map(keyJson), next: ListQuery.formatNext(next) })),
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
      .handle(
        "issueKey",
        Effect.fnUntraced(function* ({ payload: { expires_at: expiresAt = null, label = null, scope, sites } }) {
          if (expiresAt !== null && expiresAt <= (yield* Clock.currentTimeMillis)) {
            return yield* Effect.fail(Validation.invalidExpiry("a future time"))
          }
          const issued = yield* credentials.issueKey({ scope, sites, label, expiresAt })
          return { key_id: issued.keyId, key: issued.key, expires_at: Calendar.isoOrNull(issued.expiresAt) }
        }, Effect.catchTags(Failures.ofCreation))
      )
      .handle("revokeKey", ({ params, query }) =>
        credentials
          .revokeKey(params.key_id, { withOpened: query.with_opened === "true" })
          .pipe(Effect.catchTag("StorageUnavailable", Failures.ofStorage))
      )
  })
)
