/**
 * `doctor`: checks what the service depends on, and says how to fix each problem.
 *
 * @module
 */
import { Effect, Option, Redacted } from "effect"
import { Command, Flag } from "effect/cli"
import * as App from "../../App.ts"
import { Settings } from "../../Config.ts"
import { ofOperator } from "../../chat/agent/AgentCheck.ts"
import * as Agents from "../../chat/agent/Inspection.ts"
import { InstanceDirectory } from "../../chat/InstanceDirectory.ts"
import * as PostgresInstanceDirectory from "../../chat/postgres/InstanceDirectory.ts"
import * as Database from "../../platform/postgres/Database.ts"
import * as DatabaseUrl from "../../platform/postgres/DatabaseUrl.ts"
import * as TerminalText from "../../platform/text/TerminalText.ts"
import type { Finding } from "../doctor/Diagnosis.ts"
import * as Diagnosis from "../doctor/Diagnosis.ts"
import * as Inspection from "../doctor/Inspection.ts"
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

/** The finding for a server that cannot be used. Its message is the one that the other commands print. */
const unavailable = (error: unknown) => ({ _tag: "Unavailable", reason: ErrorMessages.of(error) }) as const

/** Inspects the database and its webhooks, and lists the instances. Those are null if they cannot be read. */
const inspectDatabase = Effect.fnUntraced(
  function* (settings: Settings) {
    const facts = yield* Inspection.database(timeout)
    if (facts.denied.length > 0) return { facts, webhooks: null, instances: null }
    const webhooks = yield* Inspection.webhooks(settings.secretsKey, timeout)
    const instances = yield* InstanceDirectory.use(({ list }) => Database.withTimeout(timeout)(list("all"))).pipe(
      Effect.provide(PostgresInstanceDirectory.layer())
    )
    return { facts, webhooks, instances }
  },
  (inspected, settings) => Effect.provide(inspected, LocalDatabase.layer(settings)),
  Effect.catch((error) => Effect.succeed({ facts: unavailable(error), webhooks: null, instances: null }))
)

/** The transport to the database. Without `DATABASE_URL` it is the Unix socket of the demo's database. */
const transportOf = ({ databaseUrl }: Settings): DatabaseUrl.Transport =>
  Option.match(databaseUrl, {
    onNone: () => "local",
    onSome: (url) => DatabaseUrl.transportOf(new URL(Redacted.value(url)))
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
    const asked = instances === null ? null : Diagnosis.choose(instances, ask)
    const unknown = Array.isArray(ask)
      ? ask.find((id) => asked !== null && !asked.some(({ instance_id }) => instance_id === id))
      : undefined
    if (unknown !== undefined) return yield* Output.notFound("instance", unknown)
    const findings = Diagnosis.diagnose({
      database,
      transport: transportOf(settings),
      reader: yield* orNull(settings.databaseReadUrl, (url) =>
        Inspection.reader(timeout).pipe(
          Effect.provide(Database.layer({ url, connections: 1 })),
          Effect.catchTag("NotReady", () =>
            Effect.succeed({
              _tag: "Unavailable",
              reason: "It lacks migrations, so it is no copy of that in DATABASE_URL."
            } as const)
          ),
          Effect.catch((error) => {
            const { _tag, reason } = unavailable(error)
            return Effect.succeed({ _tag, reason: reason.replaceAll("DATABASE_URL", "DATABASE_READ_URL") })
          })
        )
      ),
      analytics: yield* orNull(settings.analyticsUrl, (address) =>
        Effect.catch(Inspection.analytics(address, timeout), (error) => Effect.succeed(unavailable(error)))
      ),
      redis: yield* orNull(settings.redisUrl, Inspection.redis),
      forwarded:
        peer === null
          ? null
          : {
              trustedProxies: settings.trustedProxies,
              peer,
              forwardedFor: Option.getOrElse(forwardedFor, () => exampleClient)
            },
      webhooks,
      mail: yield* orNull(App.mailer(settings), ({ check }) => check),
      agents: yield* orNull(Option.fromNullOr(asked), (asked) =>
        Effect.forEach(
          asked,
          (instance) =>
            Effect.map(Agents.ask(instance, ofOperator, agentTimeout), (outcome) => ({ ...instance, outcome })),
          { concurrency: 8 }
        ).pipe(
          Effect.provide(App.agent(settings)),
          Effect.map((answers) => ({ asked: answers, others: (instances?.length ?? 0) - answers.length }))
        )
      )
    })
    const problems = findings.filter(({ severity }) => severity === "problem").length
    yield* Output.answer({
      json: { well: problems === 0, findings: findings.map((finding) => ({ ...finding })) },
      text: text(findings)
    })
    if (problems > 0) {
      return yield* new Output.CliFailure({
        message: `${problems === 1 ? "One problem" : `${problems} problems`} found; see above.`
      })
    }
  })
).pipe(
  Command.withDescription(
    "Check the database, ClickHouse, Redis, webhooks, the mail server and agents, and say how to fix problems"
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
