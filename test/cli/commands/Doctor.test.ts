/**
 * `doctor` with a real database, a real Redis and proxies, and its exit code.
 */
import { randomUUID } from "node:crypto"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import path from "node:path"
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import * as Cluster from "../../../scripts/torture/Cluster.ts"
import * as PgBouncer from "../../../scripts/torture/PgBouncer.ts"
import * as Inspection from "../../../src/cli/doctor/Inspection.ts"
import * as Command from "../../support/Command.ts"
import { describeWith } from "../../support/Programs.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"
import * as TestDatabase from "../../support/postgres/TestDatabase.ts"
import * as TestRedis from "../../support/TestRedis.ts"
import { laterTime } from "../../support/Wait.ts"

describe("doctor: the database", () => {
  it.live("reports durability and the clock, and that the database is not migrated as `serve` does", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const [settings] = yield* sql<{ readonly fsync: string }>`SELECT current_setting('fsync') AS fsync`
      const initial = yield* Inspection.database("5 seconds")
      assert.deepInclude(initial, { _tag: "Reached", denied: [], isEncrypted: false, keepsStatements: true })
      assert.strictEqual(initial.off.includes("fsync"), settings?.fsync === "off")
      // The database has this machine's clock.
      assert.isAtMost(Math.abs(initial.clockAheadMillis), initial.roundTripMillis + 1_000)

      yield* sql`DELETE FROM effect_sql_migrations WHERE migration_id = 4`
      for (const inspect of [Effect.asVoid(Inspection.database("5 seconds")), Inspection.reader("5 seconds")]) {
        assert.deepInclude(yield* Effect.flip(inspect), { _tag: "NotReady", reason: "database-not-migrated" })
      }
    }).pipe(Effect.provide(TestClient.layer))
  )

  it.live("reports that the database accepts no writes", () =>
    Effect.gen(function* () {
      const connection = yield* TestDatabase.connection
      const writer = yield* TestDatabase.clientOf(connection)
      yield* writer`ALTER DATABASE ${writer(connection.database)} SET default_transaction_read_only = on`
      const reader = yield* TestDatabase.clientOf(connection)
      const error = yield* Inspection.database("5 seconds").pipe(
        Effect.provideService(SqlClient.SqlClient, reader),
        Effect.provideService(PgClient.PgClient, reader),
        Effect.flip
      )
      assert.deepInclude(error, { _tag: "NotReady", reason: "database-read-only" })
    }).pipe(Effect.scoped)
  )
})

/** Why the limiter does not use this Redis. */
const faultOf = (url: Redacted.Redacted) =>
  Effect.map(Inspection.redis(url), (state) =>
    state._tag === "Alone" ? { reason: state.error.reason, fault: state.error.fault } : undefined
  )

TestRedis.describeWithRedis("doctor: Redis", () => {
  it.live("reports a killed server as unavailable", () =>
    Effect.gen(function* () {
      const redis = yield* TestRedis.started
      assert.strictEqual((yield* Inspection.redis(redis.url))._tag, "Shared")
      yield* redis.kill
      assert.deepStrictEqual(yield* faultOf(redis.url), { reason: "ECONNREFUSED", fault: undefined })
    }).pipe(Effect.scoped)
  )

  it.live("reports a rejected URL without its secrets", () =>
    Effect.gen(function* () {
      const redis = yield* TestRedis.started
      const inspectWith = (change: Partial<Pick<URL, "pathname" | "password">>) =>
        faultOf(Redacted.make(Object.assign(new URL(Redacted.value(redis.url)), change).href))
      assert.deepStrictEqual(yield* inspectWith({ password: "open" }), {
        reason: "ERR: it refused AUTH",
        fault: "login"
      })
      assert.deepStrictEqual(yield* inspectWith({ pathname: "/99" }), {
        reason: "ERR: it refused SELECT, as it has no database of that number",
        fault: "database"
      })
      yield* redis.send("CONFIG", "SET", "requirepass", "sesame")
      assert.deepStrictEqual(yield* inspectWith({ password: "open" }), {
        reason: "WRONGPASS: it refused AUTH",
        fault: "login"
      })
      assert.deepStrictEqual(yield* inspectWith({}), { reason: "NOAUTH: it requires a password", fault: "login" })
    }).pipe(Effect.scoped)
  )
})

