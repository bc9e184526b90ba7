/**
 * `doctor`: checks what the service depends on, and says how to fix each problem.
 *
 * @module
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Effect, Layer, Option, Redacted, Result } from "effect"
import { Command, Flag } from "effect/cli"
import { Headers, HttpMiddleware, HttpServerRequest, HttpServerResponse } from "effect/http"
import { IpNetwork, NetAddress } from "effect/net"
import * as App from "../../App.ts"
import { Settings } from "../../Config.ts"
import * as Agents from "../../chat/agent/Inspection.ts"
import * as ClickHouse from "../../clickhouse/Inspection.ts"
import * as AgentDiagnosis from "../../core/doctor/AgentDiagnosis.ts"
import * as DatabaseUrl from "../../core/doctor/DatabaseUrl.ts"
import * as Diagnosis from "../../core/doctor/Diagnosis.ts"
import type { Finding } from "../../core/doctor/Finding.ts"
import type { ReaderFacts } from "../../core/doctor/ReaderDiagnosis.ts"
import type { LimiterFacts, RedisFacts } from "../../core/doctor/RedisDiagnosis.ts"
import { clientKey } from "../../core/limits/ClientKey.ts"
import { limiterAway, limiterFallbacks, untrustedForwarded } from "../../core/metrics/Metrics.ts"
import * as TerminalText from "../../core/text/TerminalText.ts"
import * as PostgresInstanceDirectory from "../../postgres/chat/InstanceDirectory.ts"
import * as Database from "../../postgres/Database.ts"
import * as Webhooks from "../../postgres/delivery/Inspection.ts"
import * as Postgres from "../../postgres/schema/Inspection.ts"
import { DescriptorLimit } from "../../runtime/DescriptorLimit.ts"
import { InstanceDirectory } from "../../services/chat/InstanceDirectory.ts"
import { Mailer } from "../../services/mail/Mailer.ts"
import * as Metrics from "../../telemetry/Inspection.ts"
import * as ErrorMessages from "../support/ErrorMessages.ts"
import * as Inputs from "../support/Inputs.ts"
import * as LocalDatabase from "../support/LocalDatabase.ts"
import * as Output from "../support/Output.ts"

/** The time limit of one check. */
const timeout = "5 seconds"

/** The time limit of an agent's answer: an agent may have to load its model first. */
const agentTimeout = "30 seconds"

/** An address reserved for documentation, as an example of a client. */
const exampleClient = "203.0.113.7"

/** Inspects the database and its webhooks, and lists the instances. `webhooks` and `instances` are null if they cannot be read. */
const inspectDatabase = Effect.fnUntraced(
  function* (settings: Settings) {
    const database = yield* Layer.build(LocalDatabase.layer(settings))
    const facts = yield* Effect.provide(Postgres.inspect(timeout), database)
    const canRead = (table: string) => facts.pending.length === 0 && !facts.denied.includes(`SELECT on ${table}`)
    const webhooks = canRead("webhook")
      ? yield* Effect.provide(Webhooks.inspect(settings.secretsKey, timeout), database)
      : null
    if (!canRead("instance")) return { facts, webhooks, instances: null }
    const directory = yield* Layer.build(PostgresInstanceDirectory.layer()).pipe(Effect.provide(database))
    const instances = yield* Effect.provide(
      InstanceDirectory.use(({ list }) => Database.withTimeout(timeout)(list)),
      directory
    )
    return { facts, webhooks, instances }
  },
  Effect.scoped,
  Effect.catch((error) =>
    Effect.succeed({
      facts: { _tag: "Unavailable", reason: ErrorMessages.of(error) } as const,
      webhooks: null,
      instances: null
    })
  )
)

