/**
 * The tests that every layer of `People` must pass.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { assert, layer as shared } from "@effect/vitest"
import { Effect, type Layer, Option, Result } from "effect"
import { TestClock } from "effect/testing"
import type { WebsiteConfigId } from "../../src/platform/Id.ts"
import type { Role } from "../../src/sites/access/Access.ts"
import { ConsoleSessions } from "../../src/sites/access/ConsoleSession.ts"
import { OwnerKeys } from "../../src/sites/access/OwnerKey.ts"
import { type GrantedRole, People } from "../../src/sites/access/Person.ts"
import * as Maximums from "../../src/sites/Maximums.ts"
import type { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import { SiteErasure } from "../../src/sites/SiteErasure.ts"
import { authenticate, newLink, newSession, newSite, openLink } from "../support/ConsoleSessions.ts"
import { everySession } from "../support/Lists.ts"

/** Opens an invitation of a person. */
const accept = (
  role: Role,
  sites: GrantedRole["sites"],
  options: { readonly email?: string; readonly createdBy?: string } = {}
) =>
  Effect.gen(function* () {
    const email = options.email ?? `${randomUUID()}@example.org`
    const { link } = yield* newLink(sites, role, { ...options, email })
    const opened = yield* Effect.flatMap(openLink(link), Effect.fromOption)
    const { person } = opened.session
    if (person === null) return yield* Effect.die(new Error("No person"))
    return { ...opened, email, id: person.person_id }
  })

const rolesOf = (cookie: string) =>
  Effect.map(
    authenticate(cookie),
    Option.map(({ roles }) => roles)
  )

const issue = (issuedBy: string, sites: GrantedRole["sites"]) =>
  OwnerKeys.use((keys) => keys.issue({ scope: "write", sites, label: null, expiresAt: null, issuedBy })).pipe(
    Effect.flatMap(Effect.fromOption)
  )

const isValidKey = (key: string) =>
  Effect.map(
    OwnerKeys.use((keys) => keys.authenticate(key)),
    Option.isSome
  )

const mailed = { isMailed: true }

const of = (...sites: ReadonlyArray<WebsiteConfigId>) => ({ callerSites: sites })

