/**
 * `doctor` with a real database, a real Redis and proxies, and its exit code.
 */
import { randomUUID } from "node:crypto"
import { tmpdir } from "node:os"
import path from "node:path"
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Redacted } from "effect"
import { IpNetwork } from "effect/net"
import { SqlClient } from "effect/sql"
import { proxyFacts } from "../../../src/cli/commands/Doctor.ts"
import * as RollUpLoop from "../../../src/postgres/analytics/reports/RollUpLoop.ts"
import * as Postgres from "../../../src/postgres/schema/Inspection.ts"
import * as Partitions from "../../../src/postgres/schema/Partitions.ts"
import * as Redis from "../../../src/redis/Inspection.ts"
import * as Command from "../../support/Command.ts"
import * as TestDatabase from "../../support/postgres/TestDatabase.ts"
import * as TestRedis from "../../support/TestRedis.ts"

describe("doctor: the database", () => {
  it.live("reports migrations, clock, partitions and durability", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const [settings] = yield* sql<{ readonly fsync: string }>`SELECT current_setting('fsync') AS fsync`
      yield* Partitions.ensure(yield* Clock.currentTimeMillis)
      const initial = yield* Postgres.inspect
      assert.deepInclude(initial, {
        _tag: "Reached",
        pending: [],
        missingPartitions: [],
        isReadOnly: false,
        isEncrypted: false,
        fsync: settings?.fsync === "on"
      })
      // The database has this machine's clock.
      assert.isAtMost(Math.abs(initial.clockAheadMillis), initial.roundTripMillis + 1_000)

      const wanted = Partitions.wanted(yield* Clock.currentTimeMillis)
      yield* sql.unsafe(`DROP TABLE ${wanted[2]!.name}`)
      assert.deepStrictEqual((yield* Postgres.inspect).missingPartitions, [wanted[2]!.name])

      yield* sql`DELETE FROM effect_sql_migrations WHERE migration_id = 2`
      const behind = yield* Postgres.inspect
      assert.deepStrictEqual([behind.pending, behind.missingPartitions], [[2], []])
    }).pipe(Effect.provide(TestDatabase.layer))
  )

  it.live("counts the websites whose rollups lag, until a round rolls them up", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const [used, unused] = [randomUUID(), randomUUID()]
      for (const id of [used, unused]) {
        yield* sql`INSERT INTO site (website_config_id, hosted_website_id, tracking_token, name)
          VALUES (${id}, ${id}, ${id}, 'a')`
      }
      yield* sql`INSERT INTO page_view (hosted_website_id, received_at, path, visitor_hash)
        VALUES (${used}, now() - interval '3 days', '/', '')`
      assert.strictEqual((yield* Postgres.inspect).laggingRollups, 1)
      yield* RollUpLoop.round
      assert.strictEqual((yield* Postgres.inspect).laggingRollups, 0)
    }).pipe(Effect.provide(TestDatabase.layer))
  )

  it.live("reports that the database accepts no writes", () =>
    Effect.gen(function* () {
      const connection = yield* TestDatabase.connection
      const writer = yield* TestDatabase.clientOf(connection)
      yield* writer`ALTER DATABASE ${writer(connection.database)} SET default_transaction_read_only = on`
      const reader = yield* TestDatabase.clientOf(connection)
      const facts = yield* Effect.provideService(Postgres.inspect, SqlClient.SqlClient, reader)
      assert.isTrue(facts.isReadOnly)
    }).pipe(Effect.scoped)
  )
})

TestRedis.describeWithRedis("doctor: Redis", () => {
  it.live("reports a killed server as unavailable", () =>
    Effect.gen(function* () {
      const redis = yield* TestRedis.started
      assert.strictEqual((yield* Redis.inspect(redis.url))._tag, "Counted")
      yield* redis.kill
      assert.deepInclude(yield* Redis.inspect(redis.url), {
        _tag: "Unavailable",
        reason: "ECONNREFUSED",
        fault: undefined
      })
    }).pipe(Effect.scoped)
  )

  it.live("reports a rejected URL without its secrets", () =>
    Effect.gen(function* () {
      const redis = yield* TestRedis.started
      const inspectWith = (change: Partial<Pick<URL, "pathname" | "password">>) =>
        Redis.inspect(Redacted.make(Object.assign(new URL(Redacted.value(redis.url)), change).href))
      assert.deepStrictEqual(yield* inspectWith({ password: "open" }), {
        _tag: "Unavailable",
        reason: "ERR: it refused AUTH",
        fault: "login"
      })
      assert.deepStrictEqual(yield* inspectWith({ pathname: "/99" }), {
        _tag: "Unavailable",
        reason: "ERR: it refused SELECT, as it has no database of that number",
        fault: "database"
      })
      yield* redis.send("CONFIG", "SET", "requirepass", "sesame")
      assert.deepStrictEqual(yield* inspectWith({ password: "open" }), {
        _tag: "Unavailable",
        reason: "WRONGPASS: it refused AUTH",
        fault: "login"
      })
      assert.deepStrictEqual(yield* inspectWith({}), {
        _tag: "Unavailable",
        reason: "NOAUTH: it requires a password",
        fault: "login"
      })
    }).pipe(Effect.scoped)
  )
})

describe("doctor: proxies", () => {
  const trusted = ["10.0.0.0/8", "2001:db8::/32"].map(IpNetwork.fromStringUnsafe)

  it.effect("a request counts for the client that a trusted proxy names, otherwise for its peer", () =>
    Effect.gen(function* () {
      for (const [peer, forwardedFor, counted, isTrusted] of [
        ["10.0.0.4", "203.0.113.7", "203.0.113.7", true],
        ["10.0.0.4", "6.6.6.6, 198.51.100.9, 10.0.0.8", "198.51.100.9", true],
        ["2001:db8::1", "2001:db9:1:2:3::4", "2001:db9:1:2::/64", true],
        ["10.0.0.4", "garbage", "10.0.0.4", true],
        ["10.0.0.4", "203.0.113.7, …\n", "10.0.0.4", true],
        ["192.0.2.1", "203.0.113.7", "192.0.2.1", false]
      ] as const) {
        assert.deepStrictEqual(yield* proxyFacts(trusted, peer, forwardedFor), {
          peer,
          forwardedFor,
          client: counted,
          isTrusted
        })
      }
      assert.strictEqual((yield* proxyFacts([], "10.0.0.4", "203.0.113.7")).client, "10.0.0.4")
    })
  )
})

describe("doctor, the command", () => {
  it.live("rejects a --peer that is not an address", () =>
    Effect.gen(function* () {
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
      assert.match(denied.output, /^\S+ +partitions /m)
      yield* allowRequests
      const granted = yield* Command.run(["doctor"], environment)
      assert.match(granted.output, /^warning +rights +.* lacks DELETE on visitor_salt, DELETE on page_view_batch, /m)
    }).pipe(Effect.scoped)
  )

  it.live("prints one JSON document without passwords, and exits with 1 for a problem", () =>
    Effect.gen(function* () {
      const { code, output, stderr, stdout } = yield* Command.run(["doctor", "--json"], {
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
          // Its severity depends on this machine's limit of open files.
          ["connections", findings.find(({ check }) => check === "connections")?.["severity"]],
          ["redis", "problem"],
          ["proxies", "ok"]
        ]
      )
      assert.strictEqual(stderr, "2 problems found; see above.\n")
      assert.notInclude(output, "sesame")
    })
  )
})
