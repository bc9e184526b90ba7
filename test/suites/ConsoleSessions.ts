/**
 * The tests that every layer of `ConsoleSessions` must pass.
 *
 * @module
 */
import { randomBytes, randomUUID } from "node:crypto"
import { assert, layer as shared } from "@effect/vitest"
import { Clock, Effect, type Layer, Option, Schema } from "effect"
import { TestClock } from "effect/testing"
import { PersonId, SessionId, WebsiteConfigId } from "../../src/platform/Id.ts"
import type { Role } from "../../src/sites/access/Access.ts"
import { ConsoleSessions, cookieSyntax, limits, linkSyntax, timesOfUse } from "../../src/sites/access/ConsoleSession.ts"
import type { OwnerKeys } from "../../src/sites/access/OwnerKey.ts"
import type { GrantedRole } from "../../src/sites/access/Person.ts"
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
            assert.deepStrictEqual(
              [created.session.roles, created.session.label, created.session.opened_at],
              [[{ role, sites: granted }], "Ada's link", null]
            )
            assert.isTrue(linkSyntax.isWellFormed(created.link))
            const now = yield* Clock.currentTimeMillis
            const opened = Option.getOrThrow(yield* openLink(created.link))
            assert.isTrue(cookieSyntax.isWellFormed(opened.cookie))
            assert.deepStrictEqual(opened.session, { ...created.session, ...timesOfUse(now, now, limits.idle) })
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

    it.effect("a mailed link makes the person with its address, and later ones give this person further roles", () =>
      Effect.gen(function* () {
        const sessions = yield* ConsoleSessions
        const [one, two] = [yield* newSite, yield* newSite]
        const name = randomUUID()
        const accept = (role: Role, sites: GrantedRole["sites"], email: string) =>
          newLink(sites, role, { email }).pipe(
            Effect.flatMap(({ link }) => sessions.open(link, "Firefox on Linux")),
            Effect.flatMap(Effect.fromOption)
          )
        const first = yield* accept("member", [one], `${name}@example.org`)
        const { person_id = "" } = first.session.person ?? {}
        assert.deepStrictEqual(first.session.person, {
          person_id: PersonId.make(person_id),
          email: `${name}@example.org`,
          name: "Ada's link"
        })
        assert.deepStrictEqual(first.session.roles, [{ role: "member", sites: [one] }])
        const second = yield* accept("viewer", [two], `${name.toUpperCase()}@EXAMPLE.org`)
        assert.deepStrictEqual(second.session.person, first.session.person)
        yield* TestClock.adjust("1 second")
        const roles = [
          { role: "member", sites: [one] },
          { role: "viewer", sites: [two] }
        ] as const
        for (const { cookie } of [first, second]) {
          assert.deepStrictEqual(
            Option.map(yield* authenticate(cookie), (session) => session.roles),
            Option.some(roles)
          )
        }
        assert.deepStrictEqual((yield* accept("owner", [one, two], `${name}@example.org`)).session.roles, [
          { role: "owner", sites: [one, two].sort() }
        ])
        assert.lengthOf(yield* sessions.ofPerson(PersonId.make(person_id)), 3)
        // People's sessions are listed with the person.
        assert.deepStrictEqual(yield* listed(first.session.session_id, second.session.session_id), [])
      })
    )

    it.effect("a renewed link voids the earlier one, and only mailed links are renewed", () =>
      Effect.gen(function* () {
        const sessions = yield* ConsoleSessions
        const [mine, theirs] = [yield* newSite, yield* newSite]
        const mailed = yield* newLink([mine], "viewer", { email: `${randomUUID()}@example.org` })
        const until = (yield* Clock.currentTimeMillis) + 120_000
        const renew = (id: SessionId, site: WebsiteConfigId) => sessions.renewLink(id, until, { callerSites: [site] })
        const id = mailed.session.session_id
        assert.isTrue(Option.isNone(yield* renew(id, theirs)))
        assert.isTrue(Option.isNone(yield* renew((yield* newLink([mine])).session.session_id, mine)))
        const renewed = Option.getOrThrow(yield* renew(id, mine))
        assert.strictEqual(Date.parse(renewed.session.ends_at), until)
        assert.isTrue(Option.isNone(yield* openLink(mailed.link)))
        assert.isTrue(Option.isSome(yield* openLink(renewed.link)))
        assert.isTrue(Option.isNone(yield* renew(id, mine)))
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
        for (let uses = 0; uses < 2; uses++) {
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
        const createNext = (sites: GrantedRole["sites"]) =>
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
          Option.map(yield* authenticate(both.cookie), ({ roles }) => roles),
          Option.some([{ role: "owner" as const, sites: [other] }])
        )
        assert.deepStrictEqual(
          (yield* listed(one.session.session_id, both.session.session_id, unopened.session.session_id)).map(
            ({ roles }) => roles
          ),
          [[{ role: "owner", sites: [other] }]]
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
