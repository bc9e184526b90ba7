/**
 * The tests of `ConsoleSessions` about the revocation of sessions, links and keys.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { assert, type Vitest } from "@effect/vitest"
import { Effect, Option } from "effect"
import { TestClock } from "effect/testing"
import { SessionId } from "../../src/platform/Id.ts"
import { ConsoleSessions } from "../../src/sites/access/ConsoleSession.ts"
import { nothingRemains, type RevokeOptions } from "../../src/sites/access/Credential.ts"
import { OwnerKeys } from "../../src/sites/access/OwnerKey.ts"
import { authenticate, listed, newLink, newSession, openLink } from "../support/ConsoleSessions.ts"

export const suite = (it: Vitest.MethodsNonLive<ConsoleSessions | OwnerKeys>) => {
  it.effect("a revoked session or link is invalid within a second, and other sessions and links stay valid", () =>
    Effect.gen(function* () {
      const sessions = yield* ConsoleSessions
      const [one, other] = [yield* newSession("all"), yield* newSession("all")]
      const unopened = yield* newLink("all")
      assert.isTrue(Option.isSome(yield* authenticate(one.cookie)))
      for (const { session_id } of [one.session, unopened.session]) {
        assert.deepStrictEqual(yield* sessions.revoke(session_id), Option.some(nothingRemains))
        assert.deepStrictEqual(yield* sessions.revoke(session_id), Option.none())
      }
      yield* TestClock.adjust("1 second")
      assert.isTrue(Option.isNone(yield* authenticate(one.cookie)))
      assert.isTrue(Option.isNone(yield* openLink(unopened.link)))
      assert.isTrue(Option.isSome(yield* authenticate(other.cookie)))
      assert.deepStrictEqual(yield* sessions.revoke(SessionId.make(randomUUID())), Option.none())
    })
  )

  it.effect(
    "revoking a key revokes the unopened links of this key and of the keys that it issued, and no sessions",
    () =>
      Effect.gen(function* () {
        const keys = yield* OwnerKeys
        const issue = (issuer: { readonly issuedBy?: string } = {}) =>
          keys
            .issue({ scope: "write", sites: "all", label: null, expiresAt: null, ...issuer })
            .pipe(Effect.flatMap(Effect.fromOption))
        const [key, otherKey] = [yield* issue(), yield* issue()]
        const child = yield* issue({ issuedBy: key.key_id })
        const linkOf = ({ key_id }: typeof key) => newLink("all", "owner", { createdBy: key_id })
        const links = [yield* linkOf(key), yield* linkOf(child)]
        const [opened, other] = [yield* linkOf(key), yield* linkOf(otherKey)]
        const openedSession = Option.getOrThrow(yield* openLink(opened.link))
        assert.deepStrictEqual(yield* keys.revoke(key.key_id), Option.some({ keys: 0, sessions: 1 }))
        yield* TestClock.adjust("1 second")
        for (const { link } of links) assert.isTrue(Option.isNone(yield* openLink(link)))
        assert.deepStrictEqual(yield* listed(...links.map(({ session }) => session.session_id)), [])
        assert.isTrue(Option.isSome(yield* authenticate(openedSession.cookie)))
        assert.isTrue(Option.isSome(yield* openLink(other.link)))
      })
  )

  it.effect("revoking a session, even a signed-out one, revokes its keys and their unopened links", () =>
    Effect.gen(function* () {
      const [sessions, keys] = [yield* ConsoleSessions, yield* OwnerKeys]
      const issue = (issuedBy: string) =>
        keys
          .issue({ scope: "write", sites: "all", label: null, expiresAt: null, issuedBy })
          .pipe(Effect.flatMap(Effect.fromOption))
      const [one, other] = [yield* newSession("all"), yield* newSession("all")]
      const [key, otherKey] = [yield* issue(one.session.session_id), yield* issue(other.session.session_id)]
      const opened = yield* newLink("all", "viewer", { createdBy: one.session.session_id })
      const unopened = yield* newLink("all", "viewer", { createdBy: key.key_id })
      assert.strictEqual(unopened.session.created_by, key.key_id)
      const openedSession = Option.getOrThrow(yield* openLink(opened.link))
      for (let count = 0; count < 2; count++) {
        assert.deepStrictEqual(yield* sessions.revoke(one.session.session_id), Option.some({ keys: 0, sessions: 1 }))
      }
      // Signing out keeps the keys until the session is revoked.
      assert.isTrue(yield* sessions.end(other.session.session_id))
      assert.isFalse(yield* sessions.end(other.session.session_id))
      yield* TestClock.adjust("1 second")
      assert.isTrue(Option.isNone(yield* keys.authenticate(key.key)))
      assert.isTrue(Option.isNone(yield* openLink(unopened.link)))
      assert.isTrue(Option.isSome(yield* authenticate(openedSession.cookie)))
      assert.isTrue(Option.isSome(yield* keys.authenticate(otherKey.key)))
      assert.deepStrictEqual(yield* sessions.revoke(other.session.session_id), Option.some(nothingRemains))
      yield* TestClock.adjust("1 second")
      assert.isTrue(Option.isNone(yield* keys.authenticate(otherKey.key)))
    })
  )

  it.effect(
    "a revocation with `withOpened` revokes all sessions, links and keys that descend from a session or a key",
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
          [stolen.session.session_id, (options?: RevokeOptions) => sessions.revoke(stolen.session.session_id, options)],
          [stolenKey.key_id, (options?: RevokeOptions) => keys.revoke(stolenKey.key_id, options)]
        ] as const) {
          const signedOut = yield* openFrom(id)
          const second = yield* openFrom(signedOut.session.session_id)
          const key = yield* issue({ issuedBy: second.session.session_id })
          const third = yield* openFrom(key.key_id)
          const unopened = yield* newLink("all", "viewer", { createdBy: third.session.session_id })
          assert.isTrue(yield* sessions.end(signedOut.session.session_id))
          // These remain valid: the key, the second and the third session, and the third session's link.
          assert.deepStrictEqual(yield* revoke(), Option.some({ keys: 1, sessions: 3 }))
          yield* TestClock.adjust("1 second")
          assert.isTrue(Option.isSome(yield* authenticate(third.cookie)))
          assert.deepStrictEqual(yield* revoke({ withOpened: true }), Option.some(nothingRemains))
          yield* TestClock.adjust("1 second")
          for (const { cookie } of [second, third]) assert.isTrue(Option.isNone(yield* authenticate(cookie)))
          assert.isTrue(Option.isNone(yield* keys.authenticate(key.key)))
          assert.isTrue(Option.isNone(yield* openLink(unopened.link)))
          const ids = [signedOut, second, third, unopened].map(({ session }) => session.session_id)
          assert.deepStrictEqual(yield* listed(...ids), [])
        }
        assert.isTrue(Option.isSome(yield* authenticate(other.cookie)))
      })
  )
}