describe.concurrent("doctor, the command", () => {
  it.live("rejects a --peer that is not an address, and a --forwarded-for without a --peer", () =>
    Effect.gen(function* () {
      assert.deepInclude(yield* Command.run(["doctor", "--forwarded-for", "203.0.113.7"], {}), {
        code: 1,
        output: "--forwarded-for needs --peer, the address of the proxy that sends it.\n"
      })
      for (const peer of ["foo", "10.0.0.0/8", "10.0.0.256"]) {
        assert.deepInclude(yield* Command.run(["doctor", "--peer", peer], {}), {
          code: 1,
          output: "The flag --peer must be an IP address such as 10.0.0.4 or 2001:db8::4.\n"
        })
      }
    }).pipe(Effect.scoped)
  )

  it.live("reports the missing privileges of a read-only user", () =>
    Effect.gen(function* () {
      const connection = yield* TestDatabase.connection
      const { allowRequests } = yield* TestDatabase.readOnly(connection)
      const environment = { DATABASE_URL: Redacted.value(connection.url) }
      const denied = yield* Command.run(["doctor"], environment)
      assert.strictEqual(denied.code, 1)
      assert.match(denied.output, /^problem +rights +The database's user lacks UPDATE on site, .*INSERT on page_view/m)
      yield* allowRequests
      const granted = yield* Command.run(["doctor"], environment)
      assert.match(granted.output, /^warning +rights +.* lacks DELETE on visitor_salt, DELETE on page_view_batch, /m)
    }).pipe(Effect.scoped)
  )

  it.live("asks the agents of the three newest instances, or those of --ask, and counts the others", () =>
    Effect.gen(function* () {
      let questions = 0
      const agent = yield* Effect.acquireRelease(
        Effect.callback<Server>((resume) => {
          const server = createServer((_, response) => {
            questions++
            response.writeHead(401).end()
          }).listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
        }),
        (server) => Effect.sync(() => server.close())
      )
      const { port } = agent.address() as AddressInfo
      const environment = { DATABASE_URL: yield* TestDatabase.url, TEST_AGENT_KEY: "sesame" }
      const ids: Array<string> = []
      for (const name of ["a", "b", "c", "d", "e"]) {
        const create = ["instance", "create", "--name", name, "--agent-url", `http://127.0.0.1:${port}`, "--no-check"]
        const { stderr, stdout } = yield* Command.run(
          [...create, "--agent-key-env", "TEST_AGENT_KEY", "--json"],
          environment
        )
        assert.strictEqual(stderr, "")
        ids.push((JSON.parse(stdout) as { readonly instance_id: string }).instance_id)
        yield* laterTime
      }
      /** The indices of the instances that were asked, and the number of those that were not. */
      const doctor = Effect.fnUntraced(function* (...ask: ReadonlyArray<string>) {
        questions = 0
        const { stdout } = yield* Command.run(["doctor", "--json", ...ask], environment)
        const { findings } = JSON.parse(stdout) as { readonly findings: ReadonlyArray<Record<string, string>> }
        const texts = findings.filter(({ check }) => check === "agents").map(({ finding }) => String(finding))
        const asked = ids.flatMap((id, index) => (texts.join().includes(id) ? [index] : []))
        return { questions, asked, others: Number(/not asked: ([0-9]+)/.exec(texts.join())?.[1] ?? 0) }
      })
      const [, second = "", third = ""] = ids
      assert.deepStrictEqual(yield* doctor(), { questions: 3, asked: [2, 3, 4], others: 2 })
      assert.deepStrictEqual(yield* doctor("--ask", "all"), { questions: 5, asked: [0, 1, 2, 3, 4], others: 0 })
      assert.deepStrictEqual(yield* doctor("--ask", "none"), { questions: 0, asked: [], others: 5 })
      assert.deepStrictEqual(yield* doctor("--ask", third, "--ask", second), {
        questions: 2,
        asked: [1, 2],
        others: 3
      })
      questions = 0
      const missing = randomUUID()
      const unknown = yield* Command.run(["doctor", "--ask", second, "--ask", missing], environment)
      assert.deepInclude(unknown, {
        code: 1,
        output: `There is no instance ${missing}; \`hydracore instance list\` lists them.\n`
      })
      const wrong = yield* Command.run(["doctor", "--ask", "none", "--ask", second], environment)
      assert.match(wrong.output, /^The flag --ask must be none, all, or the instance_id of an instance/)
      assert.strictEqual(questions, 0)
    }).pipe(Effect.scoped)
  )

  it.live("reports webhooks whose secrets another SECRETS_KEY encrypted", () =>
    Effect.gen(function* () {
      const environment = {
        DATABASE_URL: yield* TestDatabase.url,
        SECRETS_KEY: "5e".repeat(32),
        WEBHOOK_ALLOW: "127.0.0.1:9"
      }
      const findingWith = (change: Readonly<Record<string, string>>) =>
        Effect.map(
          Command.run(["doctor"], { ...environment, ...change }),
          ({ output }) => output.split("\n").find((line) => /^\S+ +webhooks /.test(line)) ?? ""
        )
      assert.strictEqual(yield* findingWith({}), "")
      const { stdout } = yield* Command.run(["site", "create", "--name", "Shop", "--json"], environment)
      const { site_id: site } = JSON.parse(stdout) as { readonly site_id: string }
      const create = ["webhook", "create", "--site", site, "--url", "http://127.0.0.1:9/"]
      assert.strictEqual((yield* Command.run(create, environment)).code, 0)
      assert.match(yield* findingWith({}), /^ok .* decrypts the secrets of all webhooks/)
      assert.match(yield* findingWith({ SECRETS_KEY: "5f".repeat(32) }), /^problem .*\(1 of 1\): nothing is sent/)
      assert.match(yield* findingWith({ SECRETS_KEY: "" }), /^problem .* SECRETS_KEY is not set.*\(1 of 1\)/)
    }).pipe(Effect.scoped)
  )

  it.live("prints one JSON document without passwords, and exits with 1 for a problem", () =>
    Effect.gen(function* () {
      const { code, output, stderr, stdout } = yield* Command.run(["doctor", "--json", "--peer", "10.0.0.4"], {
        DATABASE_URL: "postgres://user:sesame@127.0.0.1:1/none",
        REDIS_URL: "redis://:sesame@127.0.0.1:1",
        TRUSTED_PROXIES: "10.0.0.0/8",
        HYDRACORE_DATA_DIR: path.join(tmpdir(), "no-such-folder")
      })
      assert.strictEqual(code, 1)
      const { findings, well } = JSON.parse(stdout) as {
        well: boolean
        findings: ReadonlyArray<Record<string, string>>
      }
      assert.isFalse(well)
      assert.deepStrictEqual(
        findings.map(({ check, severity }) => [check, severity]),
        [
          ["database", "problem"],
          ["redis", "problem"],
          ["proxies", "ok"]
        ]
      )
      assert.deepStrictEqual(JSON.parse(stderr), { error: { message: "2 problems found; see above." } })
      assert.notInclude(output, "sesame")
    })
  )
})

describeWith([PgBouncer], "doctor: PgBouncer", () => {
  it.live("reports a pooler that does not keep prepared statements", () =>
    Effect.gen(function* () {
      const cluster = yield* Cluster.make({ fsync: "off" })
      yield* Command.run(["migrate"], { DATABASE_URL: cluster.url })
      for (const [settings, isReported] of [
        [{ max_prepared_statements: 0 }, true],
        [{ max_prepared_statements: 200 }, false],
        // With one connection, every statement is where it was prepared.
        [{ max_prepared_statements: 0, default_pool_size: 1 }, false],
        [{ max_prepared_statements: 0, pool_mode: "session" }, false]
      ] as const) {
        const DATABASE_URL = yield* PgBouncer.start(cluster, settings)
        const { output } = yield* Command.run(["doctor"], { DATABASE_URL, DATABASE_READ_URL: DATABASE_URL })
        const reported = /^problem +pooler .*\n.* max_prepared_statements = 200 /m
        assert.strictEqual(reported.test(output), isReported, `${JSON.stringify(settings)}\n${output}`)
        assert.strictEqual(/^problem +reader +A pooler /m.test(output), isReported)
        assert.match(output, /^problem +durability /m)
      }
    }).pipe(Effect.scoped)
  )
})
