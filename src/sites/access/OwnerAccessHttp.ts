/**
 * The endpoints at and below `/v1/owner/keys`, `/v1/owner/sessions` and `/v1/owner/people`. A caller manages the keys and sessions that
 * reach no website but the caller's own, and the roles of people for these websites.
 *
 * @module
 */
import { Clock, Effect, Layer, type Option } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../../api/OwnerApi.ts"
import * as Calendar from "../../platform/text/Calendar.ts"
import * as Access from "./Access.ts"
import { Caller } from "./AuthenticationApi.ts"
import * as ConsoleSession from "./ConsoleSession.ts"
import type { ManagedBy, Remaining, RevokeOptions } from "./Credential.ts"
import * as Errors from "./Errors.ts"
import * as Fields from "./Fields.ts"
import * as MailedLink from "./MailedLink.ts"
import * as OwnerKey from "./OwnerKey.ts"
import * as Person from "./Person.ts"

/** The websites whose keys, sessions and people the caller manages. */
const managed = Effect.map(Caller, ({ access }) => Access.sitesWith(access, "admin", "change"))

/** The options of a revocation, and its answer. */
const revocation = <E, R>(
  withOpened: string | undefined,
  revoke: (options: RevokeOptions & ManagedBy) => Effect.Effect<Option.Option<Remaining>, E, R>
) =>
  Effect.gen(function* () {
    const revoked = yield* revoke({ withOpened: withOpened === "true", callerSites: yield* managed })
    return { remaining: yield* Effect.fromOption(revoked, () => Errors.unmanaged) }
  })

const keys = HttpApiBuilder.group(
  OwnerApi,
  "keys",
  Effect.fnUntraced(function* (handlers) {
    const keys = yield* OwnerKey.OwnerKeys
    return handlers
      .handle(
        "keys",
        Effect.fnUntraced(function* ({ query: { revoked, ...query } }) {
          const range = { ...Fields.reachingRangeOf(query), sites: yield* managed, unrevoked: revoked === "false" }
          const { items, next } = yield* Fields.readPart(range, keys.list, OwnerKey.positionOf)
          return { keys: items, next }
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
            callerSites: yield* managed
          })
          return yield* Effect.fromOption(issued, () => Errors.unmanaged)
        })
      )
      .handle("revokeKey", ({ params, query }) =>
        revocation(query.with_opened, (options) => keys.revoke(params.key_id, options))
      )
  })
)

const sessionOutlasts = Errors.invalid(
  null,
  "the key of this request expires, and a session could outlast it; use a key that does not expire"
)

/** How long the link of an invitation that is sent again can be opened. */
const mailedAgain = 3 * Calendar.dayMillis

const sessions = HttpApiBuilder.group(
  OwnerApi,
  "sessions",
  Effect.fnUntraced(function* (handlers) {
    const sessions = yield* ConsoleSession.ConsoleSessions
    const links = yield* MailedLink.make
    return handlers
      .handle(
        "sessions",
        Effect.fnUntraced(function* ({ query }) {
          const { session } = yield* Caller
          const range = { ...Fields.reachingRangeOf(query), sites: yield* managed }
          const { items, next } = yield* Fields.readPart(range, sessions.list, ConsoleSession.positionOf)
          return {
            can_mail: links.canMail,
            sessions: items.map((each) => ({ ...each, current: each.session_id === session?.session_id })),
            next
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
          if (!Access.manages(caller.access, { grants: Access.roleGrants[role], sites })) {
            return yield* Effect.fail(Errors.unmanaged)
          }
          // A session, which each use prolongs, could outlast the key.
          if (caller.expiresAt !== null) return yield* Effect.fail(sessionOutlasts)
          const createdBy = caller.kind === "operator" ? {} : { createdBy: caller.id }
          const callerSites = yield* managed
          const request = { role, sites, label, linkExpiresAt, ...createdBy, callerSites }
          const { isMailed, link, session } = yield* links
            .create(request, email)
            .pipe(Effect.catchTag("NotMailed", MailedLink.refuse))
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
          const linkExpiresAt = (yield* Clock.currentTimeMillis) + mailedAgain
          const { session } = yield* links
            .renew(params.session_id, linkExpiresAt, yield* managed)
            .pipe(Effect.catchTag("NotMailed", MailedLink.refuse))
          return { session_id: session.session_id, path: null, mailed: true, expires_at: session.ends_at }
        })
      )
      .handle("revokeSession", ({ params, query }) =>
        revocation(query.with_opened, (options) => sessions.revoke(params.session_id, options))
      )
  })
)

const unknownPerson = Errors.make(
  "NotFound",
  "No person has this person_id and a role that this request manages. `GET /v1/owner/people` lists them."
)

const roleOutlasts = Errors.invalid(
  "role",
  "the key of this request expires, and the role would outlast it; use a key that does not expire"
)

const orUnknown = (isChanged: boolean) => (isChanged ? Effect.void : Effect.fail(unknownPerson))

const people = HttpApiBuilder.group(
  OwnerApi,
  "people",
  Effect.fnUntraced(function* (handlers) {
    const people = yield* Person.People
    return handlers
      .handle(
        "people",
        Effect.fnUntraced(function* ({ query }) {
          const { session } = yield* Caller
          const range = { ...Fields.reachingRangeOf(query), sites: yield* managed }
          const { items, next } = yield* Fields.readPart(range, people.list, Person.positionOf)
          return {
            people: items.map((each) => ({ ...each, current: each.person_id === session?.person?.person_id })),
            next
          }
        })
      )
      .handle(
        "setRole",
        Effect.fnUntraced(function* ({ params, payload }) {
          const { expiresAt } = yield* Caller
          // The lowest role raises nobody.
          if (expiresAt !== null && payload.role !== Access.roles[0]) return yield* Effect.fail(roleOutlasts)
          yield* orUnknown(yield* people.setRole(params.person_id, payload, { callerSites: yield* managed }))
        })
      )
      .handle(
        "removePerson",
        Effect.fnUntraced(function* ({ params, query: { site_id = null } }) {
          yield* orUnknown(yield* people.remove(params.person_id, site_id, { callerSites: yield* managed }))
        })
      )
  })
)

export const layer = Layer.mergeAll(keys, sessions, people)
