/**
 * The endpoints at and below `/v1/owner/keys`. A caller manages the keys that reach no website but the caller's own.
 *
 * @module
 */
import { Clock, Effect } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../../api/OwnerApi.ts"
import * as Calendar from "../../platform/text/Calendar.ts"
import * as Cursor from "../../platform/text/Cursor.ts"
import * as Access from "./Access.ts"
import { Caller } from "./AuthenticationApi.ts"
import * as Errors from "./Errors.ts"
import * as ListQuery from "./ListQuery.ts"
import * as OwnerKey from "./OwnerKey.ts"

export const layer = HttpApiBuilder.group(
  OwnerApi,
  "keys",
  Effect.fnUntraced(function* (handlers) {
    const keys = yield* OwnerKey.OwnerKeys
    return handlers
      .handle(
        "keys",
        Effect.fnUntraced(function* ({ query: { revoked, ...query } }) {
          const sites = Access.sitesWith((yield* Caller).access, "admin", "change")
          const range = { ...ListQuery.of(query), sites, unrevoked: revoked === "false" }
          const found = yield* keys.list({ ...range, limit: range.limit + 1 })
          const { items, next } = Cursor.partOf(found, range.limit, OwnerKey.positionOf)
          return { keys: items, next: ListQuery.formatNext(next) }
        })
      )
      .handle(
        "issueKey",
        Effect.fnUntraced(function* ({ payload: { expires_at: expiresAt = null, label = null, scope, sites } }) {
          const caller = yield* Caller
          if (expiresAt !== null && expiresAt <= (yield* Clock.currentTimeMillis)) {
            return yield* Effect.fail(Errors.invalid("expires_at", "a future time is expected"))
          }
          if (!Access.manages(caller.access, OwnerKey.accessOf({ scope, sites })))
            return yield* Effect.fail(Errors.unmanaged)
          if (caller.expiresAt !== null && OwnerKey.outlives(expiresAt, caller.expiresAt)) {
            const end = Calendar.iso(caller.expiresAt)
            return yield* Effect.fail(
              Errors.invalid("expires_at", `a time until ${end}, when the key of this request expires, is expected`)
            )
          }
          const issued = yield* keys.issue({
            scope,
            sites,
            label,
            expiresAt,
            ...(caller.kind !== "operator" && { issuedBy: caller.id }),
            callerSites: Access.sitesWith(caller.access, "admin", "change")
          })
          return yield* Effect.fromOption(issued, () => Errors.unmanaged)
        })
      )
      .handle(
        "revokeKey",
        Effect.fnUntraced(function* ({ params, query }) {
          const sites = Access.sitesWith((yield* Caller).access, "admin", "change")
          const options = { withOpened: query.with_opened === "true", callerSites: sites }
          const revoked = yield* keys.revoke(params.key_id, options)
          return { remaining: yield* Effect.fromOption(revoked, () => Errors.unmanaged) }
        })
      )
  })
)
