import { inspect } from "node:util"
import { PgClient, PgTypes } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Ref, References } from "effect"
import { SqlError } from "effect/sql"
import { TestClock } from "effect/testing"
import * as Database from "../../src/postgres/Database.ts"
import * as TestDatabase from "../support/postgres/TestDatabase.ts"

const lost = new SqlError.SqlError({ reason: new SqlError.ConnectionError({ cause: new Error("gone") }) })

/** A statement that fails `times` times, and then succeeds. */
const failing = (times: number, error: SqlError.SqlError) =>
  Effect.gen(function* () {
    const remaining = yield* Ref.make(times)
    return Effect.flatMap(
      Ref.getAndUpdate(remaining, (count) => count - 1),
      (count) => (count > 0 ? Effect.fail(error) : Effect.succeed("answer"))
    )
  })

describe("postgres/Database: bounded", () => {
  it.effect("a statement whose connection breaks is retried until the deadline", () =>
    Effect.gen(function* () {
      const statement = yield* failing(5, lost)
      const fiber = yield* Effect.forkChild(Database.bounded("10 seconds")(statement))
      yield* TestClock.adjust("9 seconds")
      assert.strictEqual(yield* Fiber.join(fiber), "answer")
    })
  )

  it.effect("a statement whose connections all break fails as unreachable at the deadline", () =>
    Effect.gen(function* () {
      const statement = yield* failing(1_000_000, lost)
      const fiber = yield* Effect.forkChild(Effect.flip(Database.bounded("10 seconds")(statement)))
      yield* TestClock.adjust("9999 millis")
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.deepInclude(yield* Fiber.join(fiber), { _tag: "StorageUnavailable", reason: "unreachable" })
    })
  )

  it.effect("a statement that hangs fails as a timeout at the deadline, even if it cannot be cancelled", () =>
    Effect.gen(function* () {
      const hung = Effect.uninterruptible(Effect.never)
      const fiber = yield* Effect.forkChild(Effect.flip(Database.bounded("10 seconds")(hung)))
      yield* TestClock.adjust("10 seconds")
      assert.deepInclude(yield* Fiber.join(fiber), { _tag: "StorageUnavailable", reason: "timeout" })
    })
  )

  it.effect("other errors fail immediately", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* Effect.flip(Database.bounded("10 seconds")(Effect.fail("ours"))), "ours")
    })
  )
})

describe("postgres/Database: interruption", () => {
  /** Makes the fiber yield before every step, so that an interruption can occur between any two steps. */
  const stepwise = Effect.provideService(References.MaxOpsBeforeYield, 3)

  it.effect("no statement outlives its caller, whenever the caller is interrupted", () =>
    Effect.gen(function* () {
      for (let steps = 0; steps < 60; steps++) {
        let running = 0
        const statement = Effect.acquireUseRelease(
          Effect.sync(() => running++),
          () => Effect.never,
          () => Effect.sync(() => running--)
        )
        const fiber = yield* Effect.forkChild(stepwise(Database.bounded("10 seconds")(statement)))
        for (let step = 0; step < steps; step++) yield* Effect.yieldNow
        yield* Fiber.interrupt(fiber)
        for (let step = 0; step < 100; step++) yield* Effect.yieldNow
        assert.strictEqual(running, 0, `interrupted after ${steps} steps`)
      }
    })
  )
})

