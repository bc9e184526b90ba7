import { assert, it } from "@effect/vitest"
import { ConfigProvider, Effect, type Metric, Redacted } from "effect"
import { Settings } from "../../src/Config.ts"
import * as Serve from "../../src/cli/Serve.ts"
import * as TestDatabase from "../support/postgres/TestDatabase.ts"
import * as TestMetrics from "../support/TestMetrics.ts"
import { until } from "../support/Wait.ts"
import * as Process from "../torture/Process.ts"
import * as Raw from "../torture/Raw.ts"

type Series = Metric.MetricRegistry extends Map<string, infer A> ? A : never

/** A registry that records every registration, replacements too. */
class Registry extends Map<string, Series> {
  readonly registered: Array<string> = []

  override set(key: string, series: Series): this {
    this.registered.push(`${series.id} ${Object.values(series.attributes ?? {}).join()}`)
    return super.set(key, series)
  }
}

it.live("serve builds the storage once and registers its metrics once", () =>
  Effect.gen(function* () {
    const { url } = yield* TestDatabase.connection
    const settings = yield* Settings.parse(ConfigProvider.fromUnknown({ PORT: "0" }))
    const registry = new Registry()
    yield* Serve.service(settings, { url }).pipe(Effect.provide(TestMetrics.make(registry).layer))
    assert.deepStrictEqual(registry.registered.filter((name) => name.startsWith("hydracore_batch_queue")).sort(), [
      "hydracore_batch_queue answer-pieces",
      "hydracore_batch_queue answers",
      "hydracore_batch_queue deliveries",
      "hydracore_batch_queue events",
      "hydracore_batch_queue page-views",
      "hydracore_batch_queue submissions",
      "hydracore_batch_queue turns"
    ])
  }).pipe(Effect.scoped)
)

it.live("the workers of serve divide the connection limit of an address", () =>
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
    yield* until("it is logged", () => service.output().includes("An address reached its limit of 2 connections"))
  }).pipe(Effect.scoped)
)
