/**
 * One PostgreSQL for the whole test run: the server that `TEST_DATABASE_URL` names, or an embedded server in a temporary folder,
 * without durable writes. Without a server, tests that need no database still run, and the others fail with the reason. Also
 * prepares the data folder that tests copy for clusters of their own.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { mkdtemp, rm } from "node:fs/promises"
import path from "node:path"
import { PgClient, PgMigrator } from "@effect/sql-pg"
import { Effect, Exit, Redacted, Scope } from "effect"
import { Reactivity } from "effect/reactivity"
import { SqlClient } from "effect/sql"
import type { TestProject } from "vitest/node"
import * as EmbeddedCluster from "../../../src/platform/postgres/embedded/EmbeddedCluster.ts"
import * as Migrations from "../../../src/platform/postgres/schema/Migrations.ts"
import * as PreparedCluster from "./PreparedCluster.ts"
import * as ServerFiles from "./ServerFiles.ts"
import { type TestPostgres, urlOf } from "./TestPostgres.ts"

const quick = { fsync: "off", synchronous_commit: "off", full_page_writes: "off" }

/** Starts a cluster in a new temporary folder. It stops with `stop`, or when the scope closes. */
const inTemporaryFolder = Effect.fnUntraced(function* (settings: Readonly<Record<string, string>>) {
  // If the server's user cannot enter the temporary folder, the server's files are in another folder, which is removed too.
  const folders: Array<string> = []
  const dataDir = yield* Effect.acquireRelease(
    Effect.promise(async () => {
      const created = await mkdtemp(path.join(ServerFiles.folder(), "hydracore-test-"))
      folders.push(created)
      return created
    }),
    () => Effect.promise(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))))
  )
  yield* Effect.sync(() => PreparedCluster.copyTo(dataDir))
  const server = yield* Scope.fork(yield* Effect.scope)
  const { home, url } = yield* EmbeddedCluster.start({ dataDir, settings }).pipe(Scope.provide(server))
  folders.push(home)
  return { dataDir, home, url, stop: Scope.close(server, Exit.void) }
})

/**
 * Creates the data folder that the run's clusters are copied from. If its server stores its files in another folder, tests cannot
 * copy them, and each cluster creates its own data.
 */
const prepareCluster = Effect.gen(function* () {
  const { dataDir, home, stop } = yield* inTemporaryFolder(quick)
  yield* stop
  if (home !== dataDir) return
  yield* Effect.acquireRelease(
    Effect.sync(() => PreparedCluster.set(path.join(home, "data"))),
    () => Effect.sync(() => PreparedCluster.set(undefined))
  )
})

/** Autovacuum would start a process for one short-lived database after the other. */
const settings = { ...quick, autovacuum: "off", max_connections: "200" }

const embedded = Effect.map(inTemporaryFolder(settings), ({ url }) => url)

const client = (server: string, database: string) =>
  PgClient.make({ url: Redacted.make(urlOf(server, database)), maxConnections: 1 }).pipe(
    Effect.provide(Reactivity.layer)
  )

/**
 * Makes the first statements in a copy cheap: no copy has to note which rows of the system's tables are committed, and the first
 * connection to a copy finds the file with the descriptions of these tables, which a connection writes.
 */
const settle = Effect.fnUntraced(function* (server: string, template: string) {
  yield* Effect.scoped(
    Effect.gen(function* () {
      const sql = yield* client(server, template)
      const tables = yield* sql<{ readonly name: string }>`SELECT oid::regclass::text AS name FROM pg_class
        WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind = 'r' AND NOT relisshared`
      yield* sql`VACUUM (FREEZE) ${sql.unsafe(tables.map(({ name }) => name).join(", "))}`
    })
  )
  yield* Effect.scoped(Effect.flatMap(client(server, template), (sql) => sql`SELECT 1`))
})

/** Creates the template. When the scope closes, drops it and all copies left by killed tests. */
const prepare = Effect.fnUntraced(function* (server: string, admin: string) {
  const template = `hydracore_test_${randomUUID().slice(0, 8)}`
  const sql = yield* client(server, admin)
  yield* Effect.acquireRelease(sql`CREATE DATABASE ${sql(template)}`, () =>
    Effect.gen(function* () {
      // A new client: the earlier one may have closed its idle connection, and cannot reconnect in a closing scope.
      const sql = yield* client(server, admin)
      yield* sql`ALTER DATABASE ${sql(template)} WITH ALLOW_CONNECTIONS true`
      const remaining = yield* sql<{ readonly datname: string }>`
        SELECT datname FROM pg_database WHERE starts_with(datname, ${template})`
      for (const { datname } of remaining) yield* sql`DROP DATABASE IF EXISTS ${sql(datname)} WITH (FORCE)`
    }).pipe(Effect.scoped, Effect.orDie)
  )
  yield* Effect.scoped(
    Effect.gen(function* () {
      const migrator = yield* client(server, template)
      yield* PgMigrator.make({})({ loader: Migrations.loader }).pipe(
        Effect.provideService(SqlClient.SqlClient, migrator)
      )
    })
  )
  yield* settle(server, template)
  yield* sql`ALTER DATABASE ${sql(template)} WITH ALLOW_CONNECTIONS false`
  return { _tag: "Available", url: server, admin, template } as const
})

/** The server and its template, until the scope closes. */
export const server: Effect.Effect<TestPostgres, never, Scope.Scope> = Effect.gen(function* () {
  // If this fails, each test's cluster creates its own data, or fails with the reason.
  yield* Effect.ignore(prepareCluster)
  const external = process.env["TEST_DATABASE_URL"]
  if (external === undefined || external === "") return yield* prepare(yield* embedded, "postgres")
  const url = new URL(external)
  return yield* prepare(external, decodeURIComponent(url.pathname.slice(1)) || "postgres")
}).pipe(
  Effect.catch((error) =>
    Effect.succeed({ _tag: "Unavailable", message: `This test run has no PostgreSQL: ${error.message}` } as const)
  )
)

/** Vitest calls this before the first worker starts, and the returned function after the last one ends. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const removeFiles = ServerFiles.create()
  const scope = Scope.makeUnsafe()
  project.provide("postgres", await Effect.runPromise(Scope.provide(server, scope)))
  return () => Effect.runPromise(Scope.close(scope, Exit.void)).finally(removeFiles)
}
