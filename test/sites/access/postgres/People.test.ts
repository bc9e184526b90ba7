import { assert, it } from "@effect/vitest"
import { Clock, Context, Effect, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import * as SiteErasure from "../../../../src/privacy/postgres/SiteErasure.ts"
import { ConsoleSessions, limits } from "../../../../src/sites/access/ConsoleSession.ts"
import { People } from "../../../../src/sites/access/Person.ts"
import * as PostgresConsoleSessions from "../../../../src/sites/access/postgres/ConsoleSessions.ts"
import * as OwnerKeys from "../../../../src/sites/access/postgres/OwnerKeys.ts"
import * as PostgresPeople from "../../../../src/sites/access/postgres/People.ts"
import * as SiteDirectory from "../../../../src/sites/postgres/SiteDirectory.ts"
import { suite } from "../../../suites/People.ts"
import * as TestClient from "../../../support/postgres/TestClient.ts"

const layers = Layer.mergeAll(
  PostgresConsoleSessions.layer({ idle: limits.idle }),
  PostgresPeople.layer,
  OwnerKeys.layer,
  SiteDirectory.layer(),
  SiteErasure.layer
).pipe(Layer.provideMerge(TestClient.layer))

suite("sites/access/postgres/People", layers)

/** An owner with this address, who has logged in to one process, and the sessions of a second process. */
const loggedIn = Effect.fnUntraced(function* (email: string) {
  const here = yield* ConsoleSessions
  const there = Context.get(
    yield* Layer.build(Layer.fresh(PostgresConsoleSessions.layer({ idle: limits.idle }))),
    ConsoleSessions
  )
  const linkExpiresAt = (yield* Clock.currentTimeMillis) + 60_000
  const request = { role: "owner", sites: "all", label: "Ada", email, linkExpiresAt } as const
  const { link } = yield* Effect.flatMap(here.createLink(request), Effect.fromOption)
  const { cookie, session } = yield* Effect.flatMap(here.open(link), Effect.fromOption)
  return { cookie, session, there }
})

it.effect(
  "sites/access/postgres/People: a person removed by one process is logged out within a second in another",
  () =>
    Effect.gen(function* () {
      const people = yield* People
      const { cookie, session, there } = yield* loggedIn("ada@example.org")
      assert.isTrue(Option.isSome(yield* there.authenticate(cookie)))
      const id = session.person?.person_id
      assert.isDefined(id)
      yield* people.remove(id, null, { callerSites: "all" })
      yield* TestClock.adjust("1 second")
      assert.isTrue(Option.isNone(yield* there.authenticate(cookie)))
    }).pipe(Effect.provide(layers))
)

it.effect("sites/access/postgres/People: a role lowered by one process is lower within a second in another", () =>
  Effect.gen(function* () {
    const people = yield* People
    const { cookie, session, there } = yield* loggedIn("eve@example.org")
    const roles = Effect.map(
      there.authenticate(cookie),
      Option.map(({ roles }) => roles.map(({ role }) => role))
    )
    assert.deepStrictEqual(yield* roles, Option.some(["owner" as const]))
    const id = session.person?.person_id
    assert.isDefined(id)
    yield* people.setRole(id, { role: "viewer", sites: "all" }, { callerSites: "all" })
    yield* TestClock.adjust("1 second")
    assert.deepStrictEqual(yield* roles, Option.some(["viewer" as const]))
  }).pipe(Effect.provide(layers))
)

it.effect("sites/access/postgres/People: an ended session is kept while somebody has a role from it", () =>
  Effect.gen(function* () {
    const sessions = yield* ConsoleSessions
    const open = Effect.fnUntraced(function* (email: string, createdBy?: string) {
      const linkExpiresAt = (yield* Clock.currentTimeMillis) + 60_000
      const request = { role: "owner", sites: "all", label: null, email, linkExpiresAt } as const
      const { link } = yield* sessions
        .createLink(createdBy === undefined ? request : { ...request, createdBy })
        .pipe(Effect.flatMap(Effect.fromOption))
      return yield* Effect.flatMap(sessions.open(link), Effect.fromOption)
    })
    const first = yield* open("ada@example.org")
    const second = yield* open("ben@example.org", first.session.session_id)
    const third = yield* open("cleo@example.org", second.session.session_id)
    const expiresAt = (yield* Clock.currentTimeMillis) + 60_000
    const login = yield* Effect.flatMap(
      sessions.createLogin("cleo@example.org", expiresAt, { isMailed: true }),
      Effect.fromOption
    )
    const device = yield* Effect.flatMap(sessions.open(login.link), Effect.fromOption)
    for (const { session } of [third, second]) {
      yield* sessions.end(session.session_id)
      yield* Effect.flatMap(Clock.currentTimeMillis, PostgresConsoleSessions.deleteEnded)
    }
    yield* sessions.revoke(first.session.session_id, { withOpened: true })
    yield* TestClock.adjust("1 second")
    assert.isTrue(Option.isNone(yield* sessions.authenticate(device.cookie)))
  }).pipe(Effect.provide(layers))
)
