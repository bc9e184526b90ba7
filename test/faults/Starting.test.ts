/**
 * Services and commands that start: during migrations, with settings that they ignore, on a port in use, and after a crash.
 * They run in the test's process, whereas `test/outside` and `test/build` start the demo as a process of its own.
 */

import { spawn } from "node:child_process"
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs"
import { createServer, type Server } from "node:net"
import path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Redacted, Schema } from "effect"
import * as Rows from "../../scripts/torture/Rows.ts"
import * as EmbeddedCluster from "../../src/platform/postgres/embedded/EmbeddedCluster.ts"
import * as Command from "../support/Command.ts"
import * as InProcessServe from "../support/InProcessServe.ts"
import * as Locks from "../support/postgres/Locks.ts"
import * as PreparedCluster from "../support/postgres/PreparedCluster.ts"
import * as ServerFiles from "../support/postgres/ServerFiles.ts"
import * as TestDatabase from "../support/postgres/TestDatabase.ts"
import { pause, until } from "../support/Wait.ts"

const quick = { fsync: "off", synchronous_commit: "off", full_page_writes: "off" }

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(path.join(ServerFiles.folder(), "hydracore-starting-"))),
  (made) => Effect.sync(() => rmSync(made, { recursive: true, force: true }))
)

/** A folder for a demo, with an empty cluster. The user of the cluster's server can enter it. */
const demoFolder = Effect.tap(folder, (made) =>
  Effect.sync(() => {
    chmodSync(made, 0o711)
    PreparedCluster.copyTo(path.join(made, "postgres"))
  })
)

const Count = Schema.Array(Schema.Struct({ migration_id: Schema.Int, times: Schema.BigInt }))

/** A port on which another program listens. */
const takenPort = Effect.acquireRelease(
  Effect.callback<Server>((resume) => {
    const server = createServer().listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
  }),
  (server) => Effect.sync(() => server.close())
).pipe(
  Effect.map((server) => {
    const address = server.address()
    return typeof address === "object" && address !== null ? address.port : 0
  })
)

const migrate = (DATABASE_URL: string) =>
  Effect.map(Command.run(["migrate"], { DATABASE_URL }), ({ code, output }) => assert.strictEqual(code, 0, output))

/** Starts the demo, and gives the text that it prints once it is ready. */
const welcome = (environment: Readonly<Record<string, string>>) =>
  Effect.gen(function* () {
    const { ended, output } = yield* Command.launch(["demo"], { PORT: "0", LOG_LEVEL: "error", ...environment })
    return yield* Effect.raceFirst(
      until("the demo has printed its text", () => output().includes("Ctrl-C") && output()),
      Effect.flatMap(ended, (early) => Effect.die(new Error(early.output)))
    )
  })

const statusOf = (url: string) => fetch(url, { method: "HEAD" }).then((response) => response.status)

