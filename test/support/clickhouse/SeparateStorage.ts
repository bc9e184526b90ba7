/** The storage that `ANALYTICS_URL` composes: websites in PostgreSQL, page views in ClickHouse over HTTP. */
import { ConfigProvider, Effect, Layer } from "effect"
import * as App from "../../../src/App.ts"
import { Settings } from "../../../src/Config.ts"
import * as TestClient from "../postgres/TestClient.ts"
import type { Storage } from "../Storages.ts"
import * as HttpServer from "./HttpServer.ts"

export const layer: Layer.Layer<Storage> = Layer.unwrap(
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
).pipe(Layer.provide(TestClient.layer), Layer.orDie)
