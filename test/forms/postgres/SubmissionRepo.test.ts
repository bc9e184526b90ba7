import { hash, randomUUID } from "node:crypto"
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Redacted, Result } from "effect"
import * as Inbox from "../../../src/forms/postgres/Inbox.ts"
import * as SubmissionRepo from "../../../src/forms/postgres/SubmissionRepo.ts"
import * as SubmissionRows from "../../../src/forms/postgres/SubmissionRows.ts"
import * as Service from "../../../src/forms/SubmissionRepo.ts"
import { SubmissionId } from "../../../src/platform/Id.ts"
import * as Columns from "../../../src/platform/postgres/Columns.ts"
import * as Database from "../../../src/platform/postgres/Database.ts"
import { suite } from "../../suites/SubmissionRepo.ts"
import * as Locks from "../../support/postgres/Locks.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"
import { asStored, draft, remove, storedOf, unknownWebsite, websites } from "../../support/TestSubmissions.ts"

const options = { timeout: "20 seconds", maxQueue: 10_000 } as const

const addWebsites = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  yield* Effect.forEach(
    websites,
    (website) => sql`INSERT INTO site (website_config_id, hosted_website_id, tracking_token, name)
      VALUES (${website}, ${randomUUID()}, ${randomUUID()}, 'test')`
  )
})

/** A database with the suite's websites. */
const database = Layer.effectDiscard(addWebsites).pipe(Layer.provideMerge(TestClient.layer))

const live = Layer.merge(SubmissionRepo.layer(options), Inbox.layer).pipe(Layer.provideMerge(database))

suite("forms/postgres/SubmissionRepo", live)

const count = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const rows = yield* sql`SELECT 1 FROM submission`
  return rows.length
})

describe.concurrent("forms/postgres/SubmissionRepo: unavailable database", () => {
  const unreachable = Database.layer({ url: Redacted.make("postgres://nobody@127.0.0.1:1/none"), connections: 1 })
  // So long that a busy machine has sent all of them before the first ones fail.
  const repo = SubmissionRepo.layer({ timeout: "5 seconds", maxQueue: 10_000 }).pipe(Layer.provide(unreachable))
  // 800 submissions with this text are three times as large as the queue may be.
  const large = "x".repeat(250_000)
  for (const [name, content] of [
    ["form_data", { formData: large }],
    ["email", { email: large }],
    ["page_slug", { pageSlug: large }]
  ] as const) {
    it.live(`the queue is bounded by the size of its submissions, including their ${name}`, () =>
      Effect.gen(function* () {
        const { submit } = yield* Service.SubmissionRepo
        const failures = yield* Effect.forEach(
          Array.from({ length: 800 }, () => ({ ...draft({}), ...content })),
          (one) => Effect.flip(submit(one)),
          { concurrency: "unbounded" }
        )
        const refused = failures.filter((error) => error._tag === "StorageUnavailable" && error.reason === "overloaded")
        assert.isAbove(refused.length, 500)
        assert.isBelow(refused.length, 600)
      }).pipe(Effect.provide(repo))
    )
  }
})

