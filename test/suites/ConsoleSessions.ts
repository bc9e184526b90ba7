/**
 * The tests that every layer of `ConsoleSessions` must pass.
 *
 * @module
 */
import { randomBytes, randomUUID } from "node:crypto"
import { assert, layer as shared } from "@effect/vitest"
import { Clock, Effect, type Layer, Option, Schema } from "effect"
import { TestClock } from "effect/testing"
import { SessionId, WebsiteConfigId } from "../../src/platform/Id.ts"
import {
  type ConsoleSession,
  ConsoleSessions,
  cookieSyntax,
  limits,
  linkSyntax,
  timesOfUse
} from "../../src/sites/access/ConsoleSession.ts"
import type { OwnerKeys } from "../../src/sites/access/OwnerKey.ts"
import type { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import { SiteErasure } from "../../src/sites/SiteErasure.ts"
import { authenticate, listed, newLink, newSession, newSite, openLink } from "../support/ConsoleSessions.ts"
import { everySession } from "../support/Lists.ts"
import * as Revocations from "./ConsoleSessionRevocations.ts"

export const suite = <E>(
  name: string,
  layer: Layer.Layer<ConsoleSessions | OwnerKeys | SiteDirectory | SiteErasure, E>
) =>
  shared(layer)(name, (it) => {
    Revocations.suite(it)

    it.effect("a link opens one session, which has the link's role, label and websites", () =>
      Effect.gen(function* () {
        const sites = [yield* newSite, yield* newSite]
        for (const role of ["viewer", "owner"] as const) {
          for (const [requested, granted] of [
            ["all", "all"],
            [[...sites, ...sites], sites.toSorted()]
          ] as const) {
            const created = yield* newLink(requested, role)
            assert.deepStrictEqual([created.session.sites, created.session.opened_at], [granted, null])
            assert.isTrue(linkSyntax.isWellFormed(created.link))
            const now = yield* Clock.currentTimeMillis
            const opened = Option.getOrThrow(yield* openLink(created.link))
            assert.isTrue(cookieSyntax.isWellFormed(opened.cookie))
            assert.deepStrictEqual(opened.session, { ...created.session, ...timesOfUse(now, now) })
            for (let use = 0; use < 2; use++) {
              assert.deepStrictEqual(yield* authenticate(opened.cookie), Option.some(opened.session))
            }
            assert.deepStrictEqual(yield* openLink(created.link), Option.none())
          }
        }
      })
    )

    it.effect("a link is found as long as it can be opened, and finding it does not open it", () =>
      Effect.gen(function* () {
        const sessions = yield* ConsoleSessions
        const site = yield* newSite
        const [opened, revoked, expired] = [yield* newLink([site]), yield* newLink("all"), yield* newLink("all")]
        for (const { link, session } of [opened, opened, revoked, expired]) {
          assert.deepStrictEqual(yield* sessions.findLink(link), Option.some(session))
        }
        const { cookie } = Option.getOrThrow(yield* openLink(opened.link))
        yield* sessions.revoke(revoked.session.session_id)
        for (const gone of [
          opened.link,
          revoked.link,
          cookie,
          `${expired.link}x`,
          linkSyntax.format(randomBytes(32))
        ]) {
          assert.deepStrictEqual(yield* sessions.findLink(gone), Option.none())
        }
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* sessions.findLink(expired.link), Option.none())
      })
    )

    it.effect("if a link is opened several times at once, one opening succeeds", () =>
      Effect.gen(function* () {
        const created = yield* newLink("all")
        const opened = yield* Effect.forEach(Array.from({ length: 8 }), () => openLink(created.link), {
          concurrency: "unbounded"
        })
        assert.lengthOf(opened.filter(Option.isSome), 1)
        assert.lengthOf(yield* listed(created.session.session_id), 1)
      })
    )

    it.effect("a link can be opened until it expires", () =>
      Effect.gen(function* () {
        const [early, late] = [yield* newLink("all"), yield* newLink("all")]
        yield* TestClock.adjust(59_999)
        assert.isTrue(Option.isSome(yield* openLink(early.link)))
        yield* TestClock.adjust(1)
        assert.isTrue(Option.isNone(yield* openLink(late.link)))
        assert.deepStrictEqual(yield* listed(late.session.session_id), [])
      })
    )

    it.effect.prop("no other text opens a link or authenticates", [Schema.String], ([text]) =>
      Effect.gen(function* () {
        const created = yield* newLink("all")
        const opened = yield* newSession("all")
        for (const wrong of [text, `${created.link}${text}x`, linkSyntax.format(randomBytes(32)), opened.cookie, ""]) {
          assert.isTrue(Option.isNone(yield* openLink(wrong)))
        }
        for (const wrong of [
          text,
          `${opened.cookie}${text}x`,
          cookieSyntax.format(randomBytes(32)),
          created.link,
          ""
        ]) {
          assert.isTrue(Option.isNone(yield* authenticate(wrong)))
        }
      })
    )

    it.effect("a session ends after its maximum idle time, which begins again with each use", () =>
      Effect.gen(function* () {
        const opened = yield* newSession("all")
        for (let uses = 0; uses < 4; uses++) {
          yield* TestClock.adjust(limits.idle - 1)
          const now = yield* Clock.currentTimeMillis
          const used = Option.getOrThrow(yield* authenticate(opened.cookie))
          assert.strictEqual(Date.parse(used.last_used_at), now)
          assert.deepStrictEqual(yield* listed(opened.session.session_id), [used])
        }
        yield* TestClock.adjust(limits.idle)
        assert.isTrue(Option.isNone(yield* authenticate(opened.cookie)))
        assert.deepStrictEqual(yield* listed(opened.session.session_id), [])
      })
    )

    it.effect("a lookup does not count as a use", () =>
      Effect.gen(function* () {
        const sessions = yield* ConsoleSessions
        const { cookie, session } = yield* newSession("all")
        yield* TestClock.adjust(limits.idle - 1)
        assert.deepStrictEqual(yield* sessions.find(cookie), Option.some(session))
        yield* TestClock.adjust(1)
        assert.deepStrictEqual(yield* sessions.find(cookie), Option.none())
      })
    )

    it.effect("a session ends after its maximum duration, even if it is in use", () =>
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

    it.effect("lists sessions and links, oldest first, without their secrets", () =>
      Effect.gen(function* () {
        const site = yield* newSite
        const first = yield* newSession([site], "viewer")
        yield* TestClock.adjust(1)
        const second = yield* newLink("all")
        assert.deepStrictEqual(yield* listed(second.session.session_id, first.session.session_id), [
          first.session,
          second.session
        ])
      })
    )

    it.effect("lists in parts what a caller for some websites manages, who ends nothing else", () =>
      Effect.gen(function* () {
        const sessions = yield* ConsoleSessions
        const [mine, both, theirs] = [yield* newSite, yield* newSite, yield* newSite]
        const createNext = (sites: ConsoleSession["sites"]) =>
          newLink(sites, "viewer").pipe(
            Effect.map(({ session }) => session),
            Effect.tap(TestClock.adjust(1))
          )
        const [one, two, three] = [
          yield* createNext([mine]),
          yield* createNext([mine, both]),
          yield* createNext([both])
        ]
        const others = [yield* createNext([mine, theirs]), yield* createNext("all")]
        const query = { ...everySession, sites: [mine, both] }
        assert.deepStrictEqual(yield* sessions.list(query), [one, two, three])
        assert.deepStrictEqual(yield* sessions.list({ ...query, reaching: mine }), [one, two])
        assert.deepStrictEqual(yield* sessions.list({ ...query, limit: 2 }), [one, two])
        const after = { time: Date.parse(one.created_at), id: one.session_id }
        assert.deepStrictEqual(yield* sessions.list({ ...query, after }), [two, three])
        const caller = { callerSites: query.sites }
        assert.isTrue(Option.isSome(yield* sessions.revoke(two.session_id, caller)))
        assert.deepStrictEqual(yield* sessions.list(query), [one, three])
        const ids = [...others, two].map(({ session_id }) => session_id)
        for (const other of [...ids, SessionId.make(randomUUID())]) {
          assert.isTrue(Option.isNone(yield* sessions.revoke(other, caller)))
        }
        assert.deepStrictEqual((yield* sessions.list({ ...everySession, reaching: theirs })).slice(-2), others)
      })
    )

    it.effect("deleting a website removes it from sessions, and ends the sessions that have no other website", () =>
      Effect.gen(function* () {
        const [deleted, other] = [yield* newSite, yield* newSite]
        const [one, both] = [yield* newSession([deleted]), yield* newSession([deleted, other])]
        const unopened = yield* newLink([deleted])
        yield* SiteErasure.use((erasure) => erasure.erase(deleted))
        yield* TestClock.adjust("1 second")
        assert.isTrue(Option.isNone(yield* authenticate(one.cookie)))
        assert.isTrue(Option.isNone(yield* openLink(unopened.link)))
        assert.deepStrictEqual(
          Option.map(yield* authenticate(both.cookie), ({ sites }) => sites),
          Option.some([other])
        )
        assert.deepStrictEqual(
          (yield* listed(one.session.session_id, both.session.session_id, unopened.session.session_id)).map(
            ({ sites }) => sites
          ),
          [[other]]
        )
      })
    )

    it.effect("no link is created for a website that does not exist, or for no website", () =>
      Effect.gen(function* () {
        const sessions = yield* ConsoleSessions
        const site = yield* newSite
        const before = (yield* sessions.list(everySession)).length
        for (const sites of [[site, WebsiteConfigId.make(randomUUID())], []]) {
          const request = { role: "owner", sites, label: null, linkExpiresAt: Number.MAX_SAFE_INTEGER / 2 } as const
          assert.isTrue(Option.isNone(yield* sessions.createLink(request)))
        }
        assert.lengthOf(yield* sessions.list(everySession), before)
      })
    )
  })
