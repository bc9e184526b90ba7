import { assert, it } from "@effect/vitest"
import { ConfigProvider, Effect, Redacted } from "effect"
import { Settings } from "../../src/Config.ts"
import * as Serve from "../../src/cli/Serve.ts"
import * as MemoryMetrics from "../../src/memory/Metrics.ts"
import { Metrics } from "../../src/services/Metrics.ts"
import * as TestDatabase from "../support/postgres/TestDatabase.ts"
import { until } from "../support/Wait.ts"
import * as Process from "../torture/Process.ts"
import * as Raw from "../torture/Raw.ts"

it.live("serve makes all that it stores with once, and has it measured once", () =>
  Effect.gen(function* () {
    const { url } = yield* TestDatabase.connection
    const settings = yield* Settings.parse(ConfigProvider.fromUnknown({ PORT: "0" }))
    const metrics = MemoryMetrics.make()
    const watched: Array<string> = []
    yield* Serve.service(settings, { url }).pipe(
      Effect.provideService(Metrics, {
        ...metrics,
        watch: (name, labels, read) => {
          watched.push(`${name} ${Object.values(labels).join()}`)
          metrics.watch(name, labels, read)
        }
      })
    )
    assert.deepStrictEqual(watched.filter((name) => name.startsWith("batchQueue")).sort(), [
      "batchQueue page-views",
      "batchQueue submissions"
    ])
  }).pipe(Effect.scoped)
)

it.live("the workers of serve divide the bound of an address's connections", () =>
  Effect.gen(function* () {
    const { url } = yield* TestDatabase.connection
    const environment = { DATABASE_URL: Redacted.value(url), CONNECTIONS_PER_ADDRESS: "4" }
    const service = yield* Process.start("serve", environment, ["--workers", "2"])
    const connections: Array<Raw.Raw> = []
    for (let times = 0; times < 12; times++) {
      const connection = yield* Raw.open(service.port)
      connection.write("HEAD /healthz HTTP/1.1\r\nHost: edge\r\n\r\n")
      yield* until("it is answered", () => Raw.statuses(connection.received()).length === 1)
      connections.push(connection)
    }
    const open = () => connections.filter(({ closed }) => !closed()).length
    yield* until("only as many are open as may be", () => open() <= 4)
    assert.strictEqual(open(), 4)
    yield* until("it is logged", () => service.output().includes("An address reached its bound of 2 connections"))
  }).pipe(Effect.scoped)
)
