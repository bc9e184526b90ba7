/**
 * Processes that start while others do something with the same database.
 */

import { spawn } from "node:child_process"
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs"
import path from "node:path"
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, Schema } from "effect"
import { Reactivity } from "effect/reactivity"
import * as EmbeddedCluster from "../../src/postgres/embedded/EmbeddedCluster.ts"
import * as Locks from "../support/postgres/Locks.ts"
import * as PreparedCluster from "../support/postgres/PreparedCluster.ts"
import * as ServerFiles from "../support/postgres/ServerFiles.ts"
import * as TestDatabase from "../support/postgres/TestDatabase.ts"
import { pause, until } from "../support/Wait.ts"
import * as Cluster from "../torture/Cluster.ts"
import * as Process from "../torture/Process.ts"
import * as Store from "../torture/Store.ts"

const quick = { fsync: "off", synchronous_commit: "off", full_page_writes: "off" }

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(path.join(ServerFiles.folder(), "hydracore-starting-"))),
  (made) => Effect.sync(() => rmSync(made, { recursive: true, force: true }))
)

/** A demo's folder with an empty cluster in it, which its server's user can enter. */
const demoFolder = Effect.tap(folder, (made) =>
  Effect.sync(() => {
    chmodSync(made, 0o711)
    PreparedCluster.copyTo(path.join(made, "postgres"))
  })
)

const Count = Schema.Array(Schema.Struct({ migration_id: Schema.Int, times: Schema.BigInt }))

/** A client that stays connected, to hold a lock. */
const client = (cluster: Cluster.Cluster) =>
  PgClient.make({ url: Redacted.make(cluster.url), maxConnections: 1 }).pipe(
    Effect.provide(Reactivity.layer),
    Effect.orDie
  )

const statusOf = (url: string) => fetch(url, { method: "HEAD" }).then((response) => response.status)

