/**
 * What a client and its batches do when a ClickHouse server, or the network to it, fails.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Redacted, Result, Schema } from "effect"
import * as Service from "../../src/analytics/AnalyticsRepo.ts"
import * as AnalyticsRepo from "../../src/analytics/clickhouse/AnalyticsRepo.ts"
import { bounded, ClickHouse, layer as clientLayer } from "../../src/platform/clickhouse/ClickHouse.ts"
import { decodeRows } from "../../src/platform/runtime/Rows.ts"
import * as SiteDirectory from "../../src/sites/SiteDirectory.ts"
import { newSite, shapeOf, viewOf } from "../suites/PageViews.ts"
import * as HttpServer from "../support/clickhouse/HttpServer.ts"
import { describeWithClickHouse } from "../support/clickhouse/TestClickHouse.ts"
import * as WritableSites from "../support/clickhouse/WritableSites.ts"

const plain = shapeOf()

const Count = Schema.Tuple([Schema.Struct({ views: Schema.Int })])

/** The number of stored views of a website. */
const countStored = (site: string) =>
  ClickHouse.use(({ query }) =>
    query("SELECT count() AS views FROM page_view WHERE hosted_website_id = {site:UUID}", { parameters: { site } })
  ).pipe(
    decodeRows(Count),
    Effect.map(([{ views }]) => views)
  )

const append = (site: string) => Service.AnalyticsRepo.use((repo) => repo.append(viewOf(site, plain)))

/** Runs a test against the server. `timeout` limits how long a page view may take to be stored. */
const withServer = <A, E>(
  timeout: `${number} millis`,
  maxQueue: number,
  test: (
    server: HttpServer.HttpServer
  ) => Effect.Effect<
    A,
    E,
    ClickHouse | Service.AnalyticsRepo | import("../../src/sites/SiteDirectory.ts").SiteDirectory
  >
) =>
  Effect.gen(function* () {
    const server = yield* HttpServer.Shared
    return yield* test(server).pipe(
      Effect.provide(
        AnalyticsRepo.layer({ timeout, maxQueue, interval: "1 millis" }).pipe(
          Layer.provideMerge(
            Layer.merge(
              HttpServer.clientOf(server),
              WritableSites.layer.pipe(Layer.provideMerge(SiteDirectory.layerMemory()))
            )
          )
        )
      )
    )
  }).pipe(Effect.scoped)

describeWithClickHouse("faults of ClickHouse", () => {
  layer(HttpServer.shared, { excludeTestServices: true })((it) => {
    for (const fault of [
      "lose the request",
      "lose the answer",
      "cut the answer",
      "fail",
      "fail in mid-answer",
      "bad gateway"
    ] as const) {
      it.effect(`a view is stored once if the server or the network fails twice: ${fault}`, () =>
        withServer("20000 millis", 100, ({ faults }) =>
          Effect.gen(function* () {
            const site = yield* newSite
            faults.push(fault, fault)
            yield* append(site)
            assert.strictEqual(yield* countStored(site), 1)
          })
        )
      )
    }

    it.effect(
      "nothing is acknowledged while the server does not answer, the queue is bounded, and later views are stored",
      () =>
        withServer("400 millis", 3, ({ faults }) =>
          Effect.gen(function* () {
            const site = yield* newSite
            faults.push("hang", "hang", "hang")
            const outcomes = yield* Effect.forEach(Array.from({ length: 10 }), () => Effect.result(append(site)), {
              concurrency: "unbounded"
            })
            const reasons = outcomes.map((outcome) =>
              Result.isFailure(outcome) && outcome.failure._tag === "StorageUnavailable"
                ? outcome.failure.reason
                : "stored"
            )
            assert.notInclude(reasons, "stored")
            assert.isAtLeast(reasons.filter((reason) => reason === "overloaded").length, 7)
            faults.length = 0
            yield* append(site).pipe(Effect.eventually, Effect.timeout("60 seconds"))
            assert.isAtLeast(yield* countStored(site), 1)
          })
        )
    )

    it.effect("a wrong password is an error that contains neither this password nor the right one", () =>
      withServer("500 millis", 10, (server) =>
        Effect.gen(function* () {
          const wrong = Redacted.make({ ...Redacted.value(server.address), password: "another secret" })
          const error = yield* ClickHouse.use(({ query }) => bounded("60 seconds")(query("SELECT 1"))).pipe(
            Effect.provide(clientLayer({ address: wrong, connections: 1 })),
            Effect.flip
          )
          assert.deepInclude(error, { _tag: "StorageUnavailable", code: "AUTHENTICATION_FAILED" })
          assert.notMatch(JSON.stringify(error), /secret|pass:w/)
        })
      )
    )

    for (const fault of ["cut the answer", "fail in mid-answer"] as const) {
      it.effect(`a query whose answer breaks off fails, and the next query succeeds: ${fault}`, () =>
        withServer("500 millis", 10, ({ faults }) =>
          Effect.gen(function* () {
            const { query } = yield* ClickHouse
            faults.push(fault)
            const error = yield* Effect.flip(query("SELECT number FROM numbers(1000)"))
            assert.strictEqual(error._tag, "ClickHouseError")
            assert.lengthOf(yield* query("SELECT number FROM numbers(1000)"), 1000)
          })
        )
      )
    }
  })
})
