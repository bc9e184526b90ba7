/**
 * Two PostgreSQL servers on loopback ports: a primary, and a streaming replica for which the primary's commits wait. Each can
 * be killed, frozen and restarted, and the replica can be promoted.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import {
  chmodSync,
  chownSync,
  cpSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync
} from "node:fs"
import path from "node:path"
import { PgClient } from "@effect/sql-pg"
import { Effect, Redacted, type Scope } from "effect"
import { Reactivity } from "effect/reactivity"
import * as Binaries from "../../../src/platform/postgres/embedded/Binaries.ts"
import * as SystemUser from "../../../src/platform/postgres/embedded/SystemUser.ts"
import * as Ports from "../Ports.ts"
import { family, signalAll } from "../ProcessTree.ts"
import { until } from "../Wait.ts"
import * as ServerFiles from "./ServerFiles.ts"

export interface Server {
  readonly port: number
  readonly url: string
  /** Runs an effect with a new connection, and closes the connection. */
  readonly use: <A, E>(run: (sql: PgClient.PgClient) => Effect.Effect<A, E>) => Effect.Effect<A>
  /** Kills the server and its processes, as a crash does. */
  readonly kill: Effect.Effect<void>
  /** Starts the killed server on its data, and waits until it accepts connections. */
  readonly start: Effect.Effect<void>
  /** Stops all processes of the server (SIGSTOP): connections stay open, and the server does not respond. */
  readonly freeze: Effect.Effect<void>
  readonly thaw: Effect.Effect<void>
}

export interface ReplicatedPair {
  readonly primary: Server
  readonly replica: Server
  /** Both servers, with `target_session_attrs=read-write`. */
  readonly url: string
  /** Makes the replica a primary; completes when it accepts writes. */
  readonly promote: Effect.Effect<void>
}

const settings = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  wal_level: "replica",
  shared_buffers: "16MB",
  fsync: "off",
  full_page_writes: "off",
  log_min_messages: "fatal",
  ssl: "on"
}

/** A file of the tests' certificates. The certificate `here.crt` is signed by the tests' root. */
const fixture = (name: string): URL => new URL(`../../cli/fixtures/certificates/${name}`, import.meta.url)

const use =
  (url: string): Server["use"] =>
  (run) =>
    Effect.flatMap(PgClient.make({ url: Redacted.make(url), maxConnections: 1 }), run).pipe(
      Effect.scoped,
      Effect.provide(Reactivity.layer),
      Effect.orDie
    )

const isAccepting = (url: string) =>
  Effect.runPromise(
    use(url)((sql) => sql`SELECT 1`).pipe(
      Effect.as(true),
      Effect.catchCause(() => Effect.succeed(false))
    )
  )

interface BooleanRow {
  readonly is_true: boolean
}

/** Waits until a query returns true. */
const untilTrue = (
  what: string,
  server: Server,
  query: (sql: PgClient.PgClient) => Effect.Effect<ReadonlyArray<BooleanRow>, unknown>
): Effect.Effect<void> =>
  Effect.asVoid(
    until(what, () =>
      Effect.runPromise(server.use((sql) => Effect.orDie(query(sql)))).then(([row]) => row?.is_true === true)
    )
  )

const signal = ({ pid }: ChildProcess, name: NodeJS.Signals): void => {
  if (pid !== undefined) signalAll(family(pid), name)
}

const killAll = (server: ChildProcess): void => signal(server, "SIGKILL")

/** Kills a server with its processes, and waits until it has ended. */
const kill = (server: ChildProcess): Effect.Effect<void> =>
  Effect.promise(
    () =>
      new Promise<void>((resolve) => {
        if (server.exitCode !== null || server.signalCode !== null) return resolve()
        server.once("exit", () => resolve())
        killAll(server)
      })
  )

/** Gives a folder and its contents to the server's user. */
const giveTo = (user: SystemUser.User, folder: string) => {
  if (!user.isOther) return
  for (const name of [".", ...readdirSync(folder, { recursive: true, encoding: "utf8" })]) {
    const entry = path.join(folder, name)
    if (!lstatSync(entry).isSymbolicLink()) chownSync(entry, user.uid, user.gid)
  }
}

