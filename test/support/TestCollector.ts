/**
 * An OpenTelemetry collector that decodes OTLP/HTTP JSON and records what it receives.
 *
 * @module
 */
import { createServer, type IncomingHttpHeaders } from "node:http"
import type { AddressInfo } from "node:net"
import { Effect, Schema } from "effect"

const AnyValue = Schema.Struct({
  stringValue: Schema.optional(Schema.String),
  intValue: Schema.optional(Schema.Union([Schema.Int, Schema.String])),
  doubleValue: Schema.optional(Schema.Number),
  boolValue: Schema.optional(Schema.Boolean)
})

const Attributes = Schema.Array(Schema.Struct({ key: Schema.String, value: AnyValue }))

const Resource = Schema.Struct({ attributes: Attributes })

const SpanJson = Schema.Struct({
  traceId: Schema.String.check(Schema.isPattern(/^[0-9a-f]{32}$/)),
  spanId: Schema.String.check(Schema.isPattern(/^[0-9a-f]{16}$/)),
  parentSpanId: Schema.optional(Schema.String),
  name: Schema.String,
  kind: Schema.Int,
  startTimeUnixNano: Schema.String,
  endTimeUnixNano: Schema.String,
  attributes: Attributes,
  links: Schema.Array(Schema.Struct({ traceId: Schema.String, spanId: Schema.String })),
  status: Schema.Struct({ code: Schema.Int })
})

const Traces = Schema.Struct({
  resourceSpans: Schema.Array(
    Schema.Struct({ resource: Resource, scopeSpans: Schema.Array(Schema.Struct({ spans: Schema.Array(SpanJson) })) })
  )
})

const Logs = Schema.Struct({
  resourceLogs: Schema.Array(
    Schema.Struct({
      scopeLogs: Schema.Array(
        Schema.Struct({
          logRecords: Schema.Array(
            Schema.Struct({
              severityText: Schema.String,
              body: AnyValue,
              traceId: Schema.optional(Schema.String),
              attributes: Attributes
            })
          )
        })
      )
    })
  )
})

const MetricsJson = Schema.Struct({
  resourceMetrics: Schema.Array(
    Schema.Struct({
      scopeMetrics: Schema.Array(Schema.Struct({ metrics: Schema.Array(Schema.Struct({ name: Schema.String })) }))
    })
  )
})

type Values = Readonly<Record<string, unknown>>

const valuesOf = (attributes: typeof Attributes.Type): Values =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))

export interface CollectedSpan extends Omit<typeof SpanJson.Type, "attributes"> {
  readonly attributes: Values
}

export interface CollectedLog {
  readonly level: string
  readonly message: unknown
  readonly traceId: string | undefined
}

export interface Export {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** Starts a collector on a loopback port until the scope closes. `answer` returns the status, or undefined for no response. */
export const start = (answer: (request: Export) => number | undefined = () => 200) =>
  Effect.acquireRelease(
    Effect.callback<{
      readonly url: string
      readonly exports: ReadonlyArray<Export>
      readonly close: () => void
    }>((resume) => {
      const exports: Array<Export> = []
      const server = createServer((request, response) => {
        const parts: Array<Buffer> = []
        request.on("data", (part: Buffer) => parts.push(part))
        request.on("end", () => {
          const received = { path: request.url ?? "", headers: request.headers, body: Buffer.concat(parts) }
          exports.push(received)
          const status = answer(received)
          if (status !== undefined) response.writeHead(status, { "content-type": "application/json" }).end("{}")
        })
      })
      server.listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo
        const close = () => {
          server.closeAllConnections()
          server.close()
        }
        resume(Effect.succeed({ url: `http://127.0.0.1:${port}`, exports, close }))
      })
    }),
    ({ close }) => Effect.sync(close)
  ).pipe(
    Effect.map(({ exports, url }) => {
      const decoded = <A>(path: string, schema: Schema.Decoder<A>) =>
        exports
          .filter((received) => received.path === path)
          .map(({ body }) => Schema.decodeUnknownSync(Schema.fromJsonString(schema))(body.toString("utf8")))
      return {
        url,
        exports,
        spans: (): ReadonlyArray<CollectedSpan> =>
          decoded("/v1/traces", Traces)
            .flatMap(({ resourceSpans }) => resourceSpans)
            .flatMap(({ scopeSpans }) => scopeSpans)
            .flatMap(({ spans }) => spans)
            .map((span) => ({ ...span, attributes: valuesOf(span.attributes) })),
        resource: (): Values => valuesOf(decoded("/v1/traces", Traces)[0]?.resourceSpans[0]?.resource.attributes ?? []),
        logs: (): ReadonlyArray<CollectedLog> =>
          decoded("/v1/logs", Logs)
            .flatMap(({ resourceLogs }) => resourceLogs)
            .flatMap(({ scopeLogs }) => scopeLogs)
            .flatMap(({ logRecords }) => logRecords)
            .map(({ body, severityText, traceId }) => ({ level: severityText, message: body.stringValue, traceId })),
        metrics: (): ReadonlySet<string> =>
          new Set(
            decoded("/v1/metrics", MetricsJson)
              .flatMap(({ resourceMetrics }) => resourceMetrics)
              .flatMap(({ scopeMetrics }) => scopeMetrics)
              .flatMap(({ metrics }) => metrics.map(({ name }) => name))
          )
      }
    })
  )
