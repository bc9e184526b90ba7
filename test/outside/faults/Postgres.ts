/**
 * A PostgreSQL server that a test can stop, kill and start again on its data. It runs the programs of the test run's own server.
 *
 * @module
 */
import { spawn } from "node:child_process"
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs"
import path from "node:path"
import { PgClient } from "@effect/sql-pg"
import { Effect, Redacted } from "effect"
import { Reactivity } from "effect/reactivity"
import { inject } from "vitest"
import * as ProcessTree from "../../support/ProcessTree.ts"
import * as PreparedCluster from "../../support/postgres/PreparedCluster.ts"
import * as ServerFiles from "../../support/postgres/ServerFiles.ts"
import { until } from "../../support/Wait.ts"

export interface Postgres {
  readonly url: string
  /** Shuts the server down without waiting for its clients, and starts it again. */
  readonly restart: Effect.Effect<void>
  /** Kills every process of the server, as a failure of the machine does, and starts it again. */
  readonly crash: Effect.Effect<void>
}

const client = (url: string) =>
  PgClient.make({ url: Redacted.make(url), maxConnections: 1 }).pipe(Effect.provide(Reactivity.layer))

/** The folder of the programs of the test run's server. */
const programs = Effect.gen(function* () {
  const server = inject("postgres")
  if (server._tag === "Unavailable") return yield* Effect.die(new Error(server.message))
  const sql = yield* client(server.url)
  const [row] = yield* sql<{ readonly folder: string }>`SELECT setting AS folder FROM pg_config() WHERE name = 'BINDIR'`
  const folder = row?.folder ?? ""
  if (!existsSync(path.join(folder, "postgres"))) {
    return yield* Effect.die(new Error(`This test needs the programs of PostgreSQL, and ${folder} has none`))
  }
  return folder
}).pipe(Effect.scoped, Effect.orDie)

const accepts = (url: string) =>
  client(url).pipe(
    Effect.andThen((sql) => sql`SELECT 1`),
    Effect.scoped,
    Effect.isSuccess,
    Effect.runPromise
  )

/** Starts a server on a copy of the prepared data. It ends with the scope. */
export const start = Effect.gen(function* () {
  const program = path.join(yield* programs, "postgres")
  const home = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const folder = mkdtempSync(path.join(ServerFiles.folder(), "hydracore-outside-"))
      chmodSync(folder, 0o711)
      PreparedCluster.copyTo(folder)
      return folder
    }),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  )
  const data = path.join(home, "data")
  // PostgreSQL refuses to run as root, so the data may belong to another user.
  const { gid, uid } = statSync(data)
  const sockets = path.join(home, "sockets")
  mkdirSync(sockets)
  chownSync(sockets, uid, gid)
  const url = `postgresql://postgres@${encodeURIComponent(sockets)}/postgres`
  const settings = { listen_addresses: "", unix_socket_directories: sockets, port: "5432", fsync: "off" }
  const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])

  const begin = Effect.gen(function* () {
    let log = ""
    const child = spawn(program, ["-D", data, ...flags], { uid, gid, cwd: home, env: { LC_ALL: "C", TZ: "UTC" } })
    child.stderr.setEncoding("utf8").on("data", (text) => (log += text))
    const ended = new Promise<void>((resolve) => child.once("close", () => resolve()))
    const kill = () => child.kill("SIGKILL")
    process.once("exit", kill)
    child.once("exit", () => process.off("exit", kill))
    yield* until(
      () => `the server accepts connections: ${log}`,
      () => {
        if (child.exitCode !== null || child.signalCode !== null) throw new Error(`The server ended: ${log}`)
        return accepts(url)
      }
    )
    return { child, ended: Effect.promise(() => ended) }
  })
  let server = yield* begin

  const stop = Effect.suspend(() => {
    server.child.kill("SIGINT")
    return server.ended
  })
  const kill = Effect.suspend(() => {
    const [root] = readFileSync(path.join(data, "postmaster.pid"), "utf8").split("\n")
    // Stopped, it starts no further process: one that is not among the members would keep the shared memory.
    ProcessTree.signalAll([Number(root)], "SIGSTOP")
    const members = ProcessTree.family(Number(root))
    // The youngest first: otherwise a parent could shut its children down.
    ProcessTree.signalAll(members.toReversed(), "SIGKILL")
    // Until then, they hold the shared memory, and no other server starts.
    return until("the server has ended", () => !members.some(ProcessTree.isAlive))
  })
  const again = Effect.map(begin, (next) => {
    server = next
  })
  yield* Effect.addFinalizer(() => stop)
  return {
    url,
    restart: Effect.andThen(stop, again),
    crash: Effect.andThen(kill, again)
  } satisfies Postgres
})
