import { assert, it } from "@effect/vitest"
import { ConfigProvider, Effect, type Metric } from "effect"
import { Settings } from "../../../src/Config.ts"
import * as Serve from "../../../src/cli/commands/Serve.ts"
import * as TestDatabase from "../../support/postgres/TestDatabase.ts"
import * as TestMetrics from "../../support/TestMetrics.ts"

type Series = Metric.MetricRegistry extends Map<string, infer A> ? A : never

/** A registry that records every registration, including replacements. */
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