export const make: Effect.Effect<ReplicatedPair, never, Scope.Scope> = Effect.gen(function* () {
  const user = yield* Effect.orDie(SystemUser.find)
  const home = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(path.join(ServerFiles.folder(), "hydracore-pair-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  )
  giveTo(user, home)
  const binaries = yield* Effect.orDie(Binaries.find(user, home))
  const password = randomBytes(12).toString("hex")
  const secret = path.join(home, "password")
  writeFileSync(secret, password)
  const [first, second] = [path.join(home, "first"), path.join(home, "second")]
  const [certificate, key] = [path.join(home, "server.crt"), path.join(home, "server.key")]
  writeFileSync(certificate, readFileSync(fixture("here.crt")))
  writeFileSync(key, readFileSync(fixture("leaf.key")), { mode: 0o600 })
  giveTo(user, home)
  const initialized = yield* SystemUser.run(
    user,
    binaries.initdb,
    ...[
      "-D",
      first,
      "-U",
      "postgres",
      "-A",
      "scram-sha-256",
      "--pwfile",
      secret,
      "-E",
      "UTF8",
      "--locale=C",
      "--no-sync"
    ]
  )
  if (initialized.code !== 0) return yield* Effect.die(new Error(initialized.stderr))

  const start = Effect.fnUntraced(function* (data: string, port: number, more: Readonly<Record<string, string>>) {
    const args = Object.entries({
      ...settings,
      ssl_cert_file: certificate,
      ssl_key_file: key,
      ...more,
      port: `${port}`
    }).flatMap(([name, value]) => ["-c", `${name}=${value}`])
    const launch = () => {
      const server = spawn(binaries.postgres, ["-D", data, ...args], { ...user.ids, cwd: "/", stdio: "ignore" })
      const killOnExit = () => killAll(server)
      process.once("exit", killOnExit)
      server.once("exit", () => process.off("exit", killOnExit))
      return server
    }
    let child = launch()
    const killChild = Effect.suspend(() => kill(child))
    yield* Effect.addFinalizer(() => killChild)
    const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`
    const untilAccepting = until(`PostgreSQL accepts connections on port ${port}`, () => isAccepting(url))
    yield* untilAccepting
    return {
      port,
      url,
      use: use(url),
      kill: killChild,
      start: Effect.andThen(
        Effect.sync(() => {
          child = launch()
        }),
        Effect.asVoid(untilAccepting)
      ),
      freeze: Effect.sync(() => signal(child, "SIGSTOP")),
      thaw: Effect.sync(() => signal(child, "SIGCONT"))
    } satisfies Server
  })

  const [firstPort, secondPort] = [yield* Ports.free, yield* Ports.free]
  // A copy of the files is enough, without a base backup, because no server has used them yet.
  yield* Effect.sync(() => {
    cpSync(first, second, { recursive: true })
    chmodSync(second, 0o700)
    writeFileSync(path.join(second, "standby.signal"), "")
    giveTo(user, second)
  })
  const primary = yield* start(first, firstPort, { synchronous_standby_names: "second" })
  const replica = yield* start(second, secondPort, {
    primary_conninfo: `host=127.0.0.1 port=${firstPort} user=postgres password=${password} application_name=second`
  })
  yield* untilTrue(
    "the replica is synchronous",
    primary,
    (sql) => sql<BooleanRow>`SELECT count(*) = 1 AS is_true FROM pg_stat_replication WHERE sync_state = 'sync'`
  )
  const hosts = [primary, replica].map(({ port }) => `127.0.0.1:${port}`).join(",")
  return {
    primary,
    replica,
    url: `postgres://postgres:${password}@${hosts}/postgres?target_session_attrs=read-write`,
    promote: replica
      .use((sql) => sql`SELECT pg_promote(true, 60)`)
      .pipe(
        Effect.andThen(
          untilTrue(
            "the replica accepts writes",
            replica,
            (sql) => sql<BooleanRow>`SELECT NOT pg_is_in_recovery() AS is_true`
          )
        )
      )
  }
})
