import { randomUUID } from "node:crypto"
import { assert, layer as withLayer } from "@effect/vitest"
import { Effect, Layer, Result, Schema } from "effect"
import * as Service from "../../../src/analytics/AnalyticsRepo.ts"
import * as AnalyticsRepo from "../../../src/analytics/clickhouse/AnalyticsRepo.ts"
import type { PageView } from "../../../src/analytics/PageView.ts"
import { ClickHouse } from "../../../src/platform/clickhouse/ClickHouse.ts"
import { ClickHouseError } from "../../../src/platform/clickhouse/Errors.ts"
import { decodeRows } from "../../../src/platform/runtime/Rows.ts"
import * as SiteDirectory from "../../../src/sites/SiteDirectory.ts"
import { newSite, shapeOf, viewOf } from "../../suites/PageViews.ts"
import * as TestClickHouse from "../../support/clickhouse/TestClickHouse.ts"
import * as WritableSites from "../../support/clickhouse/WritableSites.ts"

const sites = WritableSites.layer.pipe(Layer.provideMerge(SiteDirectory.layerMemory()))

const repo = AnalyticsRepo.layer({ timeout: "20 seconds", maxQueue: 1_000, interval: "5 millis" })

const live = repo.pipe(Layer.provideMerge(Layer.merge(TestClickHouse.layer, sites)))

const plain = shapeOf({ screenWidth: 32_767 })

const Paths = Schema.Array(Schema.Struct({ path: Schema.String }))

const pathsOf = (table: "page_view" | "bot_view", site: string) =>
  ClickHouse.use(({ query }) =>
    query(`SELECT path FROM ${table} WHERE hosted_website_id = {site:UUID} ORDER BY path`, { parameters: { site } })
  ).pipe(
    decodeRows(Paths),
    Effect.map((rows) => rows.map(({ path }) => path))
  )

const appendAll = (views: ReadonlyArray<PageView>) =>
  Service.AnalyticsRepo.use(({ append }) =>
    Effect.forEach(views, (view) => Effect.result(append(view)), { concurrency: "unbounded" })
  )

/** A path that the server of `refusing` rejects. It stands for a value that the service accepts but ClickHouse does not. */
const bad = "/refused by the server"

const refusing = Layer.effect(
  ClickHouse,
  Effect.map(ClickHouse, (clickHouse) => ({
    ...clickHouse,
    insert: (batch: Parameters<typeof clickHouse.insert>[0]) =>
      batch.rows.some((row) => row.includes(bad))
        ? Effect.fail(new ClickHouseError({ reason: "refused", code: "INCORRECT_DATA", cause: new Error("refused") }))
        : clickHouse.insert(batch)
  }))
)

TestClickHouse.describeWithClickHouse("analytics/clickhouse/Batches", () => {
  withLayer(live, { excludeTestServices: true })((it) => {
    it.effect("a retried batch is stored once, also if it is sent concurrently or spans two months", () =>
      Effect.gen(function* () {
        const site = yield* newSite
        const view = viewOf(site, plain)
        const views = [view, { ...view, receivedAt: Date.UTC(2028, 1, 28) }, { ...view, hostedWebsiteId: randomUUID() }]
        const batchId = randomUUID()
        const stored = AnalyticsRepo.store(AnalyticsRepo.counted, views, batchId)
        const outcomes = yield* Effect.all([stored, stored, stored], { concurrency: "unbounded" })
        yield* stored
        for (const each of outcomes) assert.deepStrictEqual(each.map(Result.isSuccess), [true, true, false])
        assert.lengthOf(yield* pathsOf("page_view", site), 2)
      })
    )

    it.effect(
      "a view with a value that its column cannot hold is refused, and the rest of its batch is stored, bot views in their own table",
      () =>
        Effect.gen(function* () {
          const site = yield* newSite
          const view = viewOf(site, plain)
          const outcomes = yield* appendAll([
            { ...view, path: "/1" },
            { ...view, screenWidth: 70_000 },
            { ...view, receivedAt: Number.NaN },
            { ...view, receivedAt: -1 },
            { ...view, visitorHash: "no hash" },
            { ...view, path: "\ud800" },
            { ...view, path: "/bot", exclusion: "bot" },
            { ...view, path: "/2" }
          ])
          assert.deepStrictEqual(outcomes.map(Result.isSuccess), [true, false, false, false, false, false, true, true])
          for (const outcome of outcomes) {
            if (Result.isFailure(outcome)) assert.strictEqual(outcome.failure._tag, "RecordRefused")
          }
          assert.deepStrictEqual(yield* pathsOf("page_view", site), ["/1", "/2"])
          assert.deepStrictEqual(yield* pathsOf("bot_view", site), ["/bot"])
        })
    )
  })

  withLayer(
    repo.pipe(
      Layer.provideMerge(Layer.merge(refusing.pipe(Layer.provideMerge(TestClickHouse.layer)), sites)),
      Layer.fresh
    ),
    { excludeTestServices: true }
  )((it) => {
    it.effect("a view that the server rejects is refused, and the rest of its batch is stored once", () =>
      Effect.gen(function* () {
        const site = yield* newSite
        const paths = ["/1", "/2", bad, "/3", "/4", "/5"]
        const outcomes = yield* appendAll(paths.map((path) => ({ ...viewOf(site, plain), path })))
        assert.deepStrictEqual(
          outcomes.map(Result.isSuccess),
          paths.map((path) => path !== bad)
        )
        assert.deepStrictEqual(yield* pathsOf("page_view", site), ["/1", "/2", "/3", "/4", "/5"])
      })
    )
  })
})
