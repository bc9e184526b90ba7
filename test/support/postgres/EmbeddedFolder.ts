/** Starts embedded clusters in new folders, uses them, and reads the errors of starts that fail. */
import { chmodSync, mkdtempSync, rmSync } from "node:fs"
import path from "node:path"
import { PgClient } from "@effect/sql-pg"
import { assert } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { Reactivity } from "effect/reactivity"
import * as EmbeddedCluster from "../../../src/platform/postgres/embedded/EmbeddedCluster.ts"
import * as PreparedCluster from "./PreparedCluster.ts"
import * as ServerFiles from "./ServerFiles.ts"

/** Whether the tests run as root. The server then runs as another user. */
export const isRoot = process.geteuid?.() === 0

/** A new folder that every user can traverse. The scope removes it. */
export const folder = Effect.acquireRelease(
  Effect.sync(() => {
    const created = mkdtempSync(path.join(ServerFiles.folder(), "hydracore-cluster-"))
    chmodSync(created, 0o711)
    return created
  }),
  (created) => Effect.sync(() => rmSync(created, { recursive: true, force: true }))
)

/** Puts the data of an empty cluster into a folder, so that a test does not wait for `initdb`. Returns the folder. */
export const prepared = (dataDir: string) =>
  Effect.as(
    Effect.sync(() => PreparedCluster.copyTo(dataDir)),
    dataDir
  )

/** For tests that do not need durability. */
export const quick = { fsync: "off" }

/** Starts the folder's cluster, uses it and stops it. */
export const using = <A, E>(
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

/** Creates a table with one number, which `stored` reads. */
export const store = (sql: PgClient.PgClient) =>
  Effect.andThen(sql`CREATE TABLE kept (n int PRIMARY KEY)`, sql`INSERT INTO kept VALUES (7)`)

export const stored = (sql: PgClient.PgClient) =>
  Effect.map(sql<{ readonly n: number }>`SELECT n FROM kept ORDER BY n`, (rows) => rows.map(({ n }) => n))

/** The error of a start that must fail. */
export const refusal = (options: EmbeddedCluster.Options) =>
  Effect.flip(Effect.scoped(EmbeddedCluster.start(options))).pipe(
    Effect.tap(({ message }) => Effect.sync(() => assert.notInclude(message, "\n")))
  )
