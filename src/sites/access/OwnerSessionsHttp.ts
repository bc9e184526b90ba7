/**
 * The endpoints at and below `/v1/owner/sessions`.
 *
 * @module
 */
import { Clock, Effect } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../../api/OwnerApi.ts"
import * as Calendar from "../../platform/text/Calendar.ts"
import { Caller } from "./AuthenticationApi.ts"
import * as ConsoleSession from "./ConsoleSession.ts"
import * as Failures from "./Failures.ts"
import * as ListQuery from "./ListQuery.ts"
import { OwnerCredentials } from "./OwnerCredentials.ts"
import * as Validation from "./Validation.ts"

const sessionJson = (session: ConsoleSession.ConsoleSession, current: string | undefined) => ({
  session_id: session.sessionId,
  role: session.role,
  sites: session.sites,
  label: session.label,
  created_at: Calendar.iso(session.createdAt),
  opened_at: Calendar.isoOrNull(session.use?.openedAt ?? null),
  last_used_at: Calendar.isoOrNull(session.use?.lastUsedAt ?? null),
  ends_at: Calendar.iso(ConsoleSession.endsAt(session)),
  created_by: session.createdBy,
  current: session.sessionId === current
})

export const layer = HttpApiBuilder.group(
  OwnerApi,
  "sessions",
  Effect.fnUntraced(function* (handlers) {
    const credentials = yield* OwnerCredentials
    return handlers
      .handle(
        "sessions",
        Effect.fnUntraced(
          function* ({ query }) {
            const { session } = yield* Caller
            const { items, next } = yield* credentials.sessions(ListQuery.of(query))
            return {
              can_mail: credentials.canMail,
              sessions: items.map((each) => sessionJson(each, session?.sessionId)),
              next: ListQuery.formatNext(next)
            }
          },
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
      .handle(
        "createLink",
        Effect.fnUntraced(function* ({ payload: { email = null, expires_at: wanted, label = null, role, sites } }) {
          const now = yield* Clock.currentTimeMillis
          const linkExpiresAt = wanted ?? now + Calendar.hourMillis
          if (linkExpiresAt <= now || linkExpiresAt > now + ConsoleSession.limits.link) {
            return yield* Effect.fail(Validation.invalidExpiry("a future time within a week"))
          }
          const request = { role, sites, label, linkExpiresAt }
          const { isMailed, link, session } = yield* credentials.createLink(request, email)
          return {
            session_id: session.sessionId,
            path: isMailed ? null : ConsoleSession.pathOf(link),
            mailed: isMailed,
            expires_at: Calendar.iso(session.linkExpiresAt)
          }
        }, Effect.catchTags(Failures.ofCreation))
      )
      .handle("revokeSession", ({ params, query }) =>
        credentials
          .revokeSession(params.session_id, { withOpened: query.with_opened === "true" })
          .pipe(Effect.catchTag("StorageUnavailable", Failures.ofStorage))
      )
  })
)
