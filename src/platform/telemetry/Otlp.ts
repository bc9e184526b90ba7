/**
 * Traces, logs and metrics to an OpenTelemetry collector over OTLP/HTTP. Loaded only if an endpoint is set.
 *
 * An unreachable collector does not delay requests: data that cannot be exported is dropped, and the log says so.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Cause, ConfigProvider, Effect, Layer, Option, Redacted, Semaphore } from "effect"
import { HttpClient } from "effect/http"
import { Otlp, OtlpSerialization } from "effect/observability"

export interface Options {
  /** The collector's base URL: `/v1/traces`, `/v1/logs` and `/v1/metrics` are appended. */
  readonly endpoint: string
  readonly protocol: "http/protobuf" | "http/json"
  /** Headers of each export, such as an API key. */
  readonly headers: Redacted.Redacted<Readonly<Record<string, string>>>
  readonly serviceName: string
  readonly resourceAttributes: Readonly<Record<string, string>>
}

/** The time limit of one export. */
const timeout = "10 seconds"

/** The maximum number of concurrent exports. With a slower collector, data is dropped instead of filling memory. */
const maxConcurrent = 8

/** Limits exports, and logs per signal when they start to fail and when they succeed again. */
const bounded = (client: HttpClient.HttpClient): HttpClient.HttpClient => {
  const slots = Semaphore.makeUnsafe(maxConcurrent)
  const failing = new Set<string>()
  const failed = (signal: string, reason: string) =>
    Effect.suspend(() => {
      if (failing.has(signal)) return Effect.void
      failing.add(signal)
      return Effect.logWarning(
        "Telemetry cannot be exported to OTEL_EXPORTER_OTLP_ENDPOINT; data that it does not accept is dropped"
      ).pipe(Effect.annotateLogs({ signal, reason }))
    })
  const succeeded = (signal: string) =>
    Effect.suspend(() =>
      failing.delete(signal)
        ? Effect.logInfo("Telemetry is exported again").pipe(Effect.annotateLogs({ signal }))
        : Effect.void
    )
  return HttpClient.transform(client, (response, { url }) => {
    const signal = url.slice(url.lastIndexOf("/") + 1)
    return response.pipe(
      // The exporter reads the body too, and would wait for one that does not end. The response keeps what is read here.
      Effect.tap(({ arrayBuffer }) => Effect.ignore(arrayBuffer)),
      Effect.timeoutOrElse({ duration: timeout, orElse: () => Effect.die("the collector did not answer in time") }),
      Effect.tap(({ status }) => (status < 300 ? succeeded(signal) : failed(signal, `status ${status}`))),
      Effect.tapCause((cause) =>
        failed(signal, Option.getOrUndefined(Cause.findErrorOption(cause))?.reason._tag ?? "timeout")
      ),
      slots.withPermitsIfAvailable(1),
      Effect.flatMap(
        Option.match({
          // A defect, since the exporter retries errors.
          onNone: () => Effect.andThen(failed(signal, "too many exports at once"), Effect.die("not exported")),
          onSome: Effect.succeed
        })
      )
    )
  })
}

const client = Layer.effect(HttpClient.HttpClient, Effect.map(HttpClient.HttpClient, bounded)).pipe(
  Layer.provide(NodeHttpClient.layerUndici)
)

/** Exports while the scope is open, and flushes when it closes. */
export const layer = (options: Options, version: string): Layer.Layer<never> =>
  Otlp.layer({
    baseUrl: options.endpoint,
    headers: Redacted.value(options.headers),
    resource: {
      serviceName: options.serviceName,
      serviceVersion: version,
      attributes: { "service.instance.id": randomUUID(), ...options.resourceAttributes }
    },
    shutdownTimeout: "1 second"
  }).pipe(
    Layer.provide(options.protocol === "http/json" ? OtlpSerialization.layerJson : OtlpSerialization.layerProtobuf),
    Layer.provide(client),
    // The exporter would otherwise read the environment, which is for `Config.ts` alone.
    Layer.provide(ConfigProvider.layer(ConfigProvider.fromUnknown({})))
  )
