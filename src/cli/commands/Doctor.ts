/**
 * `doctor`: checks what the service depends on, and says how to fix each problem.
 *
 * @module
 */
import { Effect, Layer, Option, Redacted, Result } from "effect"
import { Command, Flag } from "effect/cli"
import { Headers, HttpMiddleware, HttpServerRequest, HttpServerResponse } from "effect/http"
import { IpNetwork, NetAddress } from "effect/net"
import * as App from "../../App.ts"
import { Settings } from "../../Config.ts"
import * as Agents from "../../chat/agent/Inspection.ts"
import { InstanceDirectory } from "../../chat/InstanceDirectory.ts"
import * as PostgresInstanceDirectory from "../../chat/postgres/InstanceDirectory.ts"
import { Mailer } from "../../delivery/mail/Mailer.ts"
import { clientKey } from "../../platform/limits/ClientAddress.ts"
import { DescriptorLimit } from "../../platform/limits/ConnectionBounds.ts"
import * as Database from "../../platform/postgres/Database.ts"
import * as DatabaseUrl from "../../platform/postgres/DatabaseUrl.ts"
import * as TerminalText from "../../platform/text/TerminalText.ts"
import * as ClickHouse from "../doctor/ClickHouseInspection.ts"
import * as Postgres from "../doctor/DatabaseInspection.ts"
import * as DeliveryDiagnosis from "../doctor/DeliveryDiagnosis.ts"
import * as Webhooks from "../doctor/DeliveryInspection.ts"
import * as Diagnosis from "../doctor/Diagnosis.ts"
import type { Finding } from "../doctor/Finding.ts"
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

/** The result of `effect`, or null without a setting. */
const orNull = <A, B, E, R>(setting: Option.Option<A>, effect: (value: A) => Effect.Effect<B, E, R>) =>
  Option.match(setting, { onNone: () => Effect.succeed(null), onSome: effect })

const unavailable = (reason: string) => Effect.succeed({ _tag: "Unavailable", reason } as const)

/** Inspects the database and its webhooks, and lists the instances. Those are null if they cannot be read. */
const inspectDatabase = Effect.fnUntraced(
  function* (settings: Settings) {
    const database = yield* Layer.build(LocalDatabase.layer(settings))
    return yield* Effect.gen(function* () {
      const facts = yield* Postgres.inspect(timeout)
      if (facts.denied.length > 0) return { facts, webhooks: null, instances: null }
      const webhooks = yield* Webhooks.inspect(settings.secretsKey, timeout)
      const instances = yield* InstanceDirectory.use(({ list }) => Database.withTimeout(timeout)(list("all"))).pipe(
        Effect.provide(PostgresInstanceDirectory.layer())
      )
      return { facts, webhooks, instances }
    }).pipe(Effect.provide(database))
  },
  Effect.scoped,
  Effect.catch((error) =>
    Effect.map(unavailable(ErrorMessages.of(error)), (facts) => ({ facts, webhooks: null, instances: null }))
  )
)

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
      Flag.withDescription(`The X-Forwarded-For header of a request through --peer; ${exampleClient} unless given`),
      Flag.optional
    )
  },
  Effect.fnUntraced(function* ({ ask, forwardedFor, peer }) {
    if (peer === null && Option.isSome(forwardedFor)) {
      return yield* new Output.CliFailure({
        message: "--forwarded-for needs --peer, the address of the proxy that sends it."
      })
    }
    const settings = yield* Effect.flatMap(Settings, LocalDatabase.withSecretsKey)
    const { facts: database, instances, webhooks } = yield* inspectDatabase(settings)
    const asked = instances === null ? null : DeliveryDiagnosis.choose(instances, ask)
    const unknown = Array.isArray(ask)
      ? ask.find((id) => asked !== null && !asked.some(({ instance_id }) => instance_id === id))
      : undefined
    if (unknown !== undefined) return yield* Output.notFound("instance", unknown)
    const findings = Diagnosis.diagnose({
      database,
      transport: transportOf(settings),
      reader: yield* orNull(settings.databaseReadUrl, (url) =>
        Postgres.inspectReader(timeout).pipe(
          Effect.provide(Database.layer({ url, connections: 1 })),
          Effect.catchTag("NotReady", () =>
            unavailable("It lacks migrations, so it is no copy of that in DATABASE_URL.")
          ),
          Effect.catch((error) => unavailable(ErrorMessages.of(error).replaceAll("DATABASE_URL", "DATABASE_READ_URL")))
        )
      ),
      analytics: yield* orNull(settings.analyticsUrl, (address) => ClickHouse.inspect(address, timeout)),
      connections: {
        descriptors: yield* DescriptorLimit,
        databaseConnections: settings.databaseConnections,
        perAddress: Option.getOrNull(settings.connectionsPerAddress)
      },
      // Imported here, as in `App.rateLimiter`: commands and deployments without Redis do not load its client.
      redis: yield* orNull(settings.redisUrl, (url) =>
        Effect.flatMap(
          Effect.promise(() => import("../doctor/RedisInspection.ts")),
          (Redis) => Redis.inspect(url)
        )
      ),
      proxy: yield* orNull(Option.fromNullOr(peer), (proxy) =>
        proxyFacts(
          settings.trustedProxies,
          proxy,
          Option.getOrElse(forwardedFor, () => exampleClient)
        )
      ),
      webhooks,
      mail: yield* orNull(App.mailer(settings), (mailer) =>
        Effect.provide(
          Mailer.use(({ check }) => check),
          mailer
        )
      ),
      agents: yield* orNull(Option.fromNullOr(asked), (asked) =>
        Effect.forEach(asked, (instance) => Agents.inspect(instance, agentTimeout), { concurrency: 8 }).pipe(
          Effect.provide(App.agent(settings)),
          Effect.map((answers) => ({ asked: answers, others: (instances?.length ?? 0) - answers.length }))
        )
      )
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
    "Check the database, ClickHouse, connection limits, Redis, webhooks, the mail server and agents, and say how to fix problems"
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
