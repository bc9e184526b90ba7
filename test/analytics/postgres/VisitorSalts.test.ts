import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import * as VisitorSalts from "../../../src/analytics/postgres/VisitorSalts.ts"
import * as Service from "../../../src/analytics/VisitorSalts.ts"
import { suite } from "../../suites/VisitorSalts.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"

const live = VisitorSalts.layer

suite("analytics/postgres/VisitorSalts", live.pipe(Layer.provide(TestClient.layer)))

describe("analytics/postgres/VisitorSalts: processes and the cache", () => {
  it.live("many processes get the same salt of a date, even if they fetch it concurrently", () =>
    Effect.gen(function* () {
      const processes = yield* Effect.forEach(Array.from({ length: 8 }), () =>
        Effect.map(Layer.build(Layer.fresh(live)), (context) => Context.get(context, Service.VisitorSalts))
      )
      const all = yield* Effect.forEach(processes, (process) => process.of(20_000), { concurrency: "unbounded" })
      assert.lengthOf(new Set(all.map((salt) => Buffer.from(salt).toString("hex"))), 1)
    }).pipe(Effect.scoped, Effect.provide(TestClient.layer))
  )

  it.live("a cached salt is returned without the database", () =>
    Effect.gen(function* () {
      const salts = yield* Service.VisitorSalts
      const sql = yield* PgClient.PgClient
      const first = yield* salts.of(20_000)
      yield* sql`DROP TABLE visitor_salt`
      assert.deepStrictEqual(yield* salts.of(20_000), first)
    }).pipe(Effect.provide(live.pipe(Layer.provideMerge(TestClient.layer))))
  )
})
