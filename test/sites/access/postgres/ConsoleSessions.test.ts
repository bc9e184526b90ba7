import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Effect, Fiber, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import type { WebsiteConfigId } from "../../../../src/platform/Id.ts"
import * as KeptRows from "../../../../src/privacy/postgres/KeptRows.ts"
import * as SiteErasure from "../../../../src/privacy/postgres/SiteErasure.ts"
import { ConsoleSessions, limits } from "../../../../src/sites/access/ConsoleSession.ts"
import { keptMillis, nothingRemains } from "../../../../src/sites/access/Credential.ts"
import { OwnerKeys as Keys } from "../../../../src/sites/access/OwnerKey.ts"
import * as PostgresConsoleSessions from "../../../../src/sites/access/postgres/ConsoleSessions.ts"
import * as OwnerKeys from "../../../../src/sites/access/postgres/OwnerKeys.ts"
import * as SiteDirectory from "../../../../src/sites/postgres/SiteDirectory.ts"
import { SiteDirectory as Sites } from "../../../../src/sites/SiteDirectory.ts"
import { SiteErasure as Erasure } from "../../../../src/sites/SiteErasure.ts"
import { suite } from "../../../suites/ConsoleSessions.ts"
import { everySession } from "../../../support/Lists.ts"
import * as Locks from "../../../support/postgres/Locks.ts"
import * as TestClient from "../../../support/postgres/TestClient.ts"

const layers = Layer.mergeAll(
  PostgresConsoleSessions.layer({ idle: limits.idle }),
  OwnerKeys.layer,
  SiteDirectory.layer(),
  SiteErasure.layer
).pipe(Layer.provideMerge(TestClient.layer))

suite("sites/access/postgres/ConsoleSessions", layers)

const newLink = (sites: "all" | ReadonlyArray<WebsiteConfigId> = "all") =>
  Effect.gen(function* () {
    const sessions = yield* ConsoleSessions
    const linkExpiresAt = (yield* Clock.currentTimeMillis) + 60_000
    const created = yield* sessions.createLink({ role: "owner", sites, label: null, linkExpiresAt })
    return yield* Effect.fromOption(created)
  })

const newSession = Effect.gen(function* () {
  const { open } = yield* ConsoleSessions
  return yield* Effect.flatMap(open((yield* newLink()).link), Effect.fromOption)
})

const rows = PgClient.PgClient.use((sql) => sql`SELECT row_to_json(console_session)::text AS row FROM console_session`)

const deleteEnded = Effect.flatMap(Clock.currentTimeMillis, PostgresConsoleSessions.deleteEnded)