describe("forms/postgres/SubmissionRepo: erasure", () => {
  it.effect("the key of a deleted submission can be used again, with any content", () =>
    Effect.gen(function* () {
      const repo = yield* Service.SubmissionRepo
      for (const formData of ["{}", '{"another":1}']) {
        const key = randomUUID()
        const [first, other] = [draft({ key }), draft({ key: randomUUID() })]
        yield* Effect.forEach([first, other], repo.submit)
        yield* remove(first.websiteConfigId, first.submissionId)
        const again = draft({ key, formData })
        assert.strictEqual(yield* repo.submit(again), again.submissionId)
        assert.deepStrictEqual(yield* storedOf([first, again]), [asStored(again)])
        // The other submission's key is still valid.
        assert.strictEqual(
          yield* repo.submit({ ...other, submissionId: SubmissionId.make(randomUUID()) }),
          other.submissionId
        )
      }
    }).pipe(Effect.provide(live))
  )

  it.live("a deletion is retried if its connection is lost", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const repo = yield* Service.SubmissionRepo
      const deleted = draft({ key: "a" })
      yield* repo.submit(deleted)
      const blocker = yield* Locks.openTransaction(sql, sql`SELECT 1 FROM submission FOR UPDATE`)
      const deletion = yield* Effect.forkChild(remove(deleted.websiteConfigId, deleted.submissionId))
      yield* Locks.terminateWaiting(sql)
      yield* blocker.commit
      assert.isTrue(yield* Fiber.join(deletion))
      assert.strictEqual(yield* count, 0)
    }).pipe(Effect.provide(live))
  )

  it.live("no table contains a trace of a submission that was deleted for good, nor before of its key", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const repo = yield* Service.SubmissionRepo
      const [deleted, other] = [draft({ key: "a", email: "ada@example.org" }), draft({ key: "b" })]
      yield* Effect.forEach([deleted, other], repo.submit)
      const traces = [
        deleted.submissionId,
        "ada@example.org",
        hash("sha256", "a"),
        deleted.idempotency!.fingerprint,
        other.submissionId
      ]
      const findTraces = Effect.gen(function* () {
        const tables = yield* sql`SELECT relname FROM pg_class
          WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace`
        const rows = yield* Effect.forEach(
          tables,
          ({ relname }) => sql`SELECT row_to_json(t)::text AS row FROM ${sql(String(relname))} AS t`
        )
        const all = JSON.stringify(rows)
        return traces.map((text) => all.includes(text))
      })
      assert.deepStrictEqual(yield* findTraces, [true, true, true, true, true])
      assert.isTrue(yield* remove(deleted.websiteConfigId, deleted.submissionId))
      assert.deepStrictEqual(yield* findTraces, [true, true, false, false, true])
      yield* SubmissionRows.purge(sql, deleted.websiteConfigId, [deleted.submissionId])
      assert.deepStrictEqual(yield* findTraces, [false, false, false, false, true])
    }).pipe(Effect.provide(live))
  )
})

