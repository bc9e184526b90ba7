/**
 * Reads counters and gauges of a running service from its `GET /metrics`, for `doctor`.
 *
 * @module
 */
import { type Duration, Effect, Schema } from "effect"
import { HttpClient, HttpClientResponse } from "effect/http"

/** No service answers with metrics at the address. */
export class MetricsUnavailable extends Schema.TaggedError<MetricsUnavailable>()("MetricsUnavailable", {}) {}

/** The value of a counter or gauge without labels in Prometheus's text format; undefined if it is missing. */
export const valueOf = (metrics: string, name: string): number | undefined => {
  const line = metrics.split("\n").find((text) => text.startsWith(`${name} `))
  const value = Number(line?.slice(name.length + 1).split(" ")[0])
  return line !== undefined && Number.isFinite(value) ? value : undefined
}

export interface Address {
  readonly host: string
  readonly port: number
}

/** Reads the metrics, and returns a function from a name to its value. Fails after `timeout`. */
export const read = Effect.fnUntraced(
  function* ({ host, port }: Address, _timeout: Duration.Input) {
    const authority = host.includes(":") ? `[${host}]` : host
    const response = yield* Effect.flatMap(
      HttpClient.get(`http://${authority}:${port}/metrics`),
      HttpClientResponse.filterStatusOk
    )
    const text = yield* response.text
    return (name: string): number | undefined => valueOf(text, name)
  },
  (effect, _address, timeout) => Effect.timeout(effect, timeout),
  Effect.catchTags({
    HttpClientError: () => Effect.fail(new MetricsUnavailable({})),
    TimeoutError: () => Effect.fail(new MetricsUnavailable({}))
  })
)
