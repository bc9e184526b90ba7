/**
 * PgBouncer in transaction mode in front of a server, as an operator would run it.
 *
 * @module
 */
import { execFileSync } from "node:child_process"
import { appendFileSync, statSync } from "node:fs"
import path from "node:path"
import type { PgClient } from "@effect/sql-pg"
import { Effect, Schema, type Scope } from "effect"
import * as Ports from "../../test/support/Ports.ts"
import { until } from "../../test/support/Wait.ts"
import * as Daemon from "./Daemon.ts"

/** The path of PgBouncer, or undefined if it is not installed. */
export const executable = Daemon.find(["/usr/sbin/pgbouncer", "pgbouncer"], "--version")

/** How to install PgBouncer. */
export const install = "PgBouncer: apt-get install pgbouncer, brew install pgbouncer"

/** A database's server, over TCP or on a socket in a folder. */
export interface Server {
  readonly url: string
  readonly use: <A, E>(run: (sql: PgClient.PgClient) => Effect.Effect<A, E>) => Effect.Effect<A>
}

/** Settings of the section `pgbouncer`. */
export type Options = Readonly<Record<string, string | number>>

/** A host name, or the folder of the server's socket. */
const hostOf = ({ url }: Server): string => decodeURIComponent(new URL(url).hostname)

const addressOf = (server: Server): string => {
  const { password, port, username } = new URL(server.url)
  const user = `host=${hostOf(server)} port=${port || 5432} user=${decodeURIComponent(username) || "postgres"}`
  return password === "" ? user : `${user} password=${decodeURIComponent(password)}`
}

const config = (server: Server, port: number, options: Options) => `
[databases]
* = ${addressOf(server)}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 10
max_client_conn = 500
server_login_retry = 1
${Object.entries(options)
  .map(([name, value]) => `${name} = ${value}\n`)
  .join("")}`

const Files = Schema.Tuple([Schema.Struct({ ident_file: Schema.String })])

/**
 * PgBouncer refuses to run as root. If this process is root, PgBouncer runs as the user of the server, and this function lets
 * that user connect. Returns the user; undefined if this process is not root.
 */
const allowServerUser = Effect.fnUntraced(function* (server: Server) {
  if (process.getuid?.() !== 0) return undefined
  const host = hostOf(server)
  if (!path.isAbsolute(host)) return "nobody"
  const user = execFileSync("id", ["-nu", String(statSync(host).uid)], { encoding: "utf8" }).trim()
  yield* server.use((sql) =>
    Effect.gen(function* () {
      const [{ ident_file }] = yield* Effect.flatMap(sql`SHOW ident_file`, Schema.decodeUnknownEffect(Files))
      appendFileSync(ident_file, `owner ${user} all\n`)
      yield* sql`SELECT pg_reload_conf()`
    })
  )
  return user
})

/** Lets PgBouncer connect to a restarted cluster, because the start overwrites the cluster's configuration. */
export const readmit = (cluster: Server): Effect.Effect<void> => Effect.asVoid(allowServerUser(cluster))

/** Starts PgBouncer; it ends with the scope. Returns the database's URL through it. */
export const start = Effect.fnUntraced(function* (
  server: Server,
  options: Options = {}
): Effect.fn.Return<string, never, Scope.Scope> {
  const port = yield* Ports.free
  const user = yield* allowServerUser(server)
  const { child, output } = yield* Daemon.start({
    program: executable ?? "pgbouncer",
    configure: () => config(server, port, options),
    args: (file) => [...(user === undefined ? [] : ["-u", user]), file],
    // SIGTERM waits for its clients.
    endsBy: "SIGQUIT"
  })
  yield* until("PgBouncer serves", () => {
    if (child.exitCode !== null) throw new Error(`PgBouncer ended: ${output()}`)
    return output().includes("process up")
  })
  return `postgresql://postgres@127.0.0.1:${port}${new URL(server.url).pathname}`
})