describe("forms/postgres/SubmissionRepo: batches", () => {
  it.live("a retried batch is stored once, with the same outcomes", () =>
    Effect.gen(function* () {
      const sql = yield* Columns.client
      const drafts = [draft({}), draft({ key: "a" }), draft({ key: "a" }), draft({ key: "a", formData: "[]" })]
      const first = yield* SubmissionRepo.storeBatch(sql, drafts)
      const again = yield* SubmissionRepo.storeBatch(sql, drafts)
      assert.deepStrictEqual(again, first)
      assert.deepStrictEqual(first.map(Result.isSuccess), [true, true, true, false])
      assert.strictEqual(yield* count, 2)
    }).pipe(Effect.scoped, Effect.provide(database))
  )

  it.live("a retried batch without its first draft stores nothing new under the key", () =>
    Effect.gen(function* () {
      const sql = yield* Columns.client
      const [first, second] = [draft({ key: "a" }), draft({ key: "a" })]
      yield* SubmissionRepo.storeBatch(sql, [first, second])
      const outcomes = yield* SubmissionRepo.storeBatch(sql, [second])
      assert.deepStrictEqual(outcomes, [Result.succeed(first.submissionId)])
      assert.strictEqual(yield* count, 1)
    }).pipe(Effect.scoped, Effect.provide(database))
  )

  it.live("only the drafts of a deleted website are refused, in the statement that stores the others", () =>
    Effect.gen(function* () {
      const sql = yield* Columns.client
      const ofDeleted = { websiteConfigId: unknownWebsite }
      const drafts = [
        draft({}),
        draft(ofDeleted),
        draft({ key: "a" }),
        draft({ ...ofDeleted, key: "a" }),
        draft({}),
        draft({ ...ofDeleted, key: "a" })
      ]
      const outcomes = yield* SubmissionRepo.storeBatch(sql, drafts)
      assert.deepStrictEqual(
        outcomes.map((outcome) => (Result.isSuccess(outcome) ? outcome.success : outcome.failure._tag)),
        [
          drafts[0]!.submissionId,
          "RecordRefused",
          drafts[2]!.submissionId,
          "RecordRefused",
          drafts[4]!.submissionId,
          "RecordRefused"
        ]
      )
      assert.strictEqual(yield* count, 3)
      const keys = yield* (yield* PgClient.PgClient)`SELECT 1 FROM idempotency_key`
      assert.strictEqual(keys.length, 1)
    }).pipe(Effect.scoped, Effect.provide(database))
  )

  it.live("a batch waits for the deletion of a website, and then only the drafts of that website are refused", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const batchClient = yield* Columns.client
      const toDeleted = draft({ websiteConfigId: websites[1] })
      const deletion = yield* Locks.openTransaction(
        sql,
        sql`DELETE FROM site WHERE website_config_id = ${websites[1]}::uuid`
      )
      const storing = yield* Effect.forkChild(SubmissionRepo.storeBatch(batchClient, [toDeleted, draft({})]))
      yield* Locks.untilAwaited(sql)
      yield* deletion.commit
      const outcomes = yield* Fiber.join(storing)
      assert.deepStrictEqual(outcomes.map(Result.isSuccess), [false, true])
      assert.strictEqual(yield* count, 1)
    }).pipe(Effect.scoped, Effect.provide(database))
  )

  it.live(
    "two processes that concurrently store submissions with the same keys store each once and return the same ids",
    () =>
      Effect.gen(function* () {
        const repo = yield* Service.SubmissionRepo
        const other = Context.get(
          yield* Layer.build(Layer.fresh(SubmissionRepo.layer(options))),
          Service.SubmissionRepo
        )
        for (let round = 0; round < 5; round++) {
          const keys = Array.from({ length: 40 }, (_, index) => `${round} ${index}`)
          const submit = (repo: Service.SubmissionRepo["Service"], keys: ReadonlyArray<string>) =>
            Effect.forEach(keys, (key) => repo.submit(draft({ key })), { concurrency: "unbounded" })
          const [ids, otherIds] = yield* Effect.all([submit(repo, keys), submit(other, [...keys].reverse())], {
            concurrency: 2
          })
          assert.deepStrictEqual(ids, [...otherIds].reverse())
          assert.strictEqual(yield* count, (round + 1) * 40)
        }
      }).pipe(Effect.provide(live), Effect.scoped)
  )

  it.live("only the drafts that the database cannot store are refused", () =>
    Effect.gen(function* () {
      const repo = yield* Service.SubmissionRepo
      const bad = [
        draft({ email: "a\0b" }),
        draft({ formData: `{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}` }),
        draft({ formData: "{" })
      ]
      const good = Array.from({ length: 10 }, () => draft({}))
      const outcomes = yield* Effect.forEach([...good, ...bad], (draft) => Effect.result(repo.submit(draft)), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(
        outcomes.map((outcome) => (Result.isSuccess(outcome) ? "stored" : outcome.failure._tag)),
        [...good.map(() => "stored"), ...bad.map(() => "RecordRefused")]
      )
      assert.strictEqual(yield* count, good.length)
    }).pipe(Effect.provide(live))
  )

  it.live("no submission is lost when the server ends connections", () =>
    Effect.gen(function* () {
      const repo = yield* Service.SubmissionRepo
      const sql = yield* Columns.client
      const drafts = Array.from({ length: 200 }, () => draft({ key: randomUUID() }))
      const endAll = sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()`
      const submitting = Effect.forEach(
        drafts,
        (draft, index) =>
          index % 40 === 0
            ? Effect.andThen(Effect.ignore(endAll), repo.submit(draft))
            : Effect.andThen(Effect.yieldNow, repo.submit(draft)),
        { concurrency: 8 }
      )
      assert.deepStrictEqual(
        yield* submitting,
        drafts.map(({ submissionId }) => submissionId)
      )
      assert.strictEqual(yield* count, drafts.length)
    }).pipe(Effect.provide(live))
  )
})
