/** The services of the composed storage with `ANALYTICS_URL`: websites in PostgreSQL, page views in ClickHouse over HTTP. */
import { ConfigProvider, Effect, Layer } from "effect"
import * as App from "../../src/App.ts"
import { Settings } from "../../src/Config.ts"
import * as AnalyticsRepo from "../suites/AnalyticsRepo.ts"
import * as SiteActivity from "../suites/SiteActivity.ts"
import * as SiteErasure from "../suites/SiteErasure.ts"
import * as HttpServer from "../support/clickhouse/HttpServer.ts"
import * as TestClickHouse from "../support/clickhouse/TestClickHouse.ts"
import * as TestDatabase from "../support/postgres/TestDatabase.ts"

const live = Layer.unwrap(
  Effect.gen(function* () {
    const server = yield* HttpServer.make
    const settings = yield* Settings.parse(
      ConfigProvider.fromUnknown({
        ANALYTICS_URL: server.url,
        ANALYTICS_INTERVAL: "1 millis",
        DATABASE_TIMEOUT: "30 seconds"
      })
    )
    return App.storage(settings)
  })
).pipe(Layer.provide(TestDatabase.layer), Layer.orDie)

TestClickHouse.describeWithClickHouse("with ClickHouse and PostgreSQL", () => {
  AnalyticsRepo.suite("clickhouse: AnalyticsRepo", live, { runs: 5 })
  SiteErasure.suite("clickhouse: SiteErasure", live, { runs: 2 })
  SiteActivity.suite("clickhouse: SiteActivity", live)
})
