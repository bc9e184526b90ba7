/** An erasure during writes, counts and retention. */
import { randomUUID } from "node:crypto"
import { PgClient, PgTypes } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Option, Result } from "effect"
import * as AnalyticsRepo from "../../../src/postgres/analytics/AnalyticsRepo.ts"
import * as Columns from "../../../src/postgres/batch/Columns.ts"
import * as Database from "../../../src/postgres/Database.ts"
import * as Decisions from "../../../src/postgres/sites/Decisions.ts"
import * as Analytics from "../../../src/services/analytics/AnalyticsRepo.ts"
import * as Submissions from "../../../src/services/forms/SubmissionRepo.ts"
import { create, erase, live, nothing, view, viewsOf, waiting, waitingFor } from "../../support/postgres/ErasedSite.ts"
import { draft } from "../../support/TestSubmissions.ts"

describe("postgres/sites/SiteErasure: concurrent writes", () => {
  it.live("it waits for a batch that found the website, and deletes its views with the rest", () =>
    Effect.gen(function* () {
      const batches = yield* Columns.client
      const site = yield* create
      const erasing = yield* batches.withTransaction(
        Effect.gen(function* () {
          yield* AnalyticsRepo.storeBatch(batches, [view(site.hostedWebsiteId)], randomUUID())
          const fiber = yield* Effect.forkDetach(erase(site.websiteConfigId))
          yield* waitingFor(fiber)
          return fiber
        })
      )
      assert.deepStrictEqual(yield* Fiber.join(erasing), Option.some({ ...nothing, pageViews: 1 }))
      assert.strictEqual(yield* viewsOf(site.hostedWebsiteId), 0)
    }).pipe(Effect.scoped, Effect.provide(live))
  )

  it.live("waits for a batch that has found the website but not yet stored its rows; later batches do not wait", () =>
    Effect.gen(function* () {
      const [batches, later] = [yield* Columns.client, yield* Columns.client]
      const another = yield* Database.dedicated()
      const [site, other] = [yield* create, yield* create]
      const batchId = randomUUID()
      const both = [view(site.hostedWebsiteId), view(other.hostedWebsiteId)]
      const [storing, erasing] = yield* another.withTransaction(
        Effect.gen(function* () {
          // A batch with the same id waits, with its snapshot of the websites, until this is rolled back.
          yield* another`INSERT INTO page_view_batch (batch_id) VALUES (${PgTypes.uuid(batchId)})`
          const storing = yield* Effect.forkDetach(AnalyticsRepo.storeBatch(batches, both, batchId))
          yield* waiting
          const erasing = yield* Effect.forkDetach(erase(site.websiteConfigId))
          yield* waitingFor(erasing)
          const [mine, others] = yield* AnalyticsRepo.storeBatch(later, both, randomUUID())
          assert.isTrue(
            mine !== undefined && Result.isFailure(mine) && others !== undefined && Result.isSuccess(others)
          )
          yield* another`DELETE FROM page_view_batch WHERE batch_id = ${PgTypes.uuid(batchId)}`
          return [storing, erasing] as const
        })
      )
      for (const outcome of yield* Fiber.join(storing)) assert.isTrue(Result.isSuccess(outcome))
      assert.deepStrictEqual(yield* Fiber.join(erasing), Option.some({ ...nothing, pageViews: 1 }))
      assert.strictEqual(yield* viewsOf(site.hostedWebsiteId), 0)
      assert.strictEqual(yield* viewsOf(other.hostedWebsiteId), 2)
    }).pipe(Effect.scoped, Effect.provide(live))
  )

  it.live("concurrent batches of one website write no row locks", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const site = yield* create
      yield* AnalyticsRepo.storeBatch(yield* Columns.client, [view(site.hostedWebsiteId)], randomUUID())
      // A lock on the row would remain visible afterwards.
      const rows = yield* sql`SELECT xmax::text FROM site`
      assert.deepStrictEqual(rows, [{ xmax: "0" }])
    }).pipe(Effect.scoped, Effect.provide(live))
  )

  it.live("partitions are found in the schema of the tables with any search path", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const site = yield* create
      yield* AnalyticsRepo.storeBatch(yield* Columns.client, [view(site.hostedWebsiteId)], randomUUID())
      yield* sql`CREATE SCHEMA AUTHORIZATION CURRENT_USER`
      assert.deepStrictEqual(yield* erase(site.websiteConfigId), Option.some({ ...nothing, pageViews: 1 }))
    }).pipe(Effect.scoped, Effect.provide(live))
  )

  it.live("a website deleted during a batch of counts does not affect the others", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const [site, other] = [yield* create, yield* create]
      const entries = [site, other].map(
        ({ websiteConfigId }) =>
          ({ subject: { _tag: "Known", websiteConfigId }, reason: "bot", day: "2026-11-01", times: 3 }) as const
      )
      const another = yield* Database.dedicated()
      const storing = yield* another.withTransaction(
        Effect.gen(function* () {
          yield* another`DELETE FROM site WHERE website_config_id = ${site.websiteConfigId}`
          const fiber = yield* Effect.forkDetach(Decisions.storeBatch(sql, entries, randomUUID()))
          yield* waiting
          return fiber
        })
      )
      yield* Fiber.join(storing)
      const rows = yield* sql`SELECT website_config_id AS id, times FROM not_counted`
      assert.deepStrictEqual(rows, [{ id: other.websiteConfigId, times: 3n }])
    }).pipe(Effect.scoped, Effect.provide(live))
  )

  it.live("a website under load is erased completely, and its neighbour loses nothing", () =>
    Effect.gen(function* () {
      const views = yield* Analytics.AnalyticsRepo
      const repo = yield* Submissions.SubmissionRepo
      const [site, other] = [yield* create, yield* create]
      const begun = yield* Deferred.make<void>()
      let taken = 0
      // Each writes until it is refused, and returns the refusal.
      const writer = Effect.gen(function* () {
        while (true) {
          const [mine, form, others] = yield* Effect.all(
            [
              Effect.result(views.append(view(site.hostedWebsiteId))),
              Effect.result(repo.submit(draft({ websiteConfigId: site.websiteConfigId, key: randomUUID() }))),
              views.append(view(other.hostedWebsiteId))
            ],
            { concurrency: "unbounded" }
          )
          assert.isUndefined(others)
          if (++taken === 50) yield* Deferred.succeed(begun, undefined)
          if (Result.isFailure(mine) && Result.isFailure(form)) return [mine.failure, form.failure]
        }
      })
      const writers = yield* Effect.forEach(Array.from({ length: 8 }), () => Effect.forkChild(writer))
      yield* Deferred.await(begun)
      const erased = Option.getOrThrow(yield* erase(site.websiteConfigId))
      const ends = yield* Effect.forEach(writers, Fiber.join)
      for (const error of ends.flat()) assert.deepInclude(error, { _tag: "RecordRefused", reason: "unknown-site" })
      assert.isAbove(erased.pageViews, 0)
      assert.isAbove(erased.submissions, 0)
      assert.strictEqual(erased.idempotencyKeys, erased.submissions)
      assert.strictEqual(yield* viewsOf(site.hostedWebsiteId), 0)
      assert.strictEqual(yield* viewsOf(other.hostedWebsiteId), taken)
    }).pipe(Effect.provide(live))
  )

  it.live("a partition that is dropped meanwhile is skipped", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const site = yield* create
      yield* sql`CREATE TABLE page_view_2025_01 PARTITION OF page_view FOR VALUES FROM ('2025-01-01Z') TO ('2025-02-01Z')`
      yield* AnalyticsRepo.storeBatch(yield* Columns.client, [view(site.hostedWebsiteId)], randomUUID())
      const another = yield* Database.dedicated()
      const erasing = yield* another.withTransaction(
        Effect.gen(function* () {
          yield* another`DROP TABLE page_view_2025_01`
          const fiber = yield* Effect.forkDetach(erase(site.websiteConfigId))
          yield* waiting
          return fiber
        })
      )
      assert.deepStrictEqual(yield* Fiber.join(erasing), Option.some({ ...nothing, pageViews: 1 }))
    }).pipe(Effect.scoped, Effect.provide(live))
  )
})