describe("faults: starting", () => {
  it.live("two that migrate an empty database at the same moment both succeed, and it is migrated once", () =>
    Effect.gen(function* () {
      const cluster = yield* Cluster.make(quick)
      const migrate = Effect.gen(function* () {
        const { ended, output } = yield* Process.launch(["migrate"], { DATABASE_URL: cluster.url })
        assert.deepStrictEqual(yield* ended, { code: 0, signal: null }, output())
      })
      yield* Effect.all([migrate, migrate], { concurrency: 2 })
      const applied = yield* cluster.use((sql) =>
        sql`SELECT migration_id, count(*) AS times FROM effect_sql_migrations GROUP BY 1`.pipe(
          Effect.flatMap(Schema.decodeUnknownEffect(Count))
        )
      )
      assert.isAbove(applied.length, 0)
      for (const { times } of applied) assert.strictEqual(times, 1n)
    }).pipe(Effect.scoped)
  )

  it.live("the demo does not use the environment's database and Redis, and says so", () =>
    Effect.gen(function* () {
      const cluster = yield* Cluster.make(quick)
      const dataDir = yield* demoFolder
      const environment = { HYDRACORE_DATA_DIR: dataDir, DATABASE_URL: cluster.url }
      // It is not even asked whether there is a Redis.
      const demo = yield* Process.start("demo", { ...environment, REDIS_URL: "no address" })
      yield* until("all is said", () => demo.output().includes("Ctrl-C"))
      const said = demo.output()
      assert.include(said, "\nThe demo ignores DATABASE_URL: ")
      assert.include(said, "\nThe demo ignores REDIS_URL: ")
      assert.notInclude(said, "anyone who can reach")
      assert.strictEqual(yield* Effect.promise(() => statusOf(`${demo.url}/readyz`)), 200)
      const tables = yield* cluster.use((sql) => sql`SELECT 1 FROM pg_tables WHERE schemaname = 'public'`)
      assert.deepStrictEqual(tables, [])
      // The printed commands find the demo's own website in the same environment.
      const [, prefix, args = ""] = /^(\S* ?)npm run -s hydracore -- (stats .*)$/m.exec(said) ?? []
      assert.strictEqual(prefix, "DATABASE_URL= ")
      const stats = yield* Process.launch(args.split(" "), { ...environment, DATABASE_URL: "" })
      assert.deepStrictEqual(yield* stats.ended, { code: 0, signal: null }, stats.output())
    }).pipe(Effect.scoped)
  )

  it.live("a demo that other machines can reach warns that they can see what it receives", () =>
    Effect.gen(function* () {
      const dataDir = yield* demoFolder
      const demo = yield* Process.start("demo", { HYDRACORE_DATA_DIR: dataDir, HOST: "0.0.0.0" })
      yield* until("all is said", () => demo.output().includes("Ctrl-C"))
      assert.include(
        demo.output(),
        `\nIt listens on http://0.0.0.0:${demo.port}: anyone who can reach that address sees `
      )
      assert.notInclude(demo.output(), "DATABASE_URL")
    }).pipe(Effect.scoped)
  )

  it.live("a server that starts just before or during the migrations waits for them", () =>
    Effect.gen(function* () {
      const cluster = yield* Cluster.make(quick)
      const serve = Process.start("serve", { DATABASE_URL: cluster.url })
      const migrate = Effect.gen(function* () {
        const { ended, output } = yield* Process.launch(["migrate"], { DATABASE_URL: cluster.url })
        assert.deepStrictEqual(yield* ended, { code: 0, signal: null }, output())
      })
      const [service] = yield* Effect.all([serve, migrate, migrate], { concurrency: 3 })
      assert.strictEqual(yield* Effect.promise(() => statusOf(`${service.url}/readyz`)), 200)
    }).pipe(Effect.scoped)
  )

  it.live("a running server stays ready during migrations, and a starting one waits for them", () =>
    Effect.gen(function* () {
      const cluster = yield* Cluster.make(quick)
      yield* Store.prepare(cluster.url)
      const running = yield* Process.start("serve", { DATABASE_URL: cluster.url })
      assert.strictEqual(yield* Effect.promise(() => statusOf(`${running.url}/readyz`)), 200)
      const sql = yield* client(cluster)
      const starting = yield* Effect.orDie(
        sql.withTransaction(
          Effect.gen(function* () {
            // What the migrator holds for as long as it works.
            yield* sql`LOCK TABLE effect_sql_migrations IN ACCESS EXCLUSIVE MODE`
            // The answer before is used for half a second.
            yield* pause(600)
            assert.strictEqual(yield* Effect.promise(() => statusOf(`${running.url}/readyz`)), 200)
            const launched = yield* Process.launch(["serve"], { DATABASE_URL: cluster.url, PORT: "0" })
            yield* until("it waits for the lock", () => Effect.runPromise(cluster.use(Locks.isAwaited)))
            assert.notInclude(launched.output(), "Listening")
            return launched
          })
        )
      )
      yield* until("it serves", () => starting.output().includes("Listening on"))
    }).pipe(Effect.scoped)
  )

  it.live(
    "a server that cannot listen reports whether the port or the host is at fault",
    () =>
      Effect.gen(function* () {
        const DATABASE_URL = Redacted.value((yield* TestDatabase.connection).url)
        const { port, url } = yield* Process.start("serve", { DATABASE_URL })
        assert.strictEqual(yield* Effect.promise(() => statusOf(`${url}/readyz`)), 200)
        const dataDir = yield* demoFolder
        // No machine has it: it is for examples.
        const foreign = "203.0.113.5"
        for (const [args, prefix] of [
          [["serve"], ""],
          [["serve", "--workers", "2"], ""],
          [["demo"], ""],
          [["serve"], "METRICS_"]
        ] as const) {
          for (const [host, at, said] of [
            [foreign, "0", `set ${prefix}HOST to`],
            ["127.0.0.1", `${port}`, `another program uses this port; set ${prefix}PORT to`]
          ] as const) {
            const { ended, output } = yield* Process.launch(args, {
              DATABASE_URL,
              HYDRACORE_DATA_DIR: dataDir,
              PORT: "0",
              [`${prefix}HOST`]: host,
              [`${prefix}PORT`]: at
            })
            assert.deepStrictEqual(yield* ended, { code: 1, signal: null })
            assert.match(output(), /^Cannot listen on [^\n]+\n$/m)
            assert.include(output(), said)
          }
        }
      }).pipe(Effect.scoped),
    120_000
  )

  it.live("a server whose database is never migrated reports it and exits", () =>
    Effect.gen(function* () {
      const cluster = yield* Cluster.make(quick)
      const { ended, output } = yield* Process.launch(["serve"], { DATABASE_URL: cluster.url, PORT: "0" })
      assert.deepStrictEqual(yield* ended, { code: 1, signal: null })
      assert.include(output(), "npm run -s hydracore -- migrate")
    }).pipe(Effect.scoped)
  )

  it.live(
    "a socket lock whose process id now belongs to another process does not prevent an embedded server from starting",
    () =>
      Effect.gen(function* () {
        const dataDir = yield* folder
        chmodSync(dataDir, 0o711)
        yield* Effect.sync(() => PreparedCluster.copyTo(dataDir))
        const start = EmbeddedCluster.start({ dataDir, settings: quick })
        const first = yield* Effect.scoped(start)
        yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(first.home, { recursive: true, force: true })))
        // As after a kill -9 of everything, where the process id was given to another process of the same user since.
        const { uid } = statSync(path.join(first.home, "data"))
        const other = yield* Effect.acquireRelease(
          Effect.sync(() => spawn("sleep", ["60"], { stdio: "ignore", ...(process.geteuid?.() === 0 ? { uid } : {}) })),
          (child) => Effect.sync(() => child.kill("SIGKILL"))
        )
        const note = [other.pid, path.join(first.home, "data"), 1, 5432, path.dirname(first.path), ""]
        writeFileSync(`${first.path}.lock`, `${note.join("\n")}\n`)
        assert.strictEqual((yield* Effect.scoped(start)).home, first.home)
      }).pipe(Effect.scoped)
  )
})
