import { inspect } from "node:util"
import { PgClient, PgTypes } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Latch, Layer, Ref, References } from "effect"
import { SqlError } from "effect/sql"
import { TestClock } from "effect/testing"
import * as Database from "../../../src/platform/postgres/Database.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"
import * as TestDatabase from "../../support/postgres/TestDatabase.ts"

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

/** Bounds a statement that reads by ten seconds. */
const bounded = <A, E>(statement: Effect.Effect<A, E | SqlError.SqlError>) =>
  Effect.flatMap(Effect.scope, (scope) => Database.mapErrors(Database.bounded(scope, "10 seconds")(() => statement)))

describe("platform/postgres/Database: the bound on a statement's time", () => {
  it.effect("a statement whose connection breaks is tried again until the deadline", () =>
    Effect.gen(function* () {
      const statement = yield* failing(5, lost)
      const fiber = yield* Effect.forkChild(bounded(statement))
      yield* TestClock.adjust("9 seconds")
      assert.strictEqual(yield* Fiber.join(fiber), "answer")
    })
  )

  it.effect("a statement whose connections all break fails as unreachable at the deadline", () =>
    Effect.gen(function* () {
      const statement = yield* failing(1_000_000, lost)
      const fiber = yield* Effect.forkChild(Effect.flip(bounded(statement)))
      yield* TestClock.adjust("9999 millis")
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.deepInclude(yield* Fiber.join(fiber), { _tag: "StorageUnavailable", reason: "unreachable" })
    })
  )

  it.effect("a statement that hangs fails as a timeout at the deadline, before its cancellation ends", () =>
    Effect.gen(function* () {
      const cancelled = yield* Latch.make()
      const hung = Effect.onInterrupt(Effect.never, () => cancelled.await)
      const fiber = yield* Effect.forkChild(Effect.flip(bounded(hung)))
      yield* TestClock.adjust("10 seconds")
      assert.deepInclude(yield* Fiber.join(fiber), { _tag: "StorageUnavailable", reason: "timeout" })
      yield* cancelled.open
    })
  )

  it.effect("a write is tried again only if it is known that the server rolled it back", () =>
    Effect.gen(function* () {
      const attemptsAfter = Effect.fnUntraced(function* (code: string) {
        const cause = Object.assign(new Error(code), { code })
        const error = new SqlError.SqlError({ reason: new SqlError.UnknownError({ cause }) })
        const statement = yield* failing(1, error)
        const scope = yield* Effect.scope
        let attempts = 0
        const run = Database.bounded(
          scope,
          "10 seconds"
        )((attempt) => {
          attempts++
          attempt.mayHaveWritten = true
          return statement
        })
        const fiber = yield* Effect.forkChild(Effect.exit(run))
        yield* TestClock.adjust("10 seconds")
        yield* Fiber.join(fiber)
        return attempts
      })
      assert.strictEqual(yield* attemptsAfter("40001"), 2)
      assert.strictEqual(yield* attemptsAfter("40P01"), 2)
      // "Statement completion unknown", and a shutdown.
      assert.strictEqual(yield* attemptsAfter("40003"), 1)
      assert.strictEqual(yield* attemptsAfter("57P01"), 1)
    })
  )

  it.effect("other errors fail immediately", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* Effect.flip(bounded(Effect.fail("ours"))), "ours")
    })
  )

  it.effect("a timeout is for each statement, and a deadline for all of them", () =>
    Effect.gen(function* () {
      const second = Effect.sleep("2 seconds")
      const both = Effect.andThen(bounded(second), bounded(second))
      const each = yield* Effect.forkChild(Database.withTimeout("3 seconds")(both))
      const together = yield* Effect.forkChild(Effect.flip(Database.withDeadline("3 seconds")(both)))
      yield* TestClock.adjust("4 seconds")
      yield* Fiber.join(each)
      assert.deepInclude(yield* Fiber.join(together), { _tag: "StorageUnavailable", reason: "timeout" })
    })
  )
})