export const suite = <E>(
  name: string,
  layer: Layer.Layer<ConsoleSessions | OwnerKeys | People | SiteDirectory | SiteErasure, E>
) =>
  shared(layer)(name, (it) => {
    it.effect("lists people with the roles that the caller manages, in parts", () =>
      Effect.gen(function* () {
        const people = yield* People
        const [mine, theirs] = [yield* newSite, yield* newSite]
        const one = yield* accept("viewer", [mine])
        yield* TestClock.adjust(1)
        const both = yield* accept("member", [mine, theirs])
        yield* TestClock.adjust(1)
        const all = yield* accept("owner", "all")
        const query = { ...everySession, sites: [mine] }
        const listed = yield* people.list(query)
        assert.deepStrictEqual(
          listed.map(({ email, roles }) => ({ email, roles })),
          [
            { email: one.email, roles: [{ role: "viewer", sites: [mine] }] },
            { email: both.email, roles: [{ role: "member", sites: [mine] }] }
          ]
        )
        assert.deepStrictEqual(yield* people.list({ ...query, reaching: theirs }), [])
        const [first] = yield* people.list({ ...query, limit: 1 })
        assert.strictEqual(first?.person_id, one.id)
        const after = { time: Date.parse(first?.created_at ?? ""), id: one.id }
        assert.deepStrictEqual(
          (yield* people.list({ ...query, after })).map(({ person_id }) => person_id),
          [both.id]
        )
        const reaching = yield* people.list({ ...everySession, reaching: theirs })
        assert.includeMembers(
          reaching.map(({ person_id }) => person_id),
          [both.id, all.id]
        )
        assert.notInclude(
          reaching.map(({ person_id }) => person_id),
          one.id
        )
      })
    )

    it.effect("a removed person's sessions end within a second, with the keys and links that they made", () =>
      Effect.gen(function* () {
        const [people, sessions] = [yield* People, yield* ConsoleSessions]
        const site = yield* newSite
        const person = yield* accept("owner", [site])
        const login = Option.getOrThrow(yield* sessions.createLogin(person.email.toUpperCase(), 60_000, mailed))
        const device = yield* Effect.flatMap(openLink(login.link), Effect.fromOption)
        const waiting = Option.getOrThrow(yield* sessions.createLogin(person.email, 60_000, mailed))
        const key = yield* issue(device.session.session_id, [site])
        const invited = yield* newLink([site], "viewer", { createdBy: device.session.session_id })
        assert.isFalse(yield* people.remove(person.id, null, of(yield* newSite)))
        assert.isFalse(yield* people.remove(person.id, yield* newSite, of(site)))
        assert.isTrue(yield* people.remove(person.id, null, of(site)))
        assert.isFalse(yield* people.remove(person.id, null, of(site)))
        yield* TestClock.adjust("1 second")
        for (const { cookie } of [person, device]) assert.isTrue(Option.isNone(yield* authenticate(cookie)))
        assert.isFalse(yield* isValidKey(key.key))
        for (const { link } of [invited, waiting]) assert.isTrue(Option.isNone(yield* openLink(link)))
        assert.isTrue(Option.isNone(yield* sessions.createLogin(person.email, 60_000, mailed)))
        assert.isTrue(Option.isNone(yield* people.byEmail(person.email)))
      })
    )

    it.effect("a person who is removed from one website keeps the others, and what was made for them", () =>
      Effect.gen(function* () {
        const people = yield* People
        const [one, two] = [yield* newSite, yield* newSite]
        const person = yield* accept("owner", [one, two])
        const id = person.session.session_id
        const [ofOne, ofTwo, ofBoth] = [yield* issue(id, [one]), yield* issue(id, [two]), yield* issue(id, [one, two])]
        assert.isTrue(yield* people.remove(person.id, null, of(one)))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* rolesOf(person.cookie), Option.some([{ role: "owner" as const, sites: [two] }]))
        assert.deepStrictEqual(
          [yield* isValidKey(ofOne.key), yield* isValidKey(ofTwo.key), yield* isValidKey(ofBoth.key)],
          [false, true, false]
        )
      })
    )

    it.effect("a role changes within a second, only where the person has one and the caller manages it", () =>
      Effect.gen(function* () {
        const people = yield* People
        const [one, two] = [yield* newSite, yield* newSite]
        const person = yield* accept("owner", [one])
        const key = yield* issue(person.session.session_id, [one])
        for (const [sites, caller] of [
          [[two], of(one, two)],
          [[one, two], of(one, two)],
          [[one], of(two)],
          ["all", of(one)]
        ] as const) {
          assert.isFalse(yield* people.setRole(person.id, { role: "viewer", sites }, caller))
        }
        assert.isTrue(yield* people.setRole(person.id, { role: "member", sites: [one] }, of(one)))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* rolesOf(person.cookie), Option.some([{ role: "member" as const, sites: [one] }]))
        assert.isFalse(yield* isValidKey(key.key))
      })
    )

    it.effect("a session becomes the session of a new person, and never of an existing one", () =>
      Effect.gen(function* () {
        const people = yield* People
        const site = yield* newSite
        const victim = yield* accept("owner", "all")
        const thief = yield* newSession([site], "viewer")
        const id = thief.session.session_id
        assert.isFalse(yield* people.claim(id, { email: victim.email.toUpperCase(), name: "Victim" }))
        const email = `${randomUUID()}@example.org`
        const claims = yield* Effect.all(
          [people.claim(id, { email, name: "Ada" }), people.claim(id, { email, name: "Ada" })],
          {
            concurrency: 2
          }
        )
        assert.sameMembers(claims, [true, false])
        yield* TestClock.adjust("1 second")
        const found = Option.getOrThrow(yield* authenticate(thief.cookie))
        assert.deepInclude(found.person, { email, name: "Ada" })
        assert.deepStrictEqual(found.roles, [{ role: "viewer", sites: [site] }])
      })
    )

    it.effect("an address is confirmed by the first link that was mailed to it", () =>
      Effect.gen(function* () {
        const [people, sessions] = [yield* People, yield* ConsoleSessions]
        const site = yield* newSite
        const email = `${randomUUID()}@example.org`
        const isConfirmed = Effect.map(people.byEmail(email), (found) => Option.getOrThrow(found).confirmed)
        const { session } = yield* newSession([site], "viewer")
        assert.isTrue(yield* people.claim(session.session_id, { email, name: "Ada" }))
        assert.isFalse(yield* isConfirmed)
        const printed = Option.getOrThrow(yield* sessions.createLogin(email, 60_000, { isMailed: false }))
        assert.isTrue(Option.isSome(yield* openLink(printed.link)))
        const login = Option.getOrThrow(yield* sessions.createLogin(email, 60_000, mailed))
        assert.isFalse(yield* isConfirmed)
        assert.isTrue(Option.isSome(yield* openLink(login.link)))
        assert.isTrue(yield* isConfirmed)
        const invited = yield* accept("viewer", [site])
        assert.isTrue(Option.getOrThrow(yield* people.byEmail(invited.email)).confirmed)
        const listed = yield* people.list({ ...everySession, sites: [site] })
        assert.deepStrictEqual(
          listed.map(({ confirmed }) => confirmed),
          [true, true]
        )
      })
    )

    it.effect("a website has a maximum of people, with those who are invited", () =>
      Effect.gen(function* () {
        const [people, sessions] = [yield* People, yield* ConsoleSessions]
        const [site, other] = [yield* newSite, yield* newSite]
        const { max } = Maximums.people
        const first = yield* accept("viewer", [site])
        const invite = (email: string, sites: ReadonlyArray<WebsiteConfigId> = [site]) =>
          Effect.result(newLink(sites, "viewer", { email }))
        const emails = Array.from({ length: max + 4 }, () => `${randomUUID()}@example.org`)
        const invited = yield* Effect.forEach(emails, (email) => invite(email), { concurrency: 20 })
        const refused = invited.flatMap((result) => (Result.isFailure(result) ? [result.failure] : []))
        assert.lengthOf(refused, 5)
        for (const failure of refused) assert.deepInclude(failure, { _tag: "LimitReached", maximum: Maximums.people })
        // Who is one of them can be invited again, and other websites have room.
        assert.isTrue(Result.isSuccess(yield* invite(first.email.toUpperCase())))
        const [last = ""] = emails.filter((_, index) => Result.isFailure(invited[index] ?? assert.fail()))
        assert.isTrue(Result.isFailure(yield* invite(last, [other, site])))
        assert.isTrue(Result.isSuccess(yield* invite(last, [other])))
        const { session } = yield* newSession([site], "viewer")
        const claim = Effect.result(people.claim(session.session_id, { email: last, name: "Ada" }))
        assert.isTrue(Result.isFailure(yield* claim))
        assert.isTrue(yield* people.remove(first.id, null, of(site)))
        // The invitation of the removed person still waits, and is revoked.
        const [waiting] = yield* sessions
          .list({ ...everySession, sites: [site] })
          .pipe(Effect.map((all) => all.filter(({ email }) => email?.toLowerCase() === first.email)))
        assert.isTrue(Option.isSome(yield* sessions.revoke(waiting?.session_id ?? session.session_id)))
        assert.isTrue(Result.isSuccess(yield* claim))
      })
    )

    it.effect("a stolen session is ended with the people whom it invited, unless others invited them too", () =>
      Effect.gen(function* () {
        const sessions = yield* ConsoleSessions
        const [one, two] = [yield* newSite, yield* newSite]
        const stolen = yield* newSession([one])
        const createdBy = stolen.session.session_id
        const only = yield* accept("owner", [one], { createdBy })
        const second = yield* accept("viewer", [one], { createdBy: only.session.session_id })
        const also = yield* accept("owner", [two])
        const key = yield* issue(also.session.session_id, [two])
        yield* accept("viewer", [one], { createdBy, email: also.email })
        yield* sessions.revoke(createdBy, { withOpened: true })
        yield* TestClock.adjust("1 second")
        for (const { cookie } of [only, second]) assert.isTrue(Option.isNone(yield* authenticate(cookie)))
        assert.deepStrictEqual(yield* rolesOf(also.cookie), Option.some([{ role: "owner" as const, sites: [two] }]))
        assert.isTrue(yield* isValidKey(key.key))
      })
    )

    it.effect("an opened link never lowers a role, and its revocation takes no role that others gave", () =>
      Effect.gen(function* () {
        const sessions = yield* ConsoleSessions
        const site = yield* newSite
        const owner = yield* accept("owner", [site])
        const viewer = yield* newSession([site], "viewer")
        const createdBy = viewer.session.session_id
        yield* accept("viewer", [site], { createdBy, email: owner.email })
        const roles = Option.some([{ role: "owner" as const, sites: [site] }])
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* rolesOf(owner.cookie), roles)
        yield* sessions.revoke(createdBy, { withOpened: true })
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* rolesOf(owner.cookie), roles)
      })
    )

    it.effect("a person without a website is gone with the last website", () =>
      Effect.gen(function* () {
        const people = yield* People
        const site = yield* newSite
        const person = yield* accept("owner", [site])
        yield* SiteErasure.use((erasure) => erasure.erase(site))
        yield* TestClock.adjust("1 second")
        assert.isTrue(Option.isNone(yield* authenticate(person.cookie)))
        assert.isTrue(Option.isNone(yield* people.byEmail(person.email)))
      })
    )
  })
