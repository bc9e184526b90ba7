/**
 * A PostgreSQL server that tests can stop, freeze, restart and query. Like the embedded cluster, it is supervised by the test's
 * process and ends with it.
 *
 * @module
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import path from "node:path"
import { PgClient } from "@effect/sql-pg"
import { Effect, Exit, Redacted, Schedule, Scope } from "effect"
import { Reactivity } from "effect/reactivity"
import * as EmbeddedCluster from "../../src/platform/postgres/embedded/EmbeddedCluster.ts"
import * as ProcessTree from "../../test/support/ProcessTree.ts"
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
      ProcessTree.signalAll(ProcessTree.family(Number(pidFile.split("\n")[0])), name)
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
  // The server reloads its settings after the statement has returned, and then tells all sessions.
  const setReadOnly = (value: "on" | "off") =>
    use((sql) =>
      Effect.gen(function* () {
        yield* sql.unsafe(`ALTER SYSTEM SET default_transaction_read_only = ${value}`)
        yield* sql.unsafe("SELECT pg_reload_conf()")
        const shown = sql.unsafe("SHOW default_transaction_read_only").values
        yield* Effect.repeat(shown, { until: ([row]) => row?.[0] === value, schedule: Schedule.spaced("10 millis") })
      })
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
