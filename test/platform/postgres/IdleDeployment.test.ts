/** What a deployment of several processes sends to PostgreSQL without traffic, and that it nevertheless loses no work. */
import { PgTypes } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Clock, ConfigProvider, Effect, Exit, Fiber, Logger, Option, Redacted, Schema, Scope } from "effect"
import { TestClock } from "effect/testing"
import { Settings } from "../../../src/Config.ts"
import * as Serve from "../../../src/cli/commands/Serve.ts"
import * as LocalDatabase from "../../../src/cli/support/LocalDatabase.ts"
import * as Rounds from "../../../src/platform/rounds/Rounds.ts"
import * as CountedStatements from "../../support/postgres/CountedStatements.ts"
import * as TestDatabase from "../../support/postgres/TestDatabase.ts"
import { pause } from "../../support/Wait.ts"

const Now = Schema.Tuple([Schema.Struct({ now: Schema.Finite })])

/** A new database without processes, and its time as that of the test. */
const begin = Effect.gen(function* () {
  const connection = yield* TestDatabase.connection
  // With a client that closes before the time passes: its pool works at intervals.
  const now = yield* Effect.scoped(
    Effect.gen(function* () {
      const sql = yield* TestDatabase.clientOf(connection)
      const [row] = yield* sql`SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now`.pipe(
        Effect.flatMap(Schema.decodeUnknownEffect(Now))
      )
      return row.now
    })
  )
  yield* TestClock.setTime(now)
  const processes: Array<CountedStatements.CountedStatements> = []
  return { url: Redacted.value(connection.url), sql: yield* TestDatabase.clientOf(connection), processes }
})

type Deployment = Pick<Effect.Success<typeof begin>, "url" | "processes">

/** Waits until no statement of a process runs. */
const quiet = ({ processes }: Deployment) =>
  Effect.forEach(processes, (one) => one.quiet, { discard: true, concurrency: "unbounded" })

/**
 * Lets time pass until the effect ends, since the start and the end of a process may wait. Time passes while no statement runs, so
 * that a busy machine exceeds no time-out of one; and slowly while one runs that may wait for the time.
 */
const driven = Effect.fnUntraced(function* <A, E, R>(deployment: Deployment, effect: Effect.Effect<A, E, R>) {
  const fiber = yield* Effect.forkDetach(effect)
  while (fiber.pollUnsafe() === undefined) {
    yield* TestClock.adjust("100 millis")
    yield* Effect.raceFirst(quiet(deployment), pause(1_000))
  }
  return yield* Fiber.join(fiber)
})

/** Starts `serve` as a process of its own would: it wakes only its own loops. */
const startProcess = Effect.fnUntraced(function* (
  deployment: Deployment,
  environment: Readonly<Record<string, string>> = {}
) {
  const statements = yield* CountedStatements.start(deployment.url)
  deployment.processes.push(statements)
  const settings = yield* Settings.parse(
    ConfigProvider.fromUnknown({
      DATABASE_URL: statements.url,
      PORT: "0",
      SECRETS_KEY: "5".repeat(64),
      SMTP_URL: "smtp://127.0.0.1:9",
      MAIL_FROM: "Edge <edge@example.com>",
      PUBLIC_URL: "https://edge.example",
      ...environment
    })
  )
  const scope = yield* Scope.make()
  yield* Effect.addFinalizer(() => driven(deployment, Scope.close(scope, Exit.void)))
  yield* driven(
    deployment,
    Serve.service(settings, Option.getOrThrow(LocalDatabase.configured(settings))).pipe(
      Effect.provideService(Rounds.Wakeups, Rounds.makeWakeups()),
      Scope.provide(scope)
    )
  )
})

/** Lets time pass, one second after the other, so that each statement ends at the time at which it began. */
const pass = Effect.fnUntraced(function* (seconds: number, deployment: Deployment) {
  for (let second = 0; second < seconds; second++) {
    yield* TestClock.adjust("1 second")
    yield* quiet(deployment)
  }
})