describe("sites/access/postgres/ConsoleSessions: the rows", () => {
  it.effect("a session that one process revokes is invalid within a second in another", () =>
    Effect.gen(function* () {
      const here = yield* ConsoleSessions
      const there = Context.get(
        yield* Layer.build(Layer.fresh(PostgresConsoleSessions.layer({ idle: limits.idle }))),
        ConsoleSessions
      )
      const { cookie, session } = yield* newSession
      assert.isTrue(Option.isSome(yield* there.authenticate(cookie)))
      yield* here.revoke(session.session_id)
      yield* TestClock.adjust("1 second")
      assert.isTrue(Option.isNone(yield* there.authenticate(cookie)))
    }).pipe(Effect.provide(layers))
  )

  it.effect("the database stores only digests of the secrets", () =>
    Effect.gen(function* () {
      const { link } = yield* newLink()
      const { cookie } = yield* newSession
      const stored = JSON.stringify(yield* rows)
      for (const secret of [link, cookie]) {
        const text = secret.slice("hcl_".length)
        for (const encoding of [secret, text, Buffer.from(text, "base64url").toString("hex")]) {
          assert.notInclude(stored, encoding)
        }
      }
    }).pipe(Effect.provide(layers))
  )

  it.effect("the time of the last use is stored at most once in five minutes", () =>
    Effect.gen(function* () {
      const { authenticate } = yield* ConsoleSessions
      const { cookie } = yield* newSession
      const before = yield* rows
      yield* TestClock.adjust(limits.touch - 1)
      yield* authenticate(cookie)
      assert.deepStrictEqual(yield* rows, before)
      yield* TestClock.adjust(1)
      yield* authenticate(cookie)
      assert.notDeepEqual(yield* rows, before)
    }).pipe(Effect.provide(layers))
  )

  it.effect("an ended session is kept without its label until no key, link or session names it as its issuer", () =>
    Effect.gen(function* () {
      const [sessions, keys] = [yield* ConsoleSessions, yield* Keys]
      const first = yield* newSession
      const createdBy = first.session.session_id
      const linkExpiresAt = (yield* Clock.currentTimeMillis) + 60_000
      const request = { role: "owner", sites: "all", label: "Ada", linkExpiresAt, createdBy } as const
      const { link, session } = yield* Effect.flatMap(sessions.createLink(request), Effect.fromOption)
      yield* Effect.flatMap(sessions.open(link), Effect.fromOption)
      const issuedBy = session.session_id
      const key = yield* keys
        .issue({ scope: "stats", sites: "all", label: null, expiresAt: null, issuedBy })
        .pipe(Effect.flatMap(Effect.fromOption))
      yield* sessions.end(issuedBy)
      assert.isTrue(Option.isNone(yield* sessions.createLink({ ...request, createdBy: issuedBy })))
      yield* TestClock.adjust(limits.idle)
      yield* deleteEnded
      yield* deleteEnded
      assert.notInclude(JSON.stringify(yield* rows), "Ada")
      assert.lengthOf(yield* rows, 2)
      assert.deepStrictEqual(yield* sessions.list(everySession), [])
      yield* sessions.revoke(createdBy, { withOpened: true })
      yield* TestClock.adjust("1 second")
      assert.isTrue(Option.isNone(yield* keys.authenticate(key.key)))
      yield* KeptRows.expire("owner_key", (yield* Clock.currentTimeMillis) + keptMillis)
      // Each round deletes one more issuer.
      for (const remaining of [1, 0]) {
        yield* deleteEnded
        assert.lengthOf(yield* rows, remaining)
      }
    }).pipe(Effect.provide(layers))
  )

  it.live("a revocation waits for a link that a later session is creating, and revokes it", () =>
    Effect.gen(function* () {
      const [sessions, sql] = [yield* ConsoleSessions, yield* PgClient.PgClient]
      const linkExpiresAt = (yield* Clock.currentTimeMillis) + 60_000
      const request = { role: "owner", sites: "all", label: null, linkExpiresAt } as const
      const createLink = (createdBy: string) =>
        Effect.flatMap(sessions.createLink({ ...request, createdBy }), Effect.fromOption)
      const first = yield* newSession
      const { link, session } = yield* createLink(first.session.session_id)
      yield* sessions.open(link)
      const creation = yield* Locks.openTransaction(sql, createLink(session.session_id))
      const revocation = yield* Effect.forkChild(sessions.revoke(first.session.session_id, { withOpened: true }))
      yield* Locks.untilAwaited(sql)
      const late = yield* creation.commit
      assert.deepStrictEqual(yield* Fiber.join(revocation), Option.some(nothingRemains))
      assert.isTrue(Option.isNone(yield* sessions.open(late.link)))
    }).pipe(Effect.provide(layers))
  )

  it.effect(
    "expired links and ended sessions are deleted, and an erasure deletes links that open no other website",
    () =>
      Effect.gen(function* () {
        const sessions = yield* ConsoleSessions
        const list = sessions.list(everySession)
        const site = yield* Sites.use((sites) => sites.create({ name: "a", origins: [] }))
        yield* newLink([site.websiteConfigId])
        yield* newSession
        yield* deleteEnded
        assert.lengthOf(yield* rows, 2)
        yield* TestClock.adjust("1 minute")
        yield* deleteEnded
        assert.lengthOf(yield* rows, 1)
        const open = yield* list
        yield* TestClock.adjust(limits.idle)
        yield* newLink([site.websiteConfigId])
        yield* deleteEnded
        assert.lengthOf(yield* rows, 1)
        assert.notDeepEqual(yield* list, open)
        // An erasure deletes the links and sessions that have no other website.
        yield* Erasure.use((erasure) => erasure.erase(site.websiteConfigId))
        assert.lengthOf(yield* rows, 0)
      }).pipe(Effect.provide(layers))
  )
})