describe("postgres/Database: errors", () => {
  /** Runs a statement that fails. Returns the reason of the store's error for it, or that error's tag if it has no reason. */
  const reasonOf = (statement: string) =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const error = yield* Effect.flip(sql.unsafe(statement))
      const { _tag, ...rest } = Database.refusedOrUnavailable(error)
      return "reason" in rest ? rest.reason : _tag
    })
  const reasonOfCode = (code: string) => reasonOf(`DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '${code}'; END $$`)

  it.live("a record's error becomes RecordRefused, and a server's error becomes StorageUnavailable", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* reasonOf("SELECT 1/0"), "RecordRefused")
      assert.strictEqual(yield* reasonOf("SELECT 'x'::uuid"), "RecordRefused")
      for (const code of ["22021", "23503", "23505", "54001"])
        assert.strictEqual(yield* reasonOfCode(code), "RecordRefused")
      for (const code of ["57014", "55P03"]) assert.strictEqual(yield* reasonOfCode(code), "timeout")
      for (const code of ["57P01", "53300", "53100", "40P01", "42P01", "08006"]) {
        assert.strictEqual(yield* reasonOfCode(code), "unreachable")
      }
      assert.strictEqual(yield* reasonOfCode("25006"), "read-only")
      assert.strictEqual(yield* reasonOf("SELECT pg_terminate_backend(pg_backend_pid())"), "unreachable")
      assert.strictEqual(yield* reasonOfCode("54000"), "RecordRefused")
      const message = "database is not accepting commands that assign new transaction IDs to avoid wraparound data loss"
      const wraparound = `DO $$ BEGIN RAISE EXCEPTION '${message}' USING ERRCODE = '54000'; END $$`
      assert.strictEqual(yield* reasonOf(wraparound), "unreachable")
    }).pipe(Effect.provide(TestDatabase.layer))
  )

  it("a system error code is not mistaken for a SQLSTATE", () => {
    const cause = Object.assign(new Error("write EPIPE"), { code: "EPIPE" })
    const error = Database.unavailable(new SqlError.SqlError({ reason: new SqlError.ConnectionError({ cause }) }))
    assert.deepInclude(error, { reason: "unreachable", code: "EPIPE" })
    assert.strictEqual(String(error.cause), "Error: ConnectionError: write EPIPE")
  })

  it.live("the error contains no value of the record, wherever the server quotes it", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const secret = "secret@example.test"
      for (const statement of [
        sql`SELECT ${secret}::uuid`,
        sql`SELECT ${`{"a": ${secret}}`}::json`,
        sql`INSERT INTO site (name) VALUES (${secret})`,
        sql`SELECT ${PgTypes.int2(1)}, ${Database.array([secret], PgTypes.OID.uuid)}`
      ]) {
        const error = Database.refusedOrUnavailable(yield* Effect.flip(statement))
        assert.strictEqual(error._tag, "RecordRefused")
        assert.notInclude(inspect(error, { depth: 10 }), secret)
      }
      const error = Database.refusedOrUnavailable(yield* Effect.flip(sql`SELECT ${secret}::uuid`))
      assert.strictEqual(error.code, "22P02")
    }).pipe(Effect.provide(TestDatabase.layer))
  )

  it.live("the layer builds without a database", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const error = yield* Effect.flip(Database.bounded("100 millis")(sql`SELECT 1`))
      assert.deepInclude(error, { _tag: "StorageUnavailable", reason: "unreachable" })
    }).pipe(Effect.provide(Database.layer({ path: "/nowhere/.s.PGSQL.1", username: "nobody", connections: 1 })))
  )

  it.live("a dedicated client does not wait for statements of the shared one", () =>
    Effect.gen(function* () {
      const { url } = yield* TestDatabase.connection
      yield* Effect.gen(function* () {
        const shared = yield* PgClient.PgClient
        const dedicated = yield* Database.dedicated()
        yield* Effect.scoped(
          Effect.andThen(
            shared.reserve,
            Effect.gen(function* () {
              const rows = yield* dedicated`SELECT 1 AS one`
              assert.deepStrictEqual(rows, [{ one: 1 }])
              const error = yield* Effect.flip(Database.bounded("50 millis")(shared`SELECT 1`))
              assert.strictEqual(error.reason, "timeout")
            })
          )
        )
      }).pipe(Effect.scoped, Effect.provide(Layer.fresh(Database.layer({ url, connections: 1 }))))
    })
  )
})
