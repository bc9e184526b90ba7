/**
 * Causes real faults for a long time and prints a table of the results. Run it with `npm run torture`; `npm run torture -- --help`
 * lists the options.
 *
 * It starts its own PostgreSQL, and uses redis-server and nginx from PATH, and PgBouncer and ClickHouse if they are installed.
 * A scenario whose requirement is violated is reported as FAILED, and the exit code is 1.
 *
 * @module
 */
import { readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { parseArgs } from "node:util"
import { Cause, Effect, Exit, type Scope } from "effect"
import * as Process from "../test/support/Process.ts"
import * as TestRedis from "../test/support/TestRedis.ts"
import * as Machine from "./bench/harness/Machine.ts"
import { replaceSection, table } from "./bench/harness/Table.ts"
import * as AttackedProcess from "./torture/AttackedProcess.ts"
import * as Cluster from "./torture/Cluster.ts"
import * as PgBouncer from "./torture/PgBouncer.ts"
import * as Conversations from "./torture/scenarios/Conversations.ts"
import * as Database from "./torture/scenarios/Database.ts"
import * as Deliveries from "./torture/scenarios/Deliveries.ts"
import { failover } from "./torture/scenarios/Failover.ts"
import type { Figures } from "./torture/scenarios/Figures.ts"
import { fuzz } from "./torture/scenarios/Fuzzing.ts"
import * as Kills from "./torture/scenarios/Kills.ts"
import * as Mails from "./torture/scenarios/Mails.ts"
import { oneAddress } from "./torture/scenarios/OneAddress.ts"
import { oneOwner } from "./torture/scenarios/OneOwner.ts"
import * as OwnerAttacks from "./torture/scenarios/OwnerAttacks.ts"
import { rawSockets } from "./torture/scenarios/RawSockets.ts"
import { redisFaults } from "./torture/scenarios/Redis.ts"
import * as Shutdown from "./torture/scenarios/Shutdown.ts"
import { soak } from "./torture/scenarios/Soak.ts"
import { stack } from "./torture/scenarios/Stack.ts"
import { slowVisitors } from "./torture/scenarios/Visitors.ts"
import * as Workers from "./torture/scenarios/Workers.ts"

const usage = `npm run torture -- [--only WORD] [--rounds N] [--fuzz N] [--soak MINUTES] [--seed N] [--write]
  --only WORD      only scenarios whose name contains WORD
  --rounds N       number of kills and restarts (20)
  --fuzz N         number of the fuzzer's requests (100000)
  --soak MINUTES   duration of the last scenario (30)
  --seed N         the fuzzer's seed; random by default, and printed in the table
  --write          write the table to scripts/torture/RESULTS.md`

interface Scenario {
  readonly name: string
  readonly run: Effect.Effect<Figures, never, Scope.Scope>
}

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    rounds: { type: "string", default: "20" },
    fuzz: { type: "string", default: "100000" },
    soak: { type: "string", default: "30" },
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
    write: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false }
  }
})
const [rounds, requests, minutes, seed] = [values.rounds, values.fuzz, values.soak, values.seed].map(Number) as [
  number,
  number,
  number,
  number
]

/** Runs a scenario on a PostgreSQL and a service of its own. */
const onDatabase = (run: Effect.Effect<Figures, never, Scope.Scope | Database.Bench>) =>
  Effect.provide(run, Database.bench(10_000, Process.serve))

const database = Effect.map(Cluster.make(), ({ url }) => url)

const attacked = AttackedProcess.layer(database)

/** Runs a scenario on a service with two workers. Afterwards, SIGTERM must end the service with the exit code 0. */
const onWorkers = (run: Effect.Effect<Figures, never, Scope.Scope | Workers.Bench>) =>
  run.pipe(Effect.tap(Workers.end), Effect.provide(Workers.bench({ database, workers: 2 })))

