import { randomUUID } from "node:crypto"
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it, layer as withLayer } from "@effect/vitest"
import { Effect, Layer, Result, Schema } from "effect"
import * as Service from "../../../src/analytics/AnalyticsRepo.ts"
import * as PageView from "../../../src/analytics/PageView.ts"
import * as AnalyticsRepo from "../../../src/analytics/postgres/AnalyticsRepo.ts"
import * as Reports from "../../../src/analytics/reports/postgres/Reports.ts"
import * as Columns from "../../../src/platform/postgres/Columns.ts"
import * as SiteDirectory from "../../../src/sites/postgres/SiteDirectory.ts"
import { suite } from "../../suites/AnalyticsRepo.ts"
import { Shape, shapeOf, viewOf } from "../../suites/PageViews.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"

const repo = AnalyticsRepo.layer({ timeout: "20 seconds", maxQueue: 10_000 })
/** Existing websites, by hosted_website_id. */
const websites = [randomUUID(), randomUUID()] as const

const addSite = (id: string) =>
  PgClient.PgClient.use(
    (sql) => sql`INSERT INTO site (website_config_id, hosted_website_id, tracking_token, name)
      VALUES (${id}, ${id}, ${randomUUID()}, 'test')`
  )

/** Creates a website and returns its hosted_website_id. */
const newSite = Effect.suspend(() => {
  const id = randomUUID()
  return Effect.as(addSite(id), id)
})

const database = Layer.effectDiscard(Effect.forEach(websites, addSite)).pipe(Layer.provideMerge(TestClient.layer))
const live = repo.pipe(Layer.provideMerge(database))

suite(
  "analytics/postgres/AnalyticsRepo",
  Layer.mergeAll(repo, Reports.layer({ timeout: "20 seconds" }), SiteDirectory.layer()).pipe(
    Layer.provide(TestClient.layer)
  )
)

const Text = Schema.NullOr(Schema.String)
const Rows = Schema.Array(
  Schema.Struct({
    received_at: Schema.Date,
    path: Schema.String,
    utm_source: Text,
    utm_medium: Text,
    utm_campaign: Text,
    utm_term: Text,
    utm_content: Text,
    referrer_host: Text,
    referrer_path: Text,
    device_type: Text,
    screen_width: Schema.NullOr(Schema.Int),
    session_id: Text,
    browser: Text,
    os: Text,
    visitor_hash: Schema.Uint8Array,
    country: Text,
    reason: Schema.optionalKey(Schema.Literals(PageView.exclusions))
  })
)

const stored = (table: "page_view" | "bot_view", hostedWebsiteId: string) =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const rows = yield* sql`SELECT * FROM ${sql(table)} WHERE hosted_website_id = ${hostedWebsiteId}`
    return (yield* Schema.decodeUnknownEffect(Rows)(rows)).map(
      (row): PageView.PageView => ({
        hostedWebsiteId,
        receivedAt: row.received_at.getTime(),
        path: row.path,
        campaign: {
          source: row.utm_source,
          medium: row.utm_medium,
          name: row.utm_campaign,
          term: row.utm_term,
          content: row.utm_content
        },
        referrerHost: row.referrer_host,
        referrerPath: row.referrer_path,
        deviceType: row.device_type,
        screenWidth: row.screen_width,
        sessionId: row.session_id,
        browser: row.browser,
        os: row.os,
        visitorHash: Buffer.from(row.visitor_hash).toString("hex"),
        country: row.country,
        exclusion: row.reason ?? null
      })
    )
  })

const plainView = viewOf(websites[0], shapeOf())

withLayer(live, { excludeTestServices: true })("analytics/postgres/AnalyticsRepo: columns", (it) => {
  it.effect.prop(
    "a view is stored unchanged in the table of its kind, and in no other",
    { shape: Shape },
    ({ shape }) =>
      Effect.gen(function* () {
        const repo = yield* Service.AnalyticsRepo
        const view = viewOf(yield* newSite, shape)
        yield* repo.append(view)
        const [table, otherTable] =
          view.exclusion !== null ? (["bot_view", "page_view"] as const) : (["page_view", "bot_view"] as const)
        assert.deepStrictEqual(yield* stored(table, view.hostedWebsiteId), [view])
        assert.deepStrictEqual(yield* stored(otherTable, view.hostedWebsiteId), [])
      }),
    { arbitrary: { runs: 50 } }
  )
})