/** Inspects the database of `DATABASE_READ_URL`, from which reports are read. */
const inspectReader = ({ databaseReadUrl }: Settings): Effect.Effect<ReaderFacts> =>
  Option.match(databaseReadUrl, {
    onNone: () => Effect.succeed({ _tag: "NotConfigured" }),
    onSome: (url) =>
      Postgres.inspectReader(timeout).pipe(
        Effect.provide(Database.layer({ url, connections: 1 })),
        Effect.catch((error) => {
          const reason = ErrorMessages.of(error).replaceAll("DATABASE_URL", "DATABASE_READ_URL")
          return Effect.succeed({ _tag: "Unavailable", reason } as const)
        })
      )
  })

/** The transport to the database. Without `DATABASE_URL` it is the Unix socket of the demo's database. */
const transportOf = ({ databaseUrl }: Settings): DatabaseUrl.Transport =>
  Option.match(databaseUrl, {
    onNone: () => "local",
    onSome: (url) => DatabaseUrl.transportOf(new URL(Redacted.value(url)))
  })

/** Which client the rate limits would identify for a request from `peer`. Runs the middleware that the service uses. */
export const proxyFacts = Effect.fnUntraced(function* (
  trustedProxies: ReadonlyArray<IpNetwork.IpNetwork>,
  peer: string,
  forwardedFor: string
): Effect.fn.Return<Diagnosis.ProxyFacts> {
  const request = HttpServerRequest.fromWeb(new Request("http://edge/")).modify({
    // Not headers of the `Request`, which throws if a text has characters that a header cannot have.
    headers: Headers.fromInput({ "x-forwarded-for": forwardedFor }),
    remoteAddress: Option.some(peer)
  })
  const answer = HttpServerRequest.HttpServerRequest.use(({ remoteAddress }) =>
    Effect.succeed(
      HttpServerResponse.setHeader(
        HttpServerResponse.empty(),
        "x",
        Option.getOrElse(remoteAddress, () => peer)
      )
    )
  ).pipe(
    HttpMiddleware.xForwardedHeaders({ trustedProxies }),
    Effect.provideService(HttpServerRequest.HttpServerRequest, request)
  )
  const { headers } = yield* answer
  const address = NetAddress.ipFromString(peer)
  return {
    peer,
    forwardedFor,
    client: clientKey(headers["x"] ?? peer),
    isTrusted:
      Result.isSuccess(address) &&
      trustedProxies.some((network) => IpNetwork.contains(network, NetAddress.toCanonical(address.success)))
  }
})

const inspectProxies = (
  { trustedProxies }: Settings,
  flags: { readonly peer: string | null; readonly forwardedFor: Option.Option<string> }
) =>
  Effect.forEach(
    flags.peer === null
      ? trustedProxies.map((network) => NetAddress.formatIp(IpNetwork.firstAddress(network)))
      : [flags.peer],
    (peer) =>
      proxyFacts(
        trustedProxies,
        peer,
        Option.getOrElse(flags.forwardedFor, () => exampleClient)
      )
  )

/** Reads what the running service's metrics show about proxies and the rate limiter; null for metrics that are missing. */
const inspectService = ({ metricsHost, metricsPort }: Settings) =>
  Option.match(metricsPort, {
    onNone: () => Effect.succeed(() => undefined),
    onSome: (port) =>
      Metrics.read({ host: metricsHost, port }, timeout).pipe(
        Effect.catchTag("MetricsUnavailable", () => Effect.succeed(() => undefined)),
        Effect.provide(NodeHttpClient.layerNodeHttp)
      )
  }).pipe(
    Effect.map((valueOf: (name: string) => number | undefined) => {
      const untrusted = valueOf(untrustedForwarded({}).id)
      const away = valueOf(limiterAway({}).id)
      const fallbacks = valueOf(limiterFallbacks({}).id)
      const forwarded: Diagnosis.ForwardedFacts | null = untrusted === undefined ? null : { untrusted }
      const limiter: LimiterFacts | null = away === undefined || fallbacks === undefined ? null : { away, fallbacks }
      return { forwarded, limiter }
    })
  )

