/**
 * Stores the console's links and sessions in the memory of this process. Unbounded, because visitors cannot create links.
 *
 * @module
 */
import { randomBytes, randomUUID } from "node:crypto"
import { Clock, Effect, Layer, Option } from "effect"
import * as Session from "../../core/sites/ConsoleSession.ts"
import * as Credential from "../../core/sites/Credential.ts"
import * as CredentialQuery from "../../core/sites/CredentialQuery.ts"
import { ConsoleSessions } from "../../services/sites/ConsoleSessions.ts"
import { SiteDirectory } from "../../services/sites/SiteDirectory.ts"
import * as Issued from "./IssuedCredentials.ts"

export const layer: Layer.Layer<ConsoleSessions, never, SiteDirectory> = Layer.effect(
  ConsoleSessions,
  Effect.gen(function* () {
    const directory = yield* SiteDirectory
    const tables = yield* Issued.IssuedCredentials
    const byId = tables.sessions

    const existing = (ids: ReadonlyArray<string>) =>
      Effect.filter(ids, (id) => Effect.map(directory.byWebsiteConfigId(id), Option.isSome))

    const toSession = ({ cookieDigest: _, linkDigest: __, ...session }: Issued.StoredSession) => session

    const find = (digest: Uint8Array, column: "linkDigest" | "cookieDigest") =>
      [...byId.values()].find((stored) => {
        const known = stored[column]
        return known !== null && Credential.sameDigest(known, digest)
      })

    /** The session of a link that can be opened at `now`. */
    const findUnopened = (link: string, now: number) =>
      Session.linkSyntax.isWellFormed(link)
        ? Option.filter(
            Option.fromUndefinedOr(find(Credential.digest(link), "linkDigest")),
            (stored) => stored.use === null && Session.isValidAt(stored, now)
          )
        : Option.none()

    /** The session of a cookie, if it is valid now. */
    const findOpen = Effect.fnUntraced(function* (cookie: string) {
      if (!Session.cookieSyntax.isWellFormed(cookie)) return Option.none()
      const stored = find(Credential.digest(cookie), "cookieDigest")
      if (stored === undefined) return Option.none()
      const session = toSession(stored)
      const now = yield* Clock.currentTimeMillis
      return Session.isOpen(session) && Session.isValidAt(session, now) ? Option.some(session) : Option.none()
    })

    /** The sessions and unopened links that have not ended. */
    const valid = Effect.gen(function* () {
      const sessions = [...byId.values()].map(toSession)
      const now = yield* Clock.currentTimeMillis
      return sessions.filter((session) => Session.isValidAt(session, now))
    })

    return ConsoleSessions.of({
      createLink: Effect.fnUntraced(function* ({ createdBy = null, label, linkExpiresAt, role, sites }) {
        const ids = sites === "all" ? sites : [...new Set(sites)].sort()
        if (ids !== "all" && (ids.length === 0 || (yield* existing(ids)).length < ids.length)) return Option.none()
        const link = Session.linkSyntax.format(randomBytes(32))
        const createdAt = yield* Clock.currentTimeMillis
        const session = {
          sessionId: randomUUID(),
          role,
          sites: ids,
          label,
          createdAt,
          createdBy,
          linkExpiresAt,
          use: null
        }
        byId.set(session.sessionId, { ...session, linkDigest: Credential.digest(link), cookieDigest: null })
        return Option.some({ link, session })
      }),
      findLink: (link) => Effect.map(Clock.currentTimeMillis, (now) => Option.map(findUnopened(link, now), toSession)),
      open: Effect.fnUntraced(function* (link) {
        const openedAt = yield* Clock.currentTimeMillis
        const stored = Option.getOrUndefined(findUnopened(link, openedAt))
        if (stored === undefined) return Option.none()
        const session = { ...toSession(stored), use: { openedAt, lastUsedAt: openedAt } }
        const cookie = Session.cookieSyntax.format(randomBytes(32))
        byId.set(stored.sessionId, { ...stored, use: session.use, cookieDigest: Credential.digest(cookie) })
        return Option.some({ cookie, session })
      }),
      authenticate: Effect.fnUntraced(function* (cookie) {
        const found = yield* findOpen(cookie)
        const now = yield* Clock.currentTimeMillis
        return Option.map(found, (session) => {
          const stored = byId.get(session.sessionId)
          if (stored === undefined || !Session.mustTouch(session, now)) return session
          const use = { ...session.use, lastUsedAt: now }
          byId.set(stored.sessionId, { ...stored, use })
          return { ...session, use }
        })
      }),
      find: findOpen,
      list: (query) =>
        Effect.map(valid, (sessions) =>
          CredentialQuery.select(sessions, query, (session) => ({
            access: Session.accessOf(session),
            position: Session.positionOf(session)
          }))
        ),
      byId: (sessionId) =>
        Effect.map(valid, (sessions) =>
          Option.fromUndefinedOr(sessions.find((session) => session.sessionId === sessionId))
        ),
      end: (sessionId) => Effect.map(Clock.currentTimeMillis, (now) => Issued.end(tables, sessionId, now)),
      revoke: (sessionId, options) =>
        Effect.map(Clock.currentTimeMillis, (now) => Issued.revoke(tables, sessionId, now, options))
    })
  })
).pipe(Layer.provide(Issued.layer))
