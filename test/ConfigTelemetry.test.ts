/** The OpenTelemetry variables. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Option, Redacted } from "effect"
import { read } from "./support/ReadSettings.ts"

describe("Config: OpenTelemetry", () => {
  it.effect("without an endpoint, the other OpenTelemetry variables are ignored", () =>
    Effect.gen(function* () {
      const exit = yield* read({ OTEL_TRACES_SAMPLER: "jaeger_remote", OTEL_EXPORTER_OTLP_HEADERS: "nonsense" })
      assert.deepStrictEqual(
        Option.map(Exit.getSuccess(exit), ({ otlp }) => otlp),
        Option.some(Option.none())
      )
    })
  )

  it.effect("reads the OpenTelemetry variables", () =>
    Effect.gen(function* () {
      const otlp = (environment: Record<string, string>) =>
        Effect.map(read({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318", ...environment }), (exit) =>
          Option.getOrThrow(Option.getOrThrow(Exit.getSuccess(exit)).otlp)
        )
      const { endpoint, headers, ...rest } = yield* otlp({})
      assert.strictEqual(endpoint, "http://collector:4318/")
      assert.deepStrictEqual(Redacted.value(headers), {})
      assert.deepStrictEqual(rest, {
        protocol: "http/protobuf",
        serviceName: "hydracore-edge",
        resourceAttributes: {},
        traceRatio: 1
      })
      const given = yield* otlp({
        OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
        OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20k",
        OTEL_SERVICE_NAME: "edge",
        OTEL_RESOURCE_ATTRIBUTES: "a=1,b=2"
      })
      assert.strictEqual(given.protocol, "http/json")
      assert.deepStrictEqual(Redacted.value(given.headers), { authorization: "Bearer k" })
      assert.strictEqual(given.serviceName, "edge")
      assert.deepStrictEqual(given.resourceAttributes, { a: "1", b: "2" })
      for (const [sampler, ratio, expected] of [
        ["", "0.25", 0.25],
        ["parentbased_traceidratio", "1.0", 1],
        ["parentbased_traceidratio", ".5", 0.5],
        ["parentbased_always_on", "0.25", 1],
        ["parentbased_always_off", "", 0]
      ] as const) {
        const environment = { OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: ratio }
        assert.strictEqual((yield* otlp(environment)).traceRatio, expected)
      }
      for (const [name, value, message] of [
        ["OTEL_TRACES_SAMPLER_ARG", "2", 'is "2"; it must be a number from 0 to 1.'],
        ["OTEL_TRACES_SAMPLER_ARG", "half", "it must be a number from 0 to 1."],
        ["OTEL_TRACES_SAMPLER", "always_on", "it must be one of parentbased_traceidratio,"],
        ["OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "it must be http/protobuf or http/json."],
        ["OTEL_EXPORTER_OTLP_HEADERS", "hunter2", 'is not usable; it must be a list such as "key=value'],
        ["OTEL_RESOURCE_ATTRIBUTES", "a", 'is "a"; it must be a list such as "key=value']
      ] as const) {
        const exit = yield* read({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318", [name]: value })
        assert.include(String(exit), `${name} `)
        assert.include(String(exit), message)
        assert.notInclude(String(exit), "hunter2")
      }
    })
  )
})
