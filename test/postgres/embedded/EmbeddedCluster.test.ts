import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process"
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { createInterface } from "node:readline"
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { Reactivity } from "effect/reactivity"
import * as EmbeddedCluster from "../../../src/postgres/embedded/EmbeddedCluster.ts"
import * as PreparedCluster from "../../support/postgres/PreparedCluster.ts"

const root = process.geteuid?.() === 0

/** A new folder that every user can traverse. The scope removes it and the folder that it may record. */
const folder = Effect.acquireRelease(
  Effect.sync(() => {
    const made = mkdtempSync(path.join(tmpdir(), "hydracore-cluster-"))
    chmodSync(made, 0o711)
    return made
  }),
  (made) => Effect.sync(() => rmSync(made, { recursive: true, force: true }))
)

/** Puts the data of an empty cluster into a folder: for tests of something else than the first start. */
const prepared = (dataDir: string) =>
  Effect.as(
    Effect.sync(() => PreparedCluster.copyTo(dataDir)),
    dataDir
  )

/** For tests that do not need durability. */
const quick = { fsync: "off" }

/** Starts the folder's cluster, uses it and stops it. */
const using = <A, E>(
  options: EmbeddedCluster.Options,
  use: (sql: PgClient.PgClient, cluster: EmbeddedCluster.EmbeddedCluster) => Effect.Effect<A, E>
) =>
  Effect.scoped(
    Effect.gen(function* () {
      const cluster = yield* EmbeddedCluster.start(options)
      const sql = yield* PgClient.make({ url: Redacted.make(cluster.url), maxConnections: 2 })
      return yield* use(sql, cluster)
    }).pipe(Effect.provide(Reactivity.layer))
  )

const store = (sql: PgClient.PgClient) =>
  Effect.andThen(sql`CREATE TABLE kept (n int PRIMARY KEY)`, sql`INSERT INTO kept VALUES (7)`)

const stored = (sql: PgClient.PgClient) =>
  Effect.map(sql<{ readonly n: number }>`SELECT n FROM kept ORDER BY n`, (rows) => rows.map(({ n }) => n))

/** The uid of a system user. */
const idOf = (name: string) => Number(execFileSync("id", ["-u", name], { encoding: "utf8" }))

/** The server's access rules. */
const rules = (sql: PgClient.PgClient) => sql`SELECT type, auth_method, options FROM pg_hba_file_rules`

/** The error of a start that must fail. */
const refusal = (options: EmbeddedCluster.Options) =>
  Effect.flip(Effect.scoped(EmbeddedCluster.start(options))).pipe(
    Effect.tap(({ message }) => Effect.sync(() => assert.notInclude(message, "\n")))
  )

interface Holder {
  readonly child: ChildProcess
  readonly lines: Array<string>
  /** Waits for a matching line, or fails with the output. */
  readonly said: (line: RegExp) => Effect.Effect<RegExpExecArray>
}

const until = <A>(what: () => string, look: () => A | undefined | null | false, seconds = 30): Effect.Effect<A> =>
  Effect.gen(function* () {
    for (let tries = seconds * 50; tries > 0; tries--) {
      const found = look()
      if (found !== undefined && found !== null && found !== false) return found
      yield* Effect.sleep("20 millis")
    }
    return yield* Effect.die(new Error(`waited in vain: ${what()}`))
  })

/** A separate process that holds the folder; see fixtures/hold.ts. */
const holder = (dataDir: string) =>
  Effect.acquireRelease(
    Effect.sync((): Holder => {
      const script = path.join(import.meta.dirname, "fixtures", "hold.ts")
      const child = spawn(process.execPath, [script, dataDir], { stdio: ["ignore", "pipe", "inherit"] })
      const lines: Array<string> = []
      createInterface({ input: child.stdout }).on("line", (line) => lines.push(line))
      const said = (pattern: RegExp) =>
        until(
          () => `${pattern} among ${lines.slice(-3).join(" | ")}`,
          () => lines.map((line) => pattern.exec(line)).find((match) => match !== null)
        )
      return { child, lines, said }
    }),
    // The folder must not be removed while its server is shutting down.
    ({ child, lines }) =>
      Effect.gen(function* () {
        yield* ended(child, "SIGKILL")
        const pid = /^ready (\d+)$/.exec(lines[0] ?? "")?.[1]
        yield* until(
          () => `the end of the server ${pid}`,
          () => pid === undefined || !alive(Number(pid))
        )
      })
  )