describe("platform/postgres/Database: what is tried again", () => {
  /**
   * A function that ends its own connection on its first call, and returns the number of its calls; and a table whose rows are
   * counted by it at the commit.
   */
  const fixture = Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    yield* sql`CREATE SEQUENCE calls`
    yield* sql.unsafe(`CREATE FUNCTION attempt() RETURNS bigint LANGUAGE plpgsql AS $$
      DECLARE call bigint := nextval('calls');
      BEGIN
        IF call = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
        RETURN call;
      END $$`)
    yield* sql.unsafe(`CREATE FUNCTION attempt_commit() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN PERFORM attempt(); RETURN NULL; END $$`)
    yield* sql`CREATE TABLE written (id int)`
    yield* sql`CREATE TABLE committed (id int)`
    yield* sql`CREATE CONSTRAINT TRIGGER attempt AFTER INSERT ON committed DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION attempt_commit()`
    return sql
  })
  const insert = (sql: PgClient.PgClient) => sql`INSERT INTO written SELECT attempt()`
  const cases: ReadonlyArray<readonly [string, 1 | 2, (sql: PgClient.PgClient) => Effect.Effect<unknown, unknown>]> = [
    ["a read", 2, (sql) => sql`SELECT attempt()`],
    ["a write", 1, insert],
    ["a write that the server recognizes", 2, (sql) => Database.repeatable(insert(sql))],
    ["a transaction that breaks before its commit", 2, (sql) => sql.withTransaction(insert(sql))],
    [
      "a transaction that breaks while it commits",
      1,
      (sql) => sql.withTransaction(sql`INSERT INTO committed VALUES (1)`)
    ],
    [
      "a transaction that the server recognizes",
      2,
      (sql) => Database.repeatable(sql.withTransaction(sql`INSERT INTO committed VALUES (1)`))
    ]
  ]
  for (const [name, attempts, run] of cases) {
    it.live(`${name} is tried ${attempts === 1 ? "once" : "again"}, if its connection breaks`, () =>
      Effect.gen(function* () {
        const sql = yield* fixture
        const exit = yield* Effect.exit(run(sql))
        assert.strictEqual(exit._tag, attempts === 1 ? "Failure" : "Success")
        assert.deepStrictEqual(yield* sql`SELECT last_value::int AS attempts FROM calls`, [{ attempts }])
      }).pipe(Effect.provide(TestClient.layer))
    )
  }

  it("a statement is a read only if no word of it could write", () => {
    for (const read of ["SELECT 1", "  select updated_at FROM a", "WITH a AS (SELECT 1) SELECT * FROM a"]) {
      assert.isTrue(Database.isRead(read), read)
    }
    for (const write of [
      "INSERT INTO a VALUES (1)",
      "WITH a AS (DELETE FROM b RETURNING 1) SELECT * FROM a",
      "SELECT 1 FROM a FOR UPDATE",
      "SELECT * INTO a FROM b",
      "SELECT nextval('a')",
      "SELECT pg_try_advisory_xact_lock(1)",
      "SELECT set_config('a', 'b', true)",
      "LOCK TABLE a",
      "SET a = 1"
    ]) {
      assert.isFalse(Database.isRead(write), write)
    }
  })
})

describe("platform/postgres/Database: interruption", () => {
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
        const fiber = yield* Effect.forkChild(stepwise(bounded(statement)))
        for (let step = 0; step < steps; step++) yield* Effect.yieldNow
        yield* Fiber.interrupt(fiber)
        for (let step = 0; step < 100; step++) yield* Effect.yieldNow
        assert.strictEqual(running, 0, `interrupted after ${steps} steps`)
      }
    })
  )

  it.live("a statement that reached its deadline is cancelled, and its connection is used again", () =>
    Effect.gen(function* () {
      const { url } = yield* TestDatabase.connection
      const observer = yield* TestDatabase.clientOf({ url, database: "" })
      const database = yield* Layer.build(Layer.fresh(Database.layer({ url, connections: 1, timeout: "200 millis" })))
      yield* Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const hung = sql`SELECT pg_sleep(60)`
        assert.strictEqual((yield* Effect.flip(Database.mapErrors(hung))).reason, "timeout")
        assert.strictEqual((yield* Effect.flip(Database.mapErrors(sql.withTransaction(hung)))).reason, "timeout")
        assert.lengthOf(yield* sql`SELECT 1`.pipe(Database.withTimeout("20 seconds")), 1)
      }).pipe(Effect.provide(database))
      assert.deepStrictEqual(
        yield* observer`SELECT FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()
          AND state <> 'idle'`,
        []
      )
    }).pipe(Effect.scoped)
  )
})

describe("platform/postgres/Database: errors", () => {
  /** Runs a statement that fails. Returns the reason of the store's error for it, or that error's tag if it has no reason. */
  const reasonOf = (statement: string) =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const error = yield* Effect.flip(sql.unsafe(statement).pipe(Database.withTimeout("10 seconds")))
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
    }).pipe(Effect.provide(TestClient.layer))
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
        sql`SELECT ${PgTypes.int2(1)}, ${Database.uuids([secret])}`
      ]) {
        const error = Database.refusedOrUnavailable(yield* Effect.flip(statement))
        assert.strictEqual(error._tag, "RecordRefused")
        assert.notInclude(inspect(error, { depth: 10 }), secret)
      }
      const error = Database.refusedOrUnavailable(yield* Effect.flip(sql`SELECT ${secret}::uuid`))
      assert.strictEqual(error.code, "22P02")
    }).pipe(Effect.provide(TestClient.layer))
  )

  it.live("the layer builds without a database", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const error = yield* Effect.flip(sql`SELECT 1`.pipe(Database.withTimeout("2 seconds"), Database.mapErrors))
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
              const error = yield* Effect.flip(
                shared`SELECT 1`.pipe(Database.withTimeout("50 millis"), Database.mapErrors)
              )
              assert.strictEqual(error.reason, "timeout")
            })
          )
        )
      }).pipe(Effect.scoped, Effect.provide(Layer.fresh(Database.layer({ url, connections: 1 }))))
    })
  )
})
