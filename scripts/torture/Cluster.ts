/**
 * A PostgreSQL server that tests can stop, freeze, restart and query. Like the embedded cluster, it is supervised by the test's
 * process and ends with it.
 *
 * @module
 */
import { execFileSync } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import path from "node:path"
import { PgClient } from "@effect/sql-pg"
import { Effect, Exit, Redacted, Scope } from "effect"
import { Reactivity } from "effect/reactivity"
import * as EmbeddedCluster from "../../src/postgres/embedded/EmbeddedCluster.ts"
import * as PreparedCluster from "../../test/support/postgres/PreparedCluster.ts"
import * as ServerFiles from "../../test/support/postgres/ServerFiles.ts"

export interface Cluster {
  readonly url: string
  /** Shuts the server down, cleanly and without waiting for its clients. */
  readonly stop: Effect.Effect<void>
  /** Starts the stopped server again on its data. */
  readonly start: Effect.Effect<void>
  /** Stops every process of the server (SIGSTOP): connections stay open, and the server does not respond. */
  readonly freeze: Effect.Effect<void>
  readonly thaw: Effect.Effect<void>
  /** Makes every session, open ones included, read-only from its next transaction on, as on a standby. */
  readonly demote: Effect.Effect<void>
  /** Makes the sessions writable again. */
  readonly promote: Effect.Effect<void>
  /** Calls `run` with a new connection, then closes the connection. */
  readonly use: <A, E>(run: (sql: PgClient.PgClient) => Effect.Effect<A, E>) => Effect.Effect<A>
}

/** A process's id, parent and state, from `/proc`; undefined if it has ended. */
const entryOf = (pid: string): ReadonlyArray<string> | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
    const [state = "", parent = ""] = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    return [pid, parent, state]
  } catch {
    return undefined
  }
}

/** The process ids, parents and states of all processes. */
const listProcesses = (): ReadonlyArray<ReadonlyArray<string>> => {
  if (process.platform !== "linux") {
    const lines = execFileSync("ps", ["-A", "-o", "pid=,ppid=,stat="], { encoding: "utf8" }).trim().split("\n")
    return lines.map((line) => line.trim().split(/\s+/))
  }
  // The same as `ps`, without starting a process for each list.
  return readdirSync("/proc").flatMap((pid) => {
    const entry = /^\d+$/.test(pid) ? entryOf(pid) : undefined
    return entry === undefined ? [] : [entry]
  })
}

const isLive = ([, , state]: ReadonlyArray<string>): boolean => state?.startsWith("Z") === false

/** All live processes with their parents, roughly oldest first. */
const processes = (): ReadonlyArray<{ readonly pid: number; readonly parent: number }> =>
  listProcesses()
    .filter(isLive)
    .map(([pid, parent]) => ({ pid: Number(pid), parent: Number(parent) }))
    .toSorted((a, b) => a.pid - b.pid)

/** A process and all its live descendants, parents first. */
export const family = (root: number): ReadonlyArray<number> => {
  const all = processes()
  const members = [root]
  for (const member of members) {
    for (const { parent, pid } of all) if (parent === member) members.push(pid)
  }
  return members
}

/** The direct children of a process. */
export const children = (of: number): ReadonlyArray<number> =>
  processes()
    .filter(({ parent }) => parent === of)
    .map(({ pid }) => pid)

/** Whether a process lives. It is called many times, so it does not list all processes, which takes milliseconds. */
export const isAlive = (wanted: number): boolean => {
  if (process.platform !== "linux") return processes().some(({ pid }) => pid === wanted)
  const entry = entryOf(String(wanted))
  return entry !== undefined && isLive(entry)
}

/** Sends a signal to processes; ignores those that have ended. */
export const signalAll = (pids: ReadonlyArray<number>, name: NodeJS.Signals): void => {
  for (const pid of pids) {
    try {
      process.kill(pid, name)
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error
    }
  }
}

/** Starts a cluster in a temporary folder; it ends with the scope. `settings` are PostgreSQL settings. */
export const make = Effect.fnUntraced(function* (
  settings: Readonly<Record<string, string>> = {}
): Effect.fn.Return<Cluster, never, Scope.Scope> {
  const folders = [mkdtempSync(path.join(ServerFiles.folder(), "hydracore-torture-"))]
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      for (const folder of folders) rmSync(folder, { recursive: true, force: true })
    })
  )
  yield* Effect.sync(() => PreparedCluster.copyTo(folders[0]!))
  let running: { readonly cluster: EmbeddedCluster.EmbeddedCluster; readonly scope: Scope.Closeable } | undefined

  const start = Effect.gen(function* () {
    const scope = yield* Scope.make()
    const cluster = yield* EmbeddedCluster.start({ dataDir: folders[0]!, settings }).pipe(
      Scope.provide(scope),
      Effect.orDie
    )
    folders.push(cluster.home)
    running = { cluster, scope }
    return cluster
  })

  const signal = (name: NodeJS.Signals) =>
    Effect.sync(() => {
      if (running === undefined) throw new Error("The cluster does not run")
      const pidFile = readFileSync(path.join(running.cluster.home, "data", "postmaster.pid"), "utf8")
      signalAll(family(Number(pidFile.split("\n")[0])), name)
    })
  const thaw = Effect.suspend(() => (running === undefined ? Effect.void : signal("SIGCONT")))

  const stop = Effect.suspend(() => {
    const { scope } = running ?? {}
    running = undefined
    return scope === undefined ? Effect.void : Scope.close(scope, Exit.void)
  })

  const use: Cluster["use"] = (run) =>
    Effect.flatMap(PgClient.make({ url: Redacted.make(url), maxConnections: 1 }), run).pipe(
      Effect.scoped,
      Effect.provide(Reactivity.layer),
      Effect.orDie
    )
  const setReadOnly = (value: "on" | "off") =>
    use((sql) =>
      Effect.andThen(
        sql.unsafe(`ALTER SYSTEM SET default_transaction_read_only = ${value}`),
        sql.unsafe("SELECT pg_reload_conf()")
      )
    )

  const { url } = yield* start
  yield* Effect.addFinalizer(() => Effect.andThen(thaw, stop))

  return {
    url,
    stop,
    start: Effect.asVoid(start),
    freeze: signal("SIGSTOP"),
    thaw,
    demote: Effect.asVoid(setReadOnly("on")),
    promote: Effect.asVoid(setReadOnly("off")),
    use
  }
})
