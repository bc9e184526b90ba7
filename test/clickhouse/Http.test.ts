/** The production client, over HTTP. */
import { randomUUID } from "node:crypto"
import { assert, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import * as AnalyticsRepo from "../../src/clickhouse/analytics/AnalyticsRepo.ts"
import * as SeparateStore from "../../src/clickhouse/analytics/SeparateStore.ts"
import * as SiteDirectory from "../../src/memory/sites/SiteDirectory.ts"
import * as Service from "../../src/services/analytics/AnalyticsRepo.ts"
import * as Store from "../../src/services/analytics/SeparateStore.ts"
import { newSite, Shape, viewOf } from "../suites/PageViews.ts"
import * as HttpServer from "../support/clickhouse/HttpServer.ts"
import { describeWithClickHouse } from "../support/clickhouse/TestClickHouse.ts"
import * as WritableSites from "../support/clickhouse/WritableSites.ts"

const plain = Shape.make({
  ...{ age: 0, path: "/it's", referrerHost: null, referrerPath: null, deviceType: null, screenWidth: null },
  campaign: { source: null, medium: null, name: null, term: null, content: null },
  ...{ sessionId: null, browser: null, os: null, visitor: 0, country: null, exclusion: null }
})

describeWithClickHouse("clickhouse/ClickHouse over HTTP", () => {
  it.live("finds the rows of visitors whose hashes together exceed the maximum length of a URL", () =>
    Effect.gen(function* () {
      const server = yield* HttpServer.make
      yield* Effect.gen(function* () {
        const { append } = yield* Service.AnalyticsRepo
        const { visitorRows } = Option.getOrThrow(yield* Store.SeparateStore)
        const view = viewOf(yield* newSite, plain)
        const newHash = () => randomUUID().replaceAll("-", "")
        const visitorHash = newHash()
        yield* append({ ...view, visitorHash })
        yield* append({ ...view, visitorHash: newHash() })
        const others = Array.from({ length: 500 }, newHash)
        const { hostedWebsiteId, receivedAt } = view
        const found = yield* visitorRows({
          hostedWebsiteId,
          after: receivedAt - 1,
          until: receivedAt,
          visitorHashes: [...others, visitorHash]
        })
        assert.deepStrictEqual(
          found.map((row) => [row.visitorHash, row.sessionKey, row.view?.path]),
          [[visitorHash, visitorHash, plain.path]]
        )
      }).pipe(
        Effect.provide(
          Layer.merge(
            AnalyticsRepo.layer({ timeout: "20 seconds", maxQueue: 10, interval: "1 millis" }),
            SeparateStore.layer({ timeout: "20 seconds" })
          ).pipe(
            Layer.provideMerge(
              Layer.merge(
                HttpServer.clientOf(server),
                WritableSites.layer.pipe(Layer.provideMerge(SiteDirectory.layer()))
              )
            )
          )
        )
      )
    }).pipe(Effect.scoped)
  )
})