const text = (findings: ReadonlyArray<Finding>): string =>
  findings
    .map(({ advice, check, finding, severity }) => {
      const head = `${TerminalText.padEnd(severity, 7)}  ${TerminalText.padEnd(check, 11)}`
      const indent = " ".repeat(22)
      return `${head}  ${TerminalText.printable(finding)}\n${advice === null ? "" : `${indent}${TerminalText.printable(advice)}\n`}`
    })
    .join("")

export const command = Command.make(
  "doctor",
  {
    ask: Inputs.ask,
    peer: Inputs.peer,
    forwardedFor: Flag.String("forwarded-for").pipe(
      Flag.withMetavar("<text>"),
      Flag.withDescription(`The X-Forwarded-For header of a proxy's requests; ${exampleClient} unless given`),
      Flag.optional
    )
  },
  Effect.fnUntraced(function* (flags) {
    const settings = yield* Effect.flatMap(Settings, LocalDatabase.withSecretsKey)
    const { facts: database, instances, webhooks } = yield* inspectDatabase(settings)
    const chosen = instances === null ? null : AgentDiagnosis.choose(instances, flags.ask)
    const unknown = Array.isArray(flags.ask)
      ? flags.ask.find((id) => chosen !== null && !chosen.asked.some(({ instanceId }) => instanceId === id))
      : undefined
    if (unknown !== undefined) return yield* Output.notFound("instance", unknown)
    const redis: RedisFacts = yield* Option.match(settings.redisUrl, {
      onNone: () => Effect.succeed({ _tag: "NotConfigured" } as const),
      // Imported here, as in `App.rateLimiter`: commands and deployments without Redis do not load its client.
      onSome: (url) =>
        Effect.flatMap(
          Effect.promise(() => import("../../redis/Inspection.ts")),
          (Redis) => Redis.inspect(url)
        )
    })
    const analytics = yield* Option.match(settings.analyticsUrl, {
      onNone: () => Effect.succeed(null),
      onSome: (address) => ClickHouse.inspect(address, timeout)
    })
    const proxies = yield* inspectProxies(settings, flags)
    const { forwarded, limiter } = yield* inspectService(settings)
    const agents =
      chosen === null
        ? null
        : {
            asked: yield* Effect.forEach(chosen.asked, (instance) => Agents.inspect(instance, agentTimeout), {
              concurrency: 8
            }).pipe(Effect.provide(App.agent(settings))),
            others: chosen.others
          }
    const mail = yield* Option.match(App.mailer(settings), {
      onNone: () => Effect.succeed(null),
      onSome: (mailer) =>
        Effect.provide(
          Mailer.use(({ check }) => check),
          mailer
        )
    })
    const connections = {
      descriptors: yield* DescriptorLimit,
      databaseConnections: settings.databaseConnections,
      perAddress: Option.getOrNull(settings.connectionsPerAddress)
    }
    const findings = Diagnosis.diagnose({
      database,
      transport: transportOf(settings),
      reader: yield* inspectReader(settings),
      analytics,
      connections,
      redis,
      limiter,
      proxies,
      forwarded,
      webhooks,
      mail,
      agents
    })
    const well = Diagnosis.isHealthy(findings)
    yield* Output.answer({
      json: { well, findings: findings.map((finding) => ({ ...finding })) },
      text: text(findings)
    })
    if (!well) {
      const count = findings.filter(({ severity }) => severity === "problem").length
      return yield* new Output.CliFailure({
        message: `${count === 1 ? "One problem" : `${count} problems`} found; see above.`
      })
    }
  })
).pipe(
  Command.withDescription(
    "Check the database, ClickHouse, connection limits, Redis, proxies, webhooks, the mail server and agents, and say how to fix problems"
  ),
  Command.withExamples([
    {
      command: "hydracore doctor --ask all",
      description: "Ask the agent of every instance, not only of the three newest"
    },
    {
      command: 'hydracore doctor --peer 10.0.0.4 --forwarded-for "198.51.100.9, 10.0.0.8"',
      description: "Show which client address the rate limits use for a request through these proxies"
    }
  ])
)