const scenarios: ReadonlyArray<Scenario> = [
  { name: "kill -9 of serve", run: Kills.serve({ database, rounds, requestsPerKill: 500 }) },
  { name: "kill -9 of demo, every second time with its PostgreSQL", run: Kills.demo({ rounds, requestsPerKill: 500 }) },
  { name: "PostgreSQL restarted", run: onDatabase(Database.restarts({ times: 5 })) },
  { name: "PostgreSQL stopped for 5 s", run: onDatabase(Database.stopped({ millis: 5_000 })) },
  { name: "PostgreSQL hung for 5 s", run: onDatabase(Database.hung({ millis: 5_000 })) },
  { name: "PostgreSQL ends connections", run: onDatabase(Database.terminated({ times: 50 })) },
  {
    name: "PostgreSQL stopped for longer than the timeout",
    run: onDatabase(Database.beyondTimeout({ how: "stopped" }))
  },
  { name: "PostgreSQL hung for longer than the timeout", run: onDatabase(Database.beyondTimeout({ how: "hung" })) },
  {
    name: "PostgreSQL without writes for longer than the timeout",
    run: onDatabase(Database.beyondTimeout({ how: "demoted" }))
  },
  {
    name: "PostgreSQL's primary killed, its synchronous replica promoted after 2 s",
    run: failover({ millis: 2_000, timeout: 10_000, serve: Process.serve })
  },
  {
    name: "three edges, two nginx, Redis, two PostgreSQL, ClickHouse: each killed, hung, restarted",
    run: stack({ millis: 2_000, conversations: 20 })
  },
  { name: "disk full", run: onDatabase(Database.full({})) },
  {
    name: "webhooks: a dead, a hanging and a healthy receiver",
    run: Deliveries.unequal({ submissions: 10_000, perSecond: 100 })
  },
  {
    name: "webhooks: kill -9, PostgreSQL restarted",
    run: Deliveries.kills({ rounds, submissionsPerKill: 200, isPooled: false })
  },
  ...(PgBouncer.executable === undefined
    ? []
    : [
        {
          name: "webhooks: kill -9, PostgreSQL restarted, through PgBouncer",
          run: Deliveries.kills({ rounds, submissionsPerKill: 200, isPooled: true })
        }
      ]),
  {
    name: "mail: kill -9, PostgreSQL restarted",
    run: Mails.kills({ rounds, submissionsPerKill: 40, isPooled: false })
  },
  ...(PgBouncer.executable === undefined
    ? []
    : [
        {
          name: "mail: kill -9, PostgreSQL restarted, through PgBouncer",
          run: Mails.kills({ rounds, submissionsPerKill: 40, isPooled: true })
        }
      ]),
  {
    name: "Redis down, started, hung, killed, started",
    run: Effect.flatMap(TestRedis.make, (redis) =>
      redisFaults({ database, redis, millis: 3_000, serve: Process.serve })
    )
  },
  { name: "SIGTERM under load", run: Shutdown.sigterm({ database, rounds, grace: 3_000 }) },
  {
    name: "rolling restart behind nginx",
    run: Shutdown.rolling({ database, rounds, serve: [Process.serve, Process.serve] })
  },
  {
    name: "rolling restart while 200 conversations stream",
    run: Conversations.rollingRestart({
      database,
      rounds: Math.ceil(rounds / 4),
      conversations: 200,
      serve: [Process.serve, Process.serve],
      grace: 3_000,
      longest: 20_000
    })
  },
  {
    name: "SIGTERM under load, two workers",
    run: Shutdown.sigterm({ database, rounds, grace: 3_000, flags: ["--workers", "2"] })
  },
  { name: "SIGHUP under load, two workers", run: onWorkers(Workers.hangup({ rounds })) },
  { name: "kill -9 of a worker", run: onWorkers(Workers.killed({ rounds })) },
  {
    name: "kill -9 of the workers' primary",
    run: Effect.provide(Workers.orphaned, Workers.bench({ database, workers: 4 }))
  },
  { name: "raw sockets", run: Effect.provide(rawSockets, attacked) },
  {
    name: "one address against all",
    run: oneAddress({ millis: 2_000, p99: 1_000, memory: 600, onFigures: console.log })
  },
  { name: "one owner against the others", run: oneOwner({ pageViews: 300_000, millis: 4_000, median: 20 }) },
  { name: "one owner: forms with costly patterns", run: OwnerAttacks.costlyForms({ millis: 6_000 }) },
  { name: "one owner: webhooks with a silent name server", run: OwnerAttacks.silentNames({ times: 12 }) },
  { name: "one owner: goals with costly patterns", run: OwnerAttacks.costlyGoals({ pageViews: 1_000 }) },
  { name: "one owner: 100,000 revoked keys", run: OwnerAttacks.revokedKeys({ count: 100_000, millis: 4_000 }) },
  { name: "slow visitors, with the real timeouts", run: slowVisitors({ perKind: 50 }) },
  {
    name: "fuzzer",
    run: fuzz({ requests, seed, maxMillis: 1_000 }).pipe(
      Effect.map((figures) => ({ seed, ...figures })),
      Effect.provide(attacked)
    )
  },
  { name: `soak, ${minutes} min`, run: soak({ database, seconds: minutes * 60, memory: [1.25, 64], latency: [2, 5] }) }
]

const formatFigures = (figures: Figures): string =>
  Object.entries(figures)
    .map(([name, value]) => `${name} ${value}`)
    .join("; ")

interface Row {
  readonly name: string
  readonly passed: boolean
  readonly seconds: number
  readonly text: string
}

const run = async ({ name, run }: Scenario): Promise<Row> => {
  const startedAt = performance.now()
  const exit = await Effect.runPromiseExit(Effect.scoped(run))
  const seconds = Math.round((performance.now() - startedAt) / 1000)
  const row: Row = Exit.isSuccess(exit)
    ? { name, passed: true, seconds, text: formatFigures(exit.value) }
    : { name, passed: false, seconds, text: Cause.pretty(exit.cause).split("\n").slice(0, 12).join(" ") }
  console.log(`${row.passed ? "ok    " : "FAILED"}  ${name} (${seconds} s): ${row.text}`)
  return row
}

const tableOf = (rows: ReadonlyArray<Row>): string =>
  table(
    ["scenario", "passed", "seconds", "figures"],
    rows.map(({ name, passed, seconds, text }) => [name, passed ? "yes" : "NO", String(seconds), text])
  )

const main = async (): Promise<void> => {
  if (values.help) return console.log(usage)
  if (![rounds, requests, minutes, seed].every((number) => Number.isFinite(number) && number >= 0)) {
    console.error(usage)
    process.exitCode = 1
    return
  }
  const rows: Array<Row> = []
  for (const scenario of scenarios) {
    if (scenario.name.includes(values.only)) rows.push(await run(scenario))
  }
  console.log(`\n${tableOf(rows)}`)
  if (values.write) {
    const file = path.resolve(import.meta.dirname, "torture/RESULTS.md")
    const results = `${new Date().toISOString().slice(0, 10)}, on ${Machine.describe()}.\n\n${tableOf(rows)}`
    const changed = replaceSection(readFileSync(file, "utf8"), "results", results)
    if (changed === undefined) throw new Error("RESULTS.md has no results section")
    writeFileSync(file, changed)
  }
  if (rows.length === 0 || rows.some(({ passed }) => !passed)) process.exitCode = 1
}

await main()
