import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Metric, Schema } from "effect"
import { HttpServer } from "effect/http"
import * as Metrics from "../../src/core/metrics/Metrics.ts"
import * as Snapshot from "../../src/core/metrics/Snapshot.ts"
import * as Inspection from "../../src/telemetry/Inspection.ts"
import * as MetricsServer from "../../src/telemetry/MetricsServer.ts"

const Count = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1e12 }))

const name = "hydracore_untrusted_forwarded_total"

describe("telemetry/Inspection", () => {
  it.prop("reads the value of a counter from the rendered metrics", [Count, Count], ([count, other]) => {
    const context = Snapshot.toContext([])
    Metrics.untrustedForwarded({}).updateUnsafe(count, context)
    Metrics.limiterFallbacks({}).updateUnsafe(other, context)
    const text = MetricsServer.render(Snapshot.take(context))
    assert.strictEqual(Inspection.valueOf(text, name), count)
    assert.isUndefined(Inspection.valueOf(text, "hydracore_untrusted"))
  })

  it.live("reads the metrics of a running service, and fails if no service answers", () =>
    Effect.gen(function* () {
      const context = yield* Effect.context<never>()
      Metrics.untrustedForwarded({}).updateUnsafe(3, context)
      const snapshot = Effect.sync(() => Snapshot.take(context))
      const built = yield* Layer.build(MetricsServer.layer({ host: "127.0.0.1", port: 0 }, snapshot))
      const { address } = yield* Effect.provide(HttpServer.HttpServer, built)
      const metricsPort = Number(new URL(HttpServer.formatAddress(address)).port)
      const read = (port: number) => Inspection.read({ host: "127.0.0.1", port }, "5 seconds")
      const valueOf = yield* read(metricsPort)
      assert.deepStrictEqual([valueOf(name), valueOf("other_total")], [3, undefined])
      assert.strictEqual((yield* Effect.flip(read(1)))._tag, "MetricsUnavailable")
    }).pipe(
      Effect.scoped,
      Effect.provideService(Metric.MetricRegistry, new Map()),
      Effect.provide(NodeHttpClient.layerNodeHttp)
    )
  )
})