describe("analytics/postgres/AnalyticsRepo: batches", () => {
  it.live("a batch is stored once, even if it is retried concurrently", () =>
    Effect.gen(function* () {
      const views = [plainView, { ...plainView, exclusion: "bot" as const }, plainView]
      const batchId = randomUUID()
      const clients = yield* Effect.all(Array.from({ length: 5 }, () => Columns.client))
      yield* Effect.forEach(clients, (sql) => AnalyticsRepo.storeBatch(sql, views, batchId), {
        concurrency: "unbounded"
      })
      yield* AnalyticsRepo.storeBatch(clients[0]!, views, batchId)
      assert.lengthOf(yield* stored("page_view", plainView.hostedWebsiteId), 2)
      assert.lengthOf(yield* stored("bot_view", plainView.hostedWebsiteId), 1)
    }).pipe(Effect.scoped, Effect.provide(live))
  )

  it.live("only the views that the database or the driver cannot store are refused", () =>
    Effect.gen(function* () {
      const repo = yield* Service.AnalyticsRepo
      const views = Array.from({ length: 30 }, (_, index) =>
        index === 3
          ? { ...plainView, path: "a\0b" }
          : index === 11
            ? { ...plainView, screenWidth: 70_000 }
            : index === 12
              ? { ...plainView, receivedAt: Number.NaN }
              : plainView
      )
      const outcomes = yield* Effect.forEach(views, (view) => Effect.result(repo.append(view)), {
        concurrency: "unbounded"
      })
      outcomes.forEach((outcome, index) => {
        const refused = Result.isFailure(outcome) && outcome.failure._tag === "RecordRefused"
        assert.strictEqual(refused, [3, 11, 12].includes(index))
        assert.strictEqual(Result.isFailure(outcome), refused)
      })
      assert.lengthOf(yield* stored("page_view", plainView.hostedWebsiteId), 27)
    }).pipe(Effect.provide(live))
  )

  it.live("no view is lost or duplicated when the server ends connections", () =>
    Effect.gen(function* () {
      const repo = yield* Service.AnalyticsRepo
      const sql = yield* PgClient.PgClient
      const endAll = sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()`
      yield* Effect.forEach(
        Array.from({ length: 400 }, (_, index) => index),
        (index) => Effect.andThen(index % 50 === 0 ? Effect.ignore(endAll) : Effect.yieldNow, repo.append(plainView)),
        { concurrency: 16 }
      )
      assert.lengthOf(yield* stored("page_view", plainView.hostedWebsiteId), 400)
    }).pipe(Effect.provide(live))
  )

  it.live("a hanging batch fails at its deadline and is stored at most once; later batches are stored", () =>
    Effect.gen(function* () {
      const repo = yield* Service.AnalyticsRepo
      const sql = yield* PgClient.PgClient
      const hangingView = { ...plainView, hostedWebsiteId: websites[1] }
      yield* sql.withTransaction(
        Effect.gen(function* () {
          yield* sql`LOCK TABLE page_view IN ACCESS EXCLUSIVE MODE`
          const error = yield* Effect.flip(repo.append(hangingView))
          assert.deepInclude(error, { _tag: "StorageUnavailable", reason: "timeout" })
        })
      )
      // Retried, because a busy machine may miss the short deadline.
      yield* repo.append(plainView).pipe(Effect.eventually, Effect.timeout("60 seconds"))
      assert.isAtLeast((yield* stored("page_view", plainView.hostedWebsiteId)).length, 1)
      assert.isAtMost((yield* stored("page_view", hangingView.hostedWebsiteId)).length, 1)
    }).pipe(
      Effect.provide(AnalyticsRepo.layer({ timeout: "300 millis", maxQueue: 10 }).pipe(Layer.provideMerge(database)))
    )
  )
})
