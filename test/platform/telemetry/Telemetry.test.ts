import { assert, it } from "@effect/vitest"
import { Effect, Logger, Metric, Option, Redacted, References, Tracer } from "effect"
import * as Telemetry from "../../../src/platform/telemetry/Telemetry.ts"

const options: Telemetry.Options = {
  level: "Info",
  format: "json",
  version: "0",
  metrics: false,
  otlp: Option.none()
}

it.effect("with neither an endpoint nor a metrics port, there is only a logger", () =>
  Effect.gen(function* () {
    const registry: Metric.MetricRegistry = new Map()
    yield* Effect.gen(function* () {
      assert.strictEqual(yield* Tracer.Tracer, Tracer.nativeTracer)
      assert.isFalse(yield* References.TracerEnabled)
      assert.strictEqual((yield* Logger.CurrentLoggers).size, 1)
      assert.isEmpty(registry)
    }).pipe(Effect.provide(Telemetry.layer(options)), Effect.provideService(Metric.MetricRegistry, registry))
  })
)

it.live("with an endpoint, there are a second logger and a tracer, and spans are off by default", () =>
  Effect.gen(function* () {
    const otlp = {
      // Nothing listens here, and nothing is sent before the scope closes.
      endpoint: "http://127.0.0.1:9/",
      protocol: "http/json",
      headers: Redacted.make({}),
      serviceName: "edge",
      resourceAttributes: {}
    } as const
    yield* Effect.gen(function* () {
      assert.notStrictEqual(yield* Tracer.Tracer, Tracer.nativeTracer)
      assert.isFalse(yield* References.TracerEnabled)
      assert.strictEqual((yield* Logger.CurrentLoggers).size, 2)
    }).pipe(
      Effect.provide(Telemetry.layer({ ...options, level: "None", otlp: Option.some(otlp) })),
      Effect.provideService(Metric.MetricRegistry, new Map())
    )
  })
)
