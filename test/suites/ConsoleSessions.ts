/**
 * The suite of every `ConsoleSessions`.
 *
 * @module
 */
import { randomBytes, randomUUID } from "node:crypto"
import { assert, layer as shared } from "@effect/vitest"
import { Clock, Effect, type Layer, Option, Schema } from "effect"
import { TestClock } from "effect/testing"
import { type ConsoleSession, cookie, limits, link } from "../../src/core/sites/ConsoleSession.ts"
import { nothing } from "../../src/core/sites/Issuers.ts"
import type { Role } from "../../src/core/sites/Role.ts"
import { ConsoleSessions } from "../../src/services/sites/ConsoleSessions.ts"
import { OwnerKeys } from "../../src/services/sites/OwnerKeys.ts"
import { SiteDirectory } from "../../src/services/sites/SiteDirectory.ts"
import { SiteErasure } from "../../src/services/sites/SiteErasure.ts"

const newSite = SiteDirectory.use((sites) => sites.create({ name: "a", origins: [] })).pipe(
  Effect.map(({ websiteConfigId }) => websiteConfigId)
)

/** A link that expires in a minute. */
const newLink = Effect.fnUntraced(function* (
  sites: ConsoleSession["sites"],
  role: Role = "owner",
  createdBy: { readonly createdBy?: string } = {}
) {
  const sessions = yield* ConsoleSessions
  const linkExpiresAt = (yield* Clock.currentTimeMillis) + 60_000
  return yield* sessions
    .createLink({ role, sites, label: "Ada's link", linkExpiresAt, ...createdBy })
    .pipe(Effect.flatMap(Effect.fromOption))
})

const openLink = (secret: string) => ConsoleSessions.use((sessions) => sessions.open(secret))

const newSession = (sites: ConsoleSession["sites"], role: Role = "owner") =>
  newLink(sites, role).pipe(
    Effect.flatMap((created) => openLink(created.link)),
    Effect.flatMap(Effect.fromOption)
  )

const authenticate = (secret: string) => ConsoleSessions.use((sessions) => sessions.authenticate(secret))

/** The listed sessions with these ids: suites share a storage. */
const listed = (...ids: ReadonlyArray<string>) =>
  Effect.map(
    ConsoleSessions.use((sessions) => sessions.list),
    (sessions) => sessions.filter(({ sessionId }) => ids.includes(sessionId))
  )

