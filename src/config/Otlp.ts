/**
 * The settings of the export over OTLP, under the names of OpenTelemetry.
 *
 * @module
 */
import { Config, Option, Redacted } from "effect"
import * as TraceSampling from "../core/http/TraceSampling.ts"
import * as KeyValueList from "../core/text/KeyValueList.ts"
import { setting, text, withDefault } from "../runtime/Setting.ts"

/** The share of requests that start a trace. */
const traceRatio = Config.all([
  setting("OTEL_TRACES_SAMPLER", `one of ${TraceSampling.samplers.join(", ")}`, (value) =>
    Option.fromNullishOr(TraceSampling.samplers.find((sampler) => sampler === value))
  ).pipe(withDefault<TraceSampling.Sampler>("parentbased_traceidratio")),
  setting("OTEL_TRACES_SAMPLER_ARG", "a number from 0 to 1", (value) =>
    /^(0|1|[01]?\.[0-9]+)$/.test(value) && Number(value) <= 1 ? Option.some(Number(value)) : Option.none()
  ).pipe(withDefault(1))
]).pipe(Config.map(([sampler, ratio]) => TraceSampling.ratioOf(sampler, ratio)))

/** A list such as `key=value,other=a%20b`. */
const keyValues = (name: string, secret: boolean) =>
  setting(name, 'a list such as "key=value,other=a%20b"', KeyValueList.parse, secret).pipe(
    withDefault<Readonly<Record<string, string>>>({})
  )

const protocols = ["http/protobuf", "http/json"] as const

/** A collector's base URL. The exporter drops a user, a query and a fragment, so they are rejected. */
const collector = (name: string) =>
  setting(
    name,
    "an address such as http://collector:4318, without a user or a query; a key goes into OTEL_EXPORTER_OTLP_HEADERS",
    (value) =>
      Option.fromNullishOr(URL.parse(value)).pipe(
        Option.filter(
          ({ hash, password, protocol, search, username }) =>
            ["http:", "https:"].includes(protocol) && [hash, password, search, username].every((part) => part === "")
        ),
        Option.map(({ href }) => href)
      ),
    true
  )

/** The export of traces, logs and metrics. The other variables are read only if there is an endpoint. */
export const otlp = collector("OTEL_EXPORTER_OTLP_ENDPOINT").pipe(
  Config.flatMap(
    Option.match({
      onNone: () => Config.succeed(Option.none()),
      onSome: (endpoint) =>
        Config.all({
          endpoint: Config.succeed(endpoint),
          protocol: setting("OTEL_EXPORTER_OTLP_PROTOCOL", protocols.join(" or "), (value) =>
            Option.fromNullishOr(protocols.find((protocol) => protocol === value))
          ).pipe(withDefault<(typeof protocols)[number]>("http/protobuf")),
          headers: Config.map(keyValues("OTEL_EXPORTER_OTLP_HEADERS", true), (headers) => Redacted.make(headers)),
          serviceName: text("OTEL_SERVICE_NAME").pipe(withDefault("hydracore-edge")),
          resourceAttributes: keyValues("OTEL_RESOURCE_ATTRIBUTES", false),
          traceRatio
        }).pipe(Config.map(Option.some))
    })
  )
)