describe("platform/rounds/postgres: an idle deployment", () => {
  it.effect("three processes together send at most 0.3 statements a second", () =>
    Effect.gen(function* () {
      const deployment = yield* begin
      const { processes } = deployment
      for (let count = 0; count < 3; count++) yield* startProcess(deployment)
      // The first rounds end.
      yield* pass(60, deployment)
      const before = processes.map(({ count }) => count())
      const seconds = 300
      yield* pass(seconds, deployment)
      const sent = processes.map(({ count }, index) => count() - (before[index] ?? 0))
      // Once an hour, the holder also maintains the tables, as it alone did in the first minute.
      const hourly = (Math.max(...before) - Math.min(...before)) / 3_600
      const total = sent.reduce((sum, one) => sum + one, 0) / seconds + hourly
      const texts = processes.flatMap((one) => one.texts()).join("\n")
      assert.isAtMost(total, 0.3, `${sent} and ${hourly}\n${texts}`)
      // One process looks for what was left over, and the others look whether it still does.
      assert.isTrue(
        sent.every((one) => one > 0),
        `${sent}`
      )
      assert.isAtLeast(Math.max(...sent), seconds / 10)
    }).pipe(Effect.scoped, Effect.provide(Logger.layer([])))
  )

  it.effect("what a process that died left over is done within 30 s, not by a process with DELIVERY=off", () =>
    Effect.gen(function* () {
      const deployment = yield* begin
      const { sql } = deployment
      const now = yield* Clock.currentTimeMillis
      // A process that died right after its look.
      yield* sql`INSERT INTO background_lease (name, holder, kinds, until, next_look_at)
        VALUES ('left-over work', gen_random_uuid(), 100, ${PgTypes.timestamptz(now + 20_000)}, ${PgTypes.timestamptz(now)})`
      yield* startProcess(deployment, { DELIVERY: "off" })
      yield* pass(1, deployment)
      yield* startProcess(deployment)
      yield* pass(1, deployment)
      yield* sql`INSERT INTO site (website_config_id, hosted_website_id, tracking_token, name)
        SELECT id, id, id, 'a' FROM (SELECT gen_random_uuid() AS id) AS made`
      // An event whose process woke no loop.
      const leave = sql`INSERT INTO outbox (event_id, website_config_id, type, created_at)
        SELECT gen_random_uuid(), website_config_id, 'site.limit', now() FROM site`
      const left = Effect.map(sql`SELECT FROM outbox`, ({ length }) => length)
      yield* leave
      yield* pass(10, deployment)
      assert.strictEqual(yield* left, 1)
      yield* pass(20, deployment)
      assert.strictEqual(yield* left, 0)
      // From now on, the holder finds it with its next look.
      yield* leave
      yield* pass(11, deployment)
      assert.strictEqual(yield* left, 0)
    }).pipe(Effect.scoped, Effect.provide(Logger.layer([])))
  )

  it.effect("a process that does more kinds of work takes the lease of one that does fewer", () =>
    Effect.gen(function* () {
      const deployment = yield* begin
      const { sql } = deployment
      yield* startProcess(deployment, { DELIVERY: "off" })
      yield* pass(1, deployment)
      yield* startProcess(deployment)
      yield* pass(1, deployment)
      yield* sql`INSERT INTO site (website_config_id, hosted_website_id, tracking_token, name)
        SELECT id, id, id, 'a' FROM (SELECT gen_random_uuid() AS id) AS made`
      yield* sql`INSERT INTO outbox (event_id, website_config_id, type, created_at)
        SELECT gen_random_uuid(), website_config_id, 'site.limit', now() FROM site`
      yield* pass(11, deployment)
      assert.deepStrictEqual(yield* sql`SELECT FROM outbox`, [])
    }).pipe(Effect.scoped, Effect.provide(Logger.layer([])))
  )
})