describe("faults: starting", () => {
  it.live("two commands that migrate an empty database at the same time succeed, and each migration runs once", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.unmigrated
      yield* Effect.all([migrate(url), migrate(url)], { concurrency: 2 })
      const applied = yield* Rows.use(url, (sql) =>
        sql`SELECT migration_id, count(*) AS times FROM effect_sql_migrations GROUP BY 1`.pipe(
          Effect.flatMap(Schema.decodeUnknownEffect(Count))
        )
      )
      assert.isAbove(applied.length, 0)
      for (const { times } of applied) assert.strictEqual(times, 1n)
    }).pipe(Effect.scoped)
  )

  it.live("the demo prints which variables it ignores, and whether other machines can reach it", () =>
    Effect.gen(function* () {
      const DATABASE_URL = yield* TestDatabase.unmigrated
      const environment = { HYDRACORE_DATA_DIR: yield* demoFolder, DATABASE_URL }
      yield* Effect.gen(function* () {
        // The demo does not read this URL.
        const text = yield* welcome({ ...environment, REDIS_URL: "no address" })
        assert.include(text, "\nThe demo ignores DATABASE_URL: ")
        assert.include(text, "\nThe demo ignores REDIS_URL: ")
        assert.notInclude(text, "anyone who can reach")
        const url = /^ +service +(http:\S+)$/m.exec(text)?.[1] ?? ""
        assert.strictEqual(yield* Effect.promise(() => statusOf(`${url}/readyz`)), 200)
        const tables = yield* Rows.use(DATABASE_URL, (sql) => sql`SELECT 1 FROM pg_tables WHERE schemaname = 'public'`)
        assert.deepStrictEqual(tables, [])
        // The printed commands find the demo's own website in the same environment.
        const [, prefix, args = ""] = /^(.*)npm run -s hydracore -- (stats .*)$/m.exec(text) ?? []
        assert.strictEqual(prefix, `DATABASE_URL= HYDRACORE_DATA_DIR=${environment.HYDRACORE_DATA_DIR} `)
        const stats = yield* Command.run(args.split(" "), { ...environment, DATABASE_URL: "" })
        assert.strictEqual(stats.code, 0, stats.output)
      }).pipe(Effect.scoped)

      const { HYDRACORE_DATA_DIR } = environment
      const exposed = yield* welcome({ HYDRACORE_DATA_DIR, HOST: "0.0.0.0", OWNER_PORT: "0" })
      assert.match(exposed, /\n {2}owner API {2}http:\/\/127\.0\.0\.1:[1-9]\d*\n/)
      assert.match(exposed, /\nIt listens on http:\/\/0\.0\.0\.0:\d+: anyone who can reach that address sees /)
      assert.notInclude(exposed, "DATABASE_URL")
    }).pipe(Effect.scoped)
  )

  it.live("a server that starts just before or during the migrations waits for them", () =>
    Effect.gen(function* () {
      const url = yield* TestDatabase.unmigrated
      const serve = InProcessServe.start({ DATABASE_URL: url })
      const [service] = yield* Effect.all([serve, migrate(url)], { concurrency: 2 })
      assert.strictEqual(yield* Effect.promise(() => statusOf(`${service.url}/readyz`)), 200)
    }).pipe(Effect.scoped)
  )

  it.live("a running server stays ready during migrations, and a starting one waits for them", () =>
    Effect.gen(function* () {
      const connection = yield* TestDatabase.connection
      const DATABASE_URL = Redacted.value(connection.url)
      const running = yield* InProcessServe.start({ DATABASE_URL })
      assert.strictEqual(yield* Effect.promise(() => statusOf(`${running.url}/readyz`)), 200)
      const [sql, other] = [yield* TestDatabase.clientOf(connection), yield* TestDatabase.clientOf(connection)]
      const starting = yield* Effect.orDie(
        sql.withTransaction(
          Effect.gen(function* () {
            // The migrator holds this lock while it works.
            yield* sql`LOCK TABLE effect_sql_migrations IN ACCESS EXCLUSIVE MODE`
            // The previous answer is cached for half a second.
            yield* pause(600)
            assert.strictEqual(yield* Effect.promise(() => statusOf(`${running.url}/readyz`)), 200)
            const starting = yield* Effect.forkScoped(InProcessServe.start({ DATABASE_URL }))
            yield* until("the starting server waits for the lock", () => Effect.runPromise(Locks.isAwaited(other)))
            assert.isUndefined(starting.pollUnsafe())
            return starting
          })
        )
      )
      const { url } = yield* Fiber.join(starting)
      assert.strictEqual(yield* Effect.promise(() => statusOf(`${url}/readyz`)), 200)
    }).pipe(Effect.scoped)
  )

  it.live("a server that cannot listen reports whether the port or the host is at fault", () =>
    Effect.gen(function* () {
      const DATABASE_URL = yield* TestDatabase.url
      const port = yield* takenPort
      const dataDir = yield* demoFolder
      // No machine has this address: it is reserved for examples.
      const foreign = "203.0.113.5"
      for (const [args, prefix] of [
        [["serve"], ""],
        [["serve", "--workers", "2"], ""],
        [["demo"], ""],
        [["serve"], "METRICS_"]
      ] as const) {
        for (const [host, chosenPort, advice] of [
          [foreign, "0", `set ${prefix}HOST to`],
          ["127.0.0.1", `${port}`, `another program uses this port; set ${prefix}PORT to`]
        ] as const) {
          const { code, output } = yield* Command.run(args, {
            DATABASE_URL,
            HYDRACORE_DATA_DIR: dataDir,
            PORT: "0",
            [`${prefix}HOST`]: host,
            [`${prefix}PORT`]: chosenPort
          })
          assert.strictEqual(code, 1)
          assert.match(output, /^Cannot listen on [^\n]+\n$/m)
          assert.include(output, advice)
        }
      }
    }).pipe(Effect.scoped)
  )

  it.live("a server whose database is never migrated reports it and exits", () =>
    Effect.gen(function* () {
      const DATABASE_URL = yield* TestDatabase.unmigrated
      const { code, output } = yield* Command.run(["serve"], { DATABASE_URL, PORT: "0" })
      assert.strictEqual(code, 1)
      assert.include(output, "npm run -s hydracore -- migrate")
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
        // As after a kill -9 of all processes, if the process id now belongs to another process of the same user.
        const { uid } = statSync(path.join(first.home, "data"))
        const other = yield* Effect.acquireRelease(
          Effect.sync(() => spawn("sleep", ["60"], { stdio: "ignore", ...(process.geteuid?.() === 0 ? { uid } : {}) })),
          (child) => Effect.sync(() => child.kill("SIGKILL"))
        )
        const lockLines = [other.pid, path.join(first.home, "data"), 1, 5432, path.dirname(first.path), ""]
        writeFileSync(`${first.path}.lock`, `${lockLines.join("\n")}\n`)
        assert.strictEqual((yield* Effect.scoped(start)).home, first.home)
      }).pipe(Effect.scoped)
  )
})
