/**
 * The endpoints at and below `/v1/owner/sessions`.
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
import * as ConsoleSession from "./ConsoleSession.ts"
import * as Errors from "./Errors.ts"
import * as ListQuery from "./ListQuery.ts"
import * as MailedLink from "./MailedLink.ts"
import * as Role from "./Role.ts"

const withExpiry = Errors.invalid(
  null,
  "the key of this request expires, and a session could outlast it; use a key that does not expire"
)

/** How long the link of an invitation that is sent again can be opened. */
const mailedAgain = 3 * Calendar.dayMillis

export const layer = HttpApiBuilder.group(
  OwnerApi,
  "sessions",
  Effect.fnUntraced(function* (handlers) {
    const sessions = yield* ConsoleSession.ConsoleSessions
    const links = yield* MailedLink.make
    return handlers
      .handle(
        "sessions",
        Effect.fnUntraced(function* ({ query }) {
          const { access, session } = yield* Caller
          const sites = Access.sitesWith(access, "admin", "change")
          const range = { ...ListQuery.of(query), sites }
          const found = yield* sessions.list({ ...range, limit: range.limit + 1 })
          const { items, next } = Cursor.partOf(found, range.limit, ConsoleSession.positionOf)
          return {
            can_mail: links.canMail,
            sessions: items.map((each) => ({ ...each, current: each.session_id === session?.session_id })),
            next: ListQuery.formatNext(next)
          }
        })
      )
      .handle(
        "createLink",
        Effect.fnUntraced(function* ({ payload: { email = null, expires_at: wanted, label = null, role, sites } }) {
          const caller = yield* Caller
          const now = yield* Clock.currentTimeMillis
          const linkExpiresAt = wanted ?? now + Calendar.hourMillis
          if (linkExpiresAt <= now || linkExpiresAt > now + ConsoleSession.limits.link) {
            return yield* Effect.fail(Errors.invalid("expires_at", "a future time within a week is expected"))
          }
          if (!Access.manages(caller.access, { grants: Role.grants[role], sites })) {
            return yield* Effect.fail(Errors.unmanaged)
          }
          // A session, which each use prolongs, could outlast the key.
          if (caller.expiresAt !== null) return yield* Effect.fail(withExpiry)
          const createdBy = caller.kind === "operator" ? {} : { createdBy: caller.id }
          const callerSites = Access.sitesWith(caller.access, "admin", "change")
          const request = { role, sites, label, linkExpiresAt, ...createdBy, callerSites }
          const { isMailed, link, session } = yield* links
            .create(request, email)
            .pipe(Effect.catchTag("NotMailed", (error) => Effect.fail(MailedLink.errorOf(error))))
          return {
            session_id: session.session_id,
            path: isMailed ? null : ConsoleSession.pathOf(link),
            mailed: isMailed,
            expires_at: session.ends_at
          }
        })
      )
      .handle(
        "mailLink",
        Effect.fnUntraced(function* ({ params }) {
          const callerSites = Access.sitesWith((yield* Caller).access, "admin", "change")
          const linkExpiresAt = (yield* Clock.currentTimeMillis) + mailedAgain
          const { session } = yield* links
            .renew(params.session_id, linkExpiresAt, callerSites)
            .pipe(Effect.catchTag("NotMailed", (error) => Effect.fail(MailedLink.errorOf(error))))
          return { session_id: session.session_id, path: null, mailed: true, expires_at: session.ends_at }
        })
      )
      .handle(
        "revokeSession",
        Effect.fnUntraced(function* ({ params, query }) {
          const sites = Access.sitesWith((yield* Caller).access, "admin", "change")
          const options = { withOpened: query.with_opened === "true", callerSites: sites }
          const revoked = yield* sessions.revoke(params.session_id, options)
          return { remaining: yield* Effect.fromOption(revoked, () => Errors.unmanaged) }
        })
      )
  })
)
