/**
 * Traces, logs and metrics to an OpenTelemetry collector over OTLP/HTTP. Loaded only where an endpoint is set.
 *
 * The collector's absence holds up nothing: what cannot be exported is dropped, and the log says so.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { ConfigProvider, Effect, Layer, Redacted } from "effect"
import { HttpClient, type HttpClientError, type HttpClientResponse } from "effect/http"
import { Otlp, OtlpSerialization } from "effect/observability"

export interface Options {
  /** The collector's base address: `/v1/traces`, `/v1/logs` and `/v1/metrics` are appended. It may hold a password. */
  readonly endpoint: Redacted.Redacted
  readonly protocol: "http/protobuf" | "http/json"
  /** Sent with each export, such as an API key. */
  readonly headers: Redacted.Redacted<Readonly<Record<string, string>>>
  readonly serviceName: string
  readonly resourceAttributes: Readonly<Record<string, string>>
}

/** The longest that one export takes. */
const timeout = "10 seconds"

/** The most exports at once. A collector that answers more slowly loses data instead of filling our memory. */
const maxConcurrent = 8

type Response = Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError>

/** A client that bounds exports and logs when they begin to fail, and when they succeed again. */
const bounded = (client: HttpClient.HttpClient): HttpClient.HttpClient => {
  let open = 0
  let isFailing = false
  const failed = (reason: string) =>
    Effect.suspend(() => {
      if (isFailing) return Effect.void
      isFailing = true
      return Effect.logWarning("Telemetry cannot be exported to OTEL_EXPORTER_OTLP_ENDPOINT and is dropped").pipe(
        Effect.annotateLogs({ reason })
      )
    })
  const succeeded = Effect.suspend(() => {
    if (!isFailing) return Effect.void
    isFailing = false
    return Effect.logInfo("Telemetry is exported again")
  })
  const bound = (response: Response): Response =>
    Effect.suspend((): Response => {
      // A defect, since an error would be tried again.
      if (open >= maxConcurrent) return Effect.andThen(failed("too many exports at once"), Effect.die("not exported"))
      open += 1
      return response.pipe(
        Effect.timeout(timeout),
        Effect.tap(({ status }) => (status < 300 ? succeeded : failed(`status ${status}`))),
        Effect.tapError((error) => failed(error._tag === "TimeoutError" ? "timeout" : error.reason._tag)),
        Effect.ensuring(
          Effect.sync(() => {
            open -= 1
          })
        )
      ) as Response
    })
  return HttpClient.transformResponse(client, bound)
}

const client = Layer.effect(HttpClient.HttpClient, Effect.map(HttpClient.HttpClient, bounded)).pipe(
  Layer.provide(NodeHttpClient.layerUndici)
)

/** Exports as a service of this version for as long as the scope is open, and what is left when it closes. */
export const layer = (options: Options, version: string): Layer.Layer<never> =>
  Otlp.layer({
    baseUrl: Redacted.value(options.endpoint),
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
    // The settings are read in one place, which is not here.
    Layer.provide(ConfigProvider.layer(ConfigProvider.fromUnknown({})))
  )
