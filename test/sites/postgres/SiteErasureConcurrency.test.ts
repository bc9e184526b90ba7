/** Erasures during concurrent writes and dropped partitions. */
import { randomUUID } from "node:crypto"
import { PgClient, PgTypes } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Option, Result } from "effect"
import * as Analytics from "../../../src/analytics/AnalyticsRepo.ts"
import * as AnalyticsRepo from "../../../src/analytics/postgres/AnalyticsRepo.ts"
import * as Submissions from "../../../src/forms/SubmissionRepo.ts"
import * as Columns from "../../../src/platform/postgres/Columns.ts"
import * as Database from "../../../src/platform/postgres/Database.ts"
import * as Decisions from "../../../src/sites/postgres/Decisions.ts"
import { anything } from "../../support/DecisionCounts.ts"
import {
  countViews,
  create,
  erase,
  live,
  nothing,
  untilWaitsForWriters,
  view
} from "../../support/postgres/ErasedSite.ts"
import * as Locks from "../../support/postgres/Locks.ts"
import { draft } from "../../support/TestSubmissions.ts"

describe("privacy/postgres/SiteErasure: concurrent writes", () => {
  it.live("an erasure waits for a batch that has stored views of the website, and deletes them", () =>
    Effect.gen(function* () {
      const batches = yield* Columns.client
      const site = yield* create
      const storing = AnalyticsRepo.storeBatch(batches, [view(site.hostedWebsiteId)], randomUUID())
      const batch = yield* Locks.openTransaction(batches, storing)
      const erasure = yield* Effect.forkChild(erase(site.websiteConfigId))
      yield* untilWaitsForWriters(erasure)
      yield* batch.commit
      assert.deepStrictEqual(yield* Fiber.join(erasure), Option.some({ ...nothing, page_views: 1 }))
      assert.strictEqual(yield* countViews(site.hostedWebsiteId), 0)
    }).pipe(Effect.scoped, Effect.provide(live))
  )

  it.live(
    "an erasure waits for a batch that has found the website but not yet stored its rows; later batches do not wait",
    () =>
      Effect.gen(function* () {
        const [batches, later] = [yield* Columns.client, yield* Columns.client]
        const client = yield* Database.dedicated()
        const [site, other] = [yield* create, yield* create]
        const batchId = randomUUID()
        const both = [view(site.hostedWebsiteId), view(other.hostedWebsiteId)]
        // A batch with the same id waits, with its snapshot of the websites, until this transaction ends.
        const blocker = yield* Locks.openTransaction(
          client,
          client`INSERT INTO page_view_batch (batch_id) VALUES (${PgTypes.uuid(batchId)})`,
          client`DELETE FROM page_view_batch WHERE batch_id = ${PgTypes.uuid(batchId)}`
        )
        const storing = yield* Effect.forkChild(AnalyticsRepo.storeBatch(batches, both, batchId))
        yield* Locks.untilAwaited(yield* PgClient.PgClient)
        const erasure = yield* Effect.forkChild(erase(site.websiteConfigId))
        yield* untilWaitsForWriters(erasure)
        const laterOutcomes = yield* AnalyticsRepo.storeBatch(later, both, randomUUID())
        assert.deepStrictEqual(laterOutcomes.map(Result.isSuccess), [false, true])
        yield* blocker.commit
        for (const outcome of yield* Fiber.join(storing)) assert.isTrue(Result.isSuccess(outcome))
        assert.deepStrictEqual(yield* Fiber.join(erasure), Option.some({ ...nothing, page_views: 1 }))
        assert.strictEqual(yield* countViews(site.hostedWebsiteId), 0)
        assert.strictEqual(yield* countViews(other.hostedWebsiteId), 2)
      }).pipe(Effect.scoped, Effect.provide(live))
  )

  it.live(
    "a batch writes no lock into the row of its website, so that concurrent batches do not wait for each other",
    () =>
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const site = yield* create
        yield* AnalyticsRepo.storeBatch(yield* Columns.client, [view(site.hostedWebsiteId)], randomUUID())
        // A lock on a row remains in its `xmax`.
        const rows = yield* sql`SELECT xmax::text FROM site`
        assert.deepStrictEqual(rows, [{ xmax: "0" }])
      }).pipe(Effect.scoped, Effect.provide(live))
  )

  it.live("an erasure finds the partitions even if the search path begins with another schema", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const site = yield* create
      yield* AnalyticsRepo.storeBatch(yield* Columns.client, [view(site.hostedWebsiteId)], randomUUID())
      yield* sql`CREATE SCHEMA AUTHORIZATION CURRENT_USER`
      assert.deepStrictEqual(yield* erase(site.websiteConfigId), Option.some({ ...nothing, page_views: 1 }))
    }).pipe(Effect.scoped, Effect.provide(live))
  )

  it.live("the deletion of a website during a batch of counts does not affect the counts of other websites", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const [site, other] = [yield* create, yield* create]
      const entries = [site, other].map(
        ({ websiteConfigId }) =>
          ({
            subject: { _tag: "Known", websiteConfigId },
            reason: "bot",
            day: "2026-11-01",
            times: 3,
            ...anything
          }) as const
      )
      const client = yield* Database.dedicated()
      const deletion = yield* Locks.openTransaction(
        client,
        client`DELETE FROM site WHERE website_config_id = ${site.websiteConfigId}`
      )
      const storing = yield* Effect.forkChild(Decisions.storeBatch(sql, entries, randomUUID()))
      yield* Locks.untilAwaited(sql)
      yield* deletion.commit
      yield* Fiber.join(storing)
      const rows = yield* sql`SELECT website_config_id AS id, times FROM not_counted`
      assert.deepStrictEqual(rows, [{ id: other.websiteConfigId, times: 3n }])
    }).pipe(Effect.scoped, Effect.provide(live))
  )

  it.live("a website that gets data during its erasure is erased completely, and another website loses nothing", () =>
    Effect.gen(function* () {
      const views = yield* Analytics.AnalyticsRepo
      const repo = yield* Submissions.SubmissionRepo
      const [site, other] = [yield* create, yield* create]
      const begun = yield* Deferred.make<void>()
      let rounds = 0
      // Each writer writes until both of its writes are refused, and returns their errors.
      const writer = Effect.gen(function* () {
        while (true) {
          const [viewed, submitted, viewedOther] = yield* Effect.all(
            [
              Effect.result(views.append(view(site.hostedWebsiteId))),
              Effect.result(repo.submit(draft({ websiteConfigId: site.websiteConfigId, key: randomUUID() }))),
              views.append(view(other.hostedWebsiteId))
            ],
            { concurrency: "unbounded" }
          )
          assert.isUndefined(viewedOther)
          if (++rounds === 50) yield* Deferred.succeed(begun, undefined)
          if (Result.isFailure(viewed) && Result.isFailure(submitted)) return [viewed.failure, submitted.failure]
        }
      })
      const writers = yield* Effect.forEach(Array.from({ length: 8 }), () => Effect.forkChild(writer))
      yield* Deferred.await(begun)
      const erased = Option.getOrThrow(yield* erase(site.websiteConfigId))
      const errors = yield* Effect.forEach(writers, Fiber.join)
      for (const error of errors.flat()) assert.deepInclude(error, { _tag: "RecordRefused", reason: "unknown-site" })
      assert.isAbove(erased.page_views, 0)
      assert.isAbove(erased.submissions, 0)
      const sql = yield* PgClient.PgClient
      const keys = yield* sql`SELECT 1 FROM idempotency_key WHERE website_config_id = ${site.websiteConfigId}`
      assert.strictEqual(keys.length, 0)
      assert.strictEqual(yield* countViews(site.hostedWebsiteId), 0)
      assert.strictEqual(yield* countViews(other.hostedWebsiteId), rounds)
    }).pipe(Effect.provide(live))
  )

  it.live("an erasure skips a partition that is dropped at the same time", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const site = yield* create
      yield* sql`CREATE TABLE page_view_2025_01 PARTITION OF page_view FOR VALUES FROM ('2025-01-01Z') TO ('2025-02-01Z')`
      yield* AnalyticsRepo.storeBatch(yield* Columns.client, [view(site.hostedWebsiteId)], randomUUID())
      const client = yield* Database.dedicated()
      const drop = yield* Locks.openTransaction(client, client`DROP TABLE page_view_2025_01`)
      const erasure = yield* Effect.forkChild(erase(site.websiteConfigId))
      yield* Locks.untilAwaited(sql)
      yield* drop.commit
      assert.deepStrictEqual(yield* Fiber.join(erasure), Option.some({ ...nothing, page_views: 1 }))
    }).pipe(Effect.scoped, Effect.provide(live))
  )
})