export const suite = <E>(
  name: string,
  layer: Layer.Layer<ConsoleSessions | OwnerKeys | SiteDirectory | SiteErasure, E>
) =>
  shared(layer)(name, (it) => {
    it.effect("a link opens one session, with the link's role, label and websites", () =>
      Effect.gen(function* () {
        const sites = [yield* newSite, yield* newSite]
        for (const role of ["viewer", "owner"] as const) {
          for (const [given, reached] of [
            ["all", "all"],
            [[...sites, ...sites], sites.toSorted()]
          ] as const) {
            const created = yield* newLink(given, role)
            assert.deepStrictEqual([created.session.sites, created.session.use], [reached, null])
            assert.isTrue(link.isWellFormed(created.link))
            const now = yield* Clock.currentTimeMillis
            const opened = Option.getOrThrow(yield* openLink(created.link))
            assert.isTrue(cookie.isWellFormed(opened.cookie))
            assert.deepStrictEqual(opened.session, { ...created.session, use: { openedAt: now, lastUsedAt: now } })
            for (let use = 0; use < 2; use++) {
              assert.deepStrictEqual(yield* authenticate(opened.cookie), Option.some(opened.session))
            }
            assert.deepStrictEqual(yield* openLink(created.link), Option.none())
          }
        }
      })
    )

    it.effect("of concurrent openings of a link, one succeeds", () =>
      Effect.gen(function* () {
        const created = yield* newLink("all")
        const opened = yield* Effect.forEach(Array.from({ length: 8 }), () => openLink(created.link), {
          concurrency: "unbounded"
        })
        assert.lengthOf(opened.filter(Option.isSome), 1)
        assert.lengthOf(yield* listed(created.session.sessionId), 1)
      })
    )

    it.effect("a link can be opened until it expires", () =>
      Effect.gen(function* () {
        const [early, late] = [yield* newLink("all"), yield* newLink("all")]
        yield* TestClock.adjust(59_999)
        assert.isTrue(Option.isSome(yield* openLink(early.link)))
        yield* TestClock.adjust(1)
        assert.isTrue(Option.isNone(yield* openLink(late.link)))
        assert.deepStrictEqual(yield* listed(late.session.sessionId), [])
      })
    )

    it.effect.prop("no other text opens a link or authenticates", [Schema.String], ([text]) =>
      Effect.gen(function* () {
        const created = yield* newLink("all")
        const opened = yield* newSession("all")
        for (const wrong of [text, `${created.link}${text}x`, link.format(randomBytes(32)), opened.cookie, ""]) {
          assert.isTrue(Option.isNone(yield* openLink(wrong)))
        }
        for (const wrong of [text, `${opened.cookie}${text}x`, cookie.format(randomBytes(32)), created.link, ""]) {
          assert.isTrue(Option.isNone(yield* authenticate(wrong)))
        }
      })
    )

    it.effect("a session ends when it was idle for too long, and each use postpones that", () =>
      Effect.gen(function* () {
        const opened = yield* newSession("all")
        for (let uses = 0; uses < 4; uses++) {
          yield* TestClock.adjust(limits.idle - 1)
          const now = yield* Clock.currentTimeMillis
          const used = Option.getOrThrow(yield* authenticate(opened.cookie))
          assert.strictEqual(used.use.lastUsedAt, now)
          const [known] = yield* listed(opened.session.sessionId)
          assert.strictEqual(known?.use?.lastUsedAt, now)
        }
        yield* TestClock.adjust(limits.idle)
        assert.isTrue(Option.isNone(yield* authenticate(opened.cookie)))
        assert.deepStrictEqual(yield* listed(opened.session.sessionId), [])
      })
    )

    it.effect("a lookup does not count as a use: the session ends when it was idle for too long", () =>
      Effect.gen(function* () {
        const sessions = yield* ConsoleSessions
        const { cookie, session } = yield* newSession("all")
        yield* TestClock.adjust(limits.idle - 1)
        assert.deepStrictEqual(yield* sessions.find(cookie), Option.some(session))
        yield* TestClock.adjust(1)
        assert.deepStrictEqual(yield* sessions.find(cookie), Option.none())
      })
    )

    it.effect("a session ends after its maximum duration, however much it is used", () =>
      Effect.gen(function* () {
        const opened = yield* newSession("all")
        const step = limits.idle / 2
        for (let time = step; time < limits.absolute; time += step) {
          yield* TestClock.adjust(step)
          assert.isTrue(Option.isSome(yield* authenticate(opened.cookie)))
        }
        yield* TestClock.adjust(step)
        assert.isTrue(Option.isNone(yield* authenticate(opened.cookie)))
      })
    )

    it.effect("a revoked session or link is invalid within a second, and other sessions and links stay valid", () =>
      Effect.gen(function* () {
        const sessions = yield* ConsoleSessions
        const [one, other] = [yield* newSession("all"), yield* newSession("all")]
        const unopened = yield* newLink("all")
        assert.isTrue(Option.isSome(yield* authenticate(one.cookie)))
        for (const { sessionId } of [one.session, unopened.session]) {
          assert.deepStrictEqual(yield* sessions.revoke(sessionId), Option.some(nothing))
          assert.deepStrictEqual(yield* sessions.revoke(sessionId), Option.none())
        }
        yield* TestClock.adjust("1 second")
        assert.isTrue(Option.isNone(yield* authenticate(one.cookie)))
        assert.isTrue(Option.isNone(yield* openLink(unopened.link)))
        assert.isTrue(Option.isSome(yield* authenticate(other.cookie)))
        for (const unknown of [randomUUID(), "no session"])
          assert.deepStrictEqual(yield* sessions.revoke(unknown), Option.none())
      })
    )

    it.effect(
      "revoking a key voids the unopened links of this key and of the keys that it issued; opened links stay sessions",
      () =>
        Effect.gen(function* () {
          const keys = yield* OwnerKeys
          const issue = (issuer: { readonly issuedBy?: string } = {}) =>
            keys
              .issue({ scope: "write", sites: "all", label: null, expiresAt: null, ...issuer })
              .pipe(Effect.flatMap(Effect.fromOption))
          const [key, otherKey] = [yield* issue(), yield* issue()]
          const child = yield* issue({ issuedBy: key.keyId })
          const linkOf = ({ keyId }: typeof key) => newLink("all", "owner", { createdBy: keyId })
          const links = [yield* linkOf(key), yield* linkOf(child)]
          const [opened, other] = [yield* linkOf(key), yield* linkOf(otherKey)]
          const colleague = Option.getOrThrow(yield* openLink(opened.link))
          assert.deepStrictEqual(yield* keys.revoke(key.keyId), Option.some({ keys: 0, sessions: 1 }))
          yield* TestClock.adjust("1 second")
          for (const { link } of links) assert.isTrue(Option.isNone(yield* openLink(link)))
          assert.deepStrictEqual(yield* listed(...links.map(({ session }) => session.sessionId)), [])
          assert.isTrue(Option.isSome(yield* authenticate(colleague.cookie)))
          assert.isTrue(Option.isSome(yield* openLink(other.link)))
        })
    )

    it.effect("revoking a session, even a signed-out one, revokes its keys, and voids its unopened links", () =>
      Effect.gen(function* () {
        const [sessions, keys] = [yield* ConsoleSessions, yield* OwnerKeys]
        const issue = (issuedBy: string) =>
          keys
            .issue({ scope: "write", sites: "all", label: null, expiresAt: null, issuedBy })
            .pipe(Effect.flatMap(Effect.fromOption))
        const [one, other] = [yield* newSession("all"), yield* newSession("all")]
        const [key, otherKey] = [yield* issue(one.session.sessionId), yield* issue(other.session.sessionId)]
        const opened = yield* newLink("all", "viewer", { createdBy: one.session.sessionId })
        const unopened = yield* newLink("all", "viewer", { createdBy: key.keyId })
        assert.strictEqual(unopened.session.createdBy, key.keyId)
        const colleague = Option.getOrThrow(yield* openLink(opened.link))
        for (let time = 0; time < 2; time++) {
          assert.deepStrictEqual(yield* sessions.revoke(one.session.sessionId), Option.some({ keys: 0, sessions: 1 }))
        }
        // Signing out keeps the keys until the session is revoked.
        assert.isTrue(yield* sessions.end(other.session.sessionId))
        assert.isFalse(yield* sessions.end(other.session.sessionId))
        yield* TestClock.adjust("1 second")
        assert.isTrue(Option.isNone(yield* keys.authenticate(key.key)))
        assert.isTrue(Option.isNone(yield* openLink(unopened.link)))
        assert.isTrue(Option.isSome(yield* authenticate(colleague.cookie)))
        assert.isTrue(Option.isSome(yield* keys.authenticate(otherKey.key)))
        assert.deepStrictEqual(yield* sessions.revoke(other.session.sessionId), Option.some(nothing))
        yield* TestClock.adjust("1 second")
        assert.isTrue(Option.isNone(yield* keys.authenticate(otherKey.key)))
      })
    )

    it.effect(
      "with its opened links, a revocation ends all that came from a session or a key, through ended sessions too",
      () =>
        Effect.gen(function* () {
          const [sessions, keys] = [yield* ConsoleSessions, yield* OwnerKeys]
          const issue = (issuer: { readonly issuedBy?: string } = {}) =>
            keys
              .issue({ scope: "write", sites: "all", label: null, expiresAt: null, ...issuer })
              .pipe(Effect.flatMap(Effect.fromOption))
          const openFrom = (createdBy: string) =>
            newLink("all", "owner", { createdBy }).pipe(
              Effect.flatMap(({ link }) => openLink(link)),
              Effect.flatMap(Effect.fromOption)
            )
          const [stolen, other] = [yield* newSession("all"), yield* newSession("all")]
          const stolenKey = yield* issue()
          for (const [id, revoke] of [
            [stolen.session.sessionId, sessions.revoke],
            [stolenKey.keyId, keys.revoke]
          ] as const) {
            const signedOut = yield* openFrom(id)
            const second = yield* openFrom(signedOut.session.sessionId)
            const key = yield* issue({ issuedBy: second.session.sessionId })
            const third = yield* openFrom(key.keyId)
            const unopened = yield* newLink("all", "viewer", { createdBy: third.session.sessionId })
            assert.isTrue(yield* sessions.end(signedOut.session.sessionId))
            // The second session, the third session, and the third session's link.
            assert.deepStrictEqual(yield* revoke(id), Option.some({ keys: 1, sessions: 3 }))
            yield* TestClock.adjust("1 second")
            assert.isTrue(Option.isSome(yield* authenticate(third.cookie)))
            assert.deepStrictEqual(yield* revoke(id, { withOpened: true }), Option.some(nothing))
            yield* TestClock.adjust("1 second")
            for (const { cookie } of [second, third]) assert.isTrue(Option.isNone(yield* authenticate(cookie)))
            assert.isTrue(Option.isNone(yield* keys.authenticate(key.key)))
            assert.isTrue(Option.isNone(yield* openLink(unopened.link)))
            const ids = [signedOut, second, third, unopened].map(({ session }) => session.sessionId)
            assert.deepStrictEqual(yield* listed(...ids), [])
          }
          assert.isTrue(Option.isSome(yield* authenticate(other.cookie)))
        })
    )

    it.effect("lists sessions and links, oldest first, without their secrets", () =>
      Effect.gen(function* () {
        const site = yield* newSite
        const first = yield* newSession([site], "viewer")
        yield* TestClock.adjust(1)
        const second = yield* newLink("all")
        assert.deepStrictEqual(yield* listed(second.session.sessionId, first.session.sessionId), [
          first.session,
          second.session
        ])
      })
    )

    it.effect("deleting a website removes it from sessions, and ends the sessions that have no other website", () =>
      Effect.gen(function* () {
        const [gone, kept] = [yield* newSite, yield* newSite]
        const [one, both] = [yield* newSession([gone]), yield* newSession([gone, kept])]
        const unopened = yield* newLink([gone])
        yield* SiteErasure.use((erasure) => erasure.erase(gone))
        yield* TestClock.adjust("1 second")
        assert.isTrue(Option.isNone(yield* authenticate(one.cookie)))
        assert.isTrue(Option.isNone(yield* openLink(unopened.link)))
        assert.deepStrictEqual(
          Option.map(yield* authenticate(both.cookie), ({ sites }) => sites),
          Option.some([kept])
        )
        assert.deepStrictEqual(
          (yield* listed(one.session.sessionId, both.session.sessionId, unopened.session.sessionId)).map(
            ({ sites }) => sites
          ),
          [[kept]]
        )
      })
    )

    it.effect("no link is created for a website that does not exist, or for no website", () =>
      Effect.gen(function* () {
        const sessions = yield* ConsoleSessions
        const site = yield* newSite
        const before = (yield* sessions.list).length
        for (const sites of [[site, randomUUID()], [site, "no website"], []]) {
          const request = { role: "owner", sites, label: null, linkExpiresAt: Number.MAX_SAFE_INTEGER / 2 } as const
          assert.isTrue(Option.isNone(yield* sessions.createLink(request)))
        }
        assert.lengthOf(yield* sessions.list, before)
      })
    )
  })