const ended = (child: ChildProcess, signal: NodeJS.Signals) =>
  Effect.suspend(() => {
    child.kill(signal)
    return until(
      () => "the end of the holder",
      () => child.exitCode !== null || child.signalCode !== null
    )
  })

/** Alive and not merely unreaped. */
const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  const command = `/proc/${pid}/cmdline`
  try {
    return !existsSync("/proc/self/cmdline") || readFileSync(command, "utf8") !== ""
  } catch {
    return false
  }
}

describe("the embedded cluster", () => {
  it.live("keeps its rows across restarts, and its folder is closed to other users", () =>
    Effect.gen(function* () {
      const dataDir = path.join(yield* folder, "deep", "db")
      yield* using({ dataDir }, (sql, { home }) =>
        Effect.gen(function* () {
          yield* store(sql)
          assert.strictEqual(home, dataDir)
          assert.strictEqual(statSync(dataDir).mode & 0o777, root ? 0o711 : 0o700)
          for (const name of ["data", "s"]) assert.strictEqual(statSync(path.join(home, name)).mode & 0o077, 0)
          const listening = yield* sql<{ readonly addresses: string; readonly fsync: string }>`
            SELECT current_setting('listen_addresses') AS addresses, current_setting('fsync') AS fsync`
          assert.deepStrictEqual(listening, [{ addresses: "", fsync: "on" }])
        })
      )
      assert.isFalse(existsSync(path.join(dataDir, "data", "postmaster.pid")))
      assert.deepStrictEqual(yield* using({ dataDir }, stored), [7])
    }).pipe(Effect.scoped)
  )

  it.live("kill_9_of_its_process_ends_the_server_and_loses_nothing_acknowledged", () =>
    Effect.gen(function* () {
      const dataDir = yield* Effect.flatMap(folder, prepared)
      for (const rows of [100, 300]) {
        const { child, lines, said } = yield* holder(dataDir)
        const pid = Number((yield* said(/^ready (\d+)$/))[1])
        assert.isTrue(alive(pid))
        yield* said(new RegExp(`^stored ${rows}$`))
        yield* ended(child, "SIGKILL")
        const last = lines.filter((line) => line.startsWith("stored ")).length
        // At once, while the old server may still be shutting down.
        const kept = yield* using({ dataDir }, stored)
        assert.isFalse(alive(pid))
        assert.isAtLeast(kept.length, last)
        assert.deepStrictEqual(
          kept.slice(0, last),
          Array.from({ length: last }, (_, index) => index + 1)
        )
      }
    }).pipe(Effect.scoped)
  )

  it.live("kill_9_of_its_process_leaves_no_server_behind_though_nobody_starts_again", () =>
    Effect.gen(function* () {
      const { child, said } = yield* holder(yield* Effect.flatMap(folder, prepared))
      const pid = Number((yield* said(/^ready (\d+)$/))[1])
      yield* ended(child, "SIGKILL")
      yield* until(
        () => `the end of the server ${pid}`,
        () => !alive(pid)
      )
    }).pipe(Effect.scoped)
  )

  it.live("two_first_starts_at_once_make_one_database_and_the_other_is_told_who_has_it", () =>
    Effect.gen(function* () {
      const dataDir = yield* folder
      const holders = [yield* holder(dataDir), yield* holder(dataDir)]
      const [first, second] = yield* Effect.all(
        holders.map((each) => Effect.as(each.said(/^(ready|refused) /), each)),
        { concurrency: 2 }
      ).pipe(Effect.map((both) => both.sort((one) => (one.lines[0]?.startsWith("ready") ? -1 : 1))))
      assert.match(first?.lines[0] ?? "", /^ready /)
      assert.match(second?.lines[0] ?? "", /^refused InUse .*DATABASE_URL/)
      assert.deepStrictEqual(
        readdirSync(dataDir).filter((name) => name.startsWith("data")),
        ["data"]
      )
      const { message, reason } = yield* refusal({ dataDir })
      assert.strictEqual(reason, "InUse")
      assert.include(message, `(pid ${first?.child.pid})`)
    }).pipe(Effect.scoped)
  )

  it.live("a second start in the same process is refused and does not affect the first", () =>
    Effect.gen(function* () {
      const dataDir = yield* Effect.flatMap(folder, prepared)
      const kept = yield* using({ dataDir, settings: quick }, (sql) =>
        Effect.gen(function* () {
          yield* store(sql)
          assert.include((yield* refusal({ dataDir })).message, `(pid ${process.pid})`)
          return yield* stored(sql)
        })
      )
      assert.deepStrictEqual(kept, [7])
    }).pipe(Effect.scoped)
  )

  it.live("works in a folder whose path is too long for a socket, and removes the temporary one", () =>
    Effect.gen(function* () {
      const dataDir = yield* prepared(path.join(yield* folder, "x".repeat(100)))
      const socket = yield* using({ dataDir, settings: quick }, (sql, { home, path: socket }) =>
        Effect.sync(() => {
          assert.isTrue(existsSync(socket))
          assert.strictEqual(home, dataDir)
          assert.isAtMost(Buffer.byteLength(socket), 103)
          assert.strictEqual(statSync(path.dirname(socket)).mode & 0o777, 0o700)
        }).pipe(Effect.andThen(store(sql)), Effect.as(socket))
      )
      assert.isFalse(existsSync(path.dirname(socket)))
      assert.deepStrictEqual(yield* using({ dataDir, settings: quick }, stored), [7])
    }).pipe(Effect.scoped)
  )

  it.live("the URL of a folder with spaces works in psql and needs no shell quoting", () =>
    Effect.gen(function* () {
      const dataDir = yield* prepared(path.join(yield* folder, "dä ta + ü"))
      yield* using({ dataDir, settings: quick }, (sql, { path: socket, url }) =>
        Effect.sync(() => {
          // libpq decodes percent-encoding only, as this does.
          const host = /@([^/]*)/.exec(url)?.[1] ?? ""
          assert.strictEqual(decodeURIComponent(host), path.dirname(socket))
          assert.match(url, /^[\w:/@%.-]+$/)
        }).pipe(Effect.andThen(store(sql)))
      )
    }).pipe(Effect.scoped)
  )

  it.live("works_in_a_folder_that_only_its_owner_can_enter_and_finds_its_rows_again", () =>
    Effect.gen(function* () {
      const closed = yield* folder
      const dataDir = path.join(closed, "inside", "db")
      mkdirSync(path.join(closed, "inside"), { mode: 0o700 })
      const home = yield* using({ dataDir, settings: quick }, (sql, cluster) => Effect.as(store(sql), cluster.home))
      yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(home, { recursive: true, force: true })))
      // Root runs the server as another user, who cannot enter this folder; other users run it themselves.
      assert.strictEqual(home === dataDir, !root)
      assert.strictEqual(statSync(home).mode & 0o022, 0)
      assert.strictEqual(statSync(home).uid, process.geteuid?.())
      assert.deepStrictEqual(yield* using({ dataDir, settings: quick }, stored), [7])
      rmSync(home, { recursive: true })
      if (root) assert.strictEqual((yield* refusal({ dataDir })).reason, "FolderUnusable")
    }).pipe(Effect.scoped)
  )

  it.live("no_process_of_nobody_reads_the_files_or_reaches_the_socket", () =>
    Effect.gen(function* () {
      const dataDir = yield* folder
      yield* using({ dataDir, settings: quick }, (sql, { home, path: socket }) =>
        Effect.gen(function* () {
          yield* store(sql)
          const owner = statSync(path.join(home, "data")).uid
          assert.strictEqual(statSync(socket).uid, owner)
          if (!root) return assert.strictEqual(owner, process.geteuid?.())
          const [nobody, own] = [idOf("nobody"), idOf("hydracore-postgres")]
          assert.strictEqual(owner, own)
          const read = (uid: number) => {
            const args = ["-c", 'cat "$0/data/PG_VERSION" && test -S "$1"', home, socket]
            return spawnSync("/bin/sh", args, { uid, gid: uid, cwd: "/" }).status
          }
          assert.strictEqual(read(own), 0)
          assert.notStrictEqual(read(nobody), 0)
          assert.deepStrictEqual(yield* rules(sql), [{ type: "local", auth_method: "peer", options: ["map=owner"] }])
        })
      )
    }).pipe(Effect.scoped)
  )

  it.live("data that an earlier version created as nobody is served as nobody, to this user only", () =>
    Effect.gen(function* () {
      const dataDir = yield* Effect.flatMap(folder, prepared)
      yield* using({ dataDir, settings: quick }, store)
      if (root) {
        const nobody = idOf("nobody")
        const data = path.join(dataDir, "data")
        for (const name of [".", ...readdirSync(data, { recursive: true, encoding: "utf8" })]) {
          chownSync(path.join(data, name), nobody, nobody)
        }
        yield* using({ dataDir, settings: quick }, (sql) =>
          Effect.map(rules(sql), (all) =>
            assert.deepStrictEqual(all, [{ type: "local", auth_method: "peer", options: ["map=owner"] }])
          )
        )
        assert.strictEqual(statSync(data).uid, nobody)
      }
      assert.deepStrictEqual(yield* using({ dataDir, settings: quick }, stored), [7])
    }).pipe(Effect.scoped)
  )

  it.live("does not trust a recorded folder that it did not create", () =>
    Effect.gen(function* () {
      const [dataDir, strange] = [yield* folder, yield* folder]
      writeFileSync(path.join(dataDir, "place"), strange)
      assert.strictEqual((yield* refusal({ dataDir })).reason, "FolderUnusable")
      assert.deepStrictEqual(readdirSync(strange), [])
    }).pipe(Effect.scoped)
  )

  it.live("starts although postmaster.pid names a process that now belongs to another program", () =>
    Effect.gen(function* () {
      const dataDir = yield* Effect.flatMap(folder, prepared)
      yield* using({ dataDir, settings: quick }, store)
      const note = [process.pid, path.join(dataDir, "data"), 1, 5432, path.join(dataDir, "s"), "", "0 0", "ready"]
      writeFileSync(path.join(dataDir, "data", "postmaster.pid"), `${note.join("\n")}\n`)
      assert.deepStrictEqual(yield* using({ dataDir, settings: quick }, stored), [7])
    }).pipe(Effect.scoped)
  )

  it.live("explains data of another version, and a setting that PostgreSQL refuses", () =>
    Effect.gen(function* () {
      const dataDir = yield* Effect.flatMap(folder, prepared)
      yield* using({ dataDir, settings: quick }, store)
      const wrongSetting = yield* refusal({ dataDir, settings: { shared_buffers: "plenty" } })
      assert.strictEqual(wrongSetting.reason, "StartFailed")
      assert.include(wrongSetting.message, "shared_buffers")
      writeFileSync(path.join(dataDir, "data", "PG_VERSION"), "12\n")
      const wrongVersion = yield* refusal({ dataDir })
      assert.strictEqual(wrongVersion.reason, "WrongVersion")
      assert.include(wrongVersion.message, "PostgreSQL 12")
    }).pipe(Effect.scoped)
  )

  it.live("a folder that cannot be made is one clear error", () =>
    Effect.gen(function* () {
      const file = path.join(yield* folder, "file")
      writeFileSync(file, "")
      const { message, reason } = yield* refusal({ dataDir: path.join(file, "db") })
      assert.strictEqual(reason, "FolderUnusable")
      assert.include(message, "Could not make the folder")
    }).pipe(Effect.scoped)
  )

  it.live("its log contains neither statements nor values", () =>
    Effect.gen(function* () {
      const dataDir = yield* Effect.flatMap(folder, prepared)
      const secret = "someone@example.org"
      yield* using({ dataDir, settings: quick }, (sql) =>
        Effect.gen(function* () {
          yield* sql`CREATE TABLE visitor (email text UNIQUE)`
          yield* sql`INSERT INTO visitor VALUES (${secret})`
          yield* Effect.flip(sql`INSERT INTO visitor VALUES (${secret})`)
          yield* Effect.flip(sql`SELECT ${secret}::int`)
          yield* Effect.flip(sql.unsafe(`SELECT 'someone@example.org' FROM nowhere`))
        })
      )
      const log = readFileSync(path.join(dataDir, "postgres.log"), "utf8")
      assert.include(log, "ready to accept connections")
      assert.notInclude(log, secret)
      assert.notInclude(log, "INSERT")
    }).pipe(Effect.scoped)
  )
})
