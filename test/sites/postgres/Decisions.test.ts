import { randomUUID } from "node:crypto"
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Effect, Exit, Layer, Logger, Scope } from "effect"
import { StorageUnavailable } from "../../../src/platform/Storage.ts"
import * as Service from "../../../src/sites/Decisions.ts"
import * as Decisions from "../../../src/sites/postgres/Decisions.ts"
import * as SiteDirectory from "../../../src/sites/postgres/SiteDirectory.ts"
import type { Site } from "../../../src/sites/Site.ts"
import * as Sites from "../../../src/sites/SiteDirectory.ts"
import { suite } from "../../suites/Decisions.ts"
import { anything } from "../../support/DecisionCounts.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"
import { lastDays } from "../../support/UtcDays.ts"
import { poll, until } from "../../support/Wait.ts"

const directory = SiteDirectory.layer().pipe(Layer.provideMerge(TestClient.layer))

suite("sites/postgres/Decisions", Decisions.layer().pipe(Layer.provideMerge(directory)))

const makeSite = Sites.SiteDirectory.use(({ create }) => create({ name: "a", origins: [] }))
const known = (site: Site) => ({ _tag: "Known", websiteConfigId: site.websiteConfigId }) as const

const stored = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const rows = yield* sql<{ readonly times: bigint }>`SELECT times FROM not_counted`
  return rows.reduce((sum, { times }) => sum + Number(times), 0)
})

describe("sites/postgres/Decisions: batches", () => {
  it.live("a retried batch is counted once", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const site = yield* makeSite
      const entries = [{ subject: known(site), reason: "bot", day: "2026-11-24", times: 3, ...anything }] as const
      const [first, second] = [randomUUID(), randomUUID()]
      yield* Decisions.storeBatch(sql, entries, first)
      yield* Decisions.storeBatch(sql, entries, first)
      assert.strictEqual(yield* stored, 3)
      yield* Decisions.storeBatch(sql, entries, second)
      assert.strictEqual(yield* stored, 6)
    }).pipe(Effect.provide(directory))
  )

  it.live("a claimed id is found by an index", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* makeSite
      const entries = (["tracking-token", "website-config-id"] as const).map(
        (by) =>
          ({
            subject: { _tag: "Claimed", by, id: randomUUID() },
            reason: "invalid",
            day: "2026-11-24",
            times: 1,
            ...anything
          }) as const
      )
      const plan = yield* sql.unsafe(`EXPLAIN ${Decisions.statement}`, Decisions.parameters(entries, randomUUID()))
      const text = JSON.stringify(plan)
      assert.match(text, /site/)
      // A join with this filter would compare every pair of rows.
      assert.notMatch(text, /Join Filter/)
    }).pipe(Effect.provide(directory))
  )

  it.live("shutdown stores the remaining counts", () =>
    Effect.gen(function* () {
      const site = yield* makeSite
      const scope = yield* Scope.make()
      const built = yield* Layer.build(Layer.fresh(Decisions.layer())).pipe(Scope.provide(scope))
      const decisions = Context.get(built, Service.Decisions)
      for (let count = 0; count < 1000; count++) yield* decisions.record(known(site), "limited")
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(yield* stored, 1000)
    }).pipe(Effect.provide(directory))
  )

  it.live("counts that the database refuses are dropped, and a log message has the reason as an annotation", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const site = yield* makeSite
      const lines: Array<string> = []
      const logger = Logger.map(Logger.formatJson, (line) => void lines.push(line))
      const scope = yield* Scope.make()
      const built = yield* Layer.build(Layer.fresh(Decisions.layer())).pipe(
        Effect.provide(Logger.layer([logger])),
        Scope.provide(scope)
      )
      yield* sql`DROP TABLE not_counted`
      yield* Context.get(built, Service.Decisions).record(known(site), "limited")
      yield* Scope.close(scope, Exit.void)
      const { annotations, message } = JSON.parse(lines[0] ?? "{}")
      assert.strictEqual(message, "Some decision counts could not be stored and are lost")
      assert.isString(annotations.reason)
    }).pipe(Effect.provide(directory))
  )

  it.live("counts whose statement dies are dropped with a log message, and later counts are stored", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const site = yield* makeSite
      const lines: Array<string> = []
      let statements = 0
      const broken: PgClient.PgClient = new Proxy(sql, {
        get: (target, name, receiver) =>
          name === "unsafe" && ++statements === 1
            ? () => Effect.die(new Error("the first batch"))
            : Reflect.get(target, name, receiver)
      })
      const built = yield* Layer.build(
        Layer.fresh(Decisions.layer()).pipe(
          Layer.provide([
            Layer.succeed(PgClient.PgClient, broken),
            Logger.layer([Logger.map(Logger.formatSimple, (line) => void lines.push(line))])
          ])
        )
      )
      const decisions = Context.get(built, Service.Decisions)
      yield* decisions.record(known(site), "limited")
      yield* until("the first batch is dropped", () => lines.length > 0)
      assert.match(lines.join("\n"), /level=WARN.*could not be stored and are lost.*the first batch/s)
      yield* decisions.record(known(site), "limited")
      yield* poll(stored, (times) => times === 1)
      assert.lengthOf(lines, 1)
    }).pipe(Effect.provide(directory))
  )

  it.live("counts that are recorded before the retry of a batch are stored after it", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const site = yield* makeSite
      const lines: Array<string> = []
      let statements = 0
      const unreachable: PgClient.PgClient = new Proxy(sql, {
        get: (target, name, receiver) =>
          name === "unsafe" && ++statements === 1
            ? () => Effect.fail(new StorageUnavailable({ reason: "unreachable" }))
            : Reflect.get(target, name, receiver)
      })
      const built = yield* Layer.build(
        Layer.fresh(Decisions.layer()).pipe(
          Layer.provide([
            Layer.succeed(PgClient.PgClient, unreachable),
            Logger.layer([Logger.map(Logger.formatSimple, (line) => void lines.push(line))])
          ])
        )
      )
      const decisions = Context.get(built, Service.Decisions)
      yield* decisions.record(known(site), "limited")
      yield* until("the first attempt fails", () => lines.length > 0)
      yield* decisions.record(known(site), "bot")
      yield* poll(stored, (times) => times === 2)
    }).pipe(Effect.provide(directory))
  )

  it.live("thousands of counts need few statements, and broken connections neither lose nor duplicate counts", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const site = yield* makeSite
      const decisions = yield* Service.Decisions
      const counts = Effect.flatMap(Clock.currentTimeMillis, (now) => decisions.counts({ site, ...lastDays(1, now) }))
      for (let round = 1; round <= 5; round++) {
        for (let index = 0; index < 2000; index++) yield* decisions.record(known(site), "bot")
        yield* Effect.ignore(sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND pid <> pg_backend_pid()`)
        yield* poll(counts, ({ bot = 0 }) => bot >= 2000 * round)
      }
      assert.deepStrictEqual(yield* counts, { bot: 10_000 })
      const batches = yield* sql`SELECT 1 FROM page_view_batch`
      assert.isBelow(batches.length, 100)
    }).pipe(Effect.provide(Decisions.layer().pipe(Layer.provideMerge(directory))))
  )
})
