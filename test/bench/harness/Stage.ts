/**
 * What all contenders stand on: a folder that goes at the end, and one PostgreSQL with fsync on, which is the bench's own.
 *
 * @module
 */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import path from "node:path"
import { PgClient, PgTypes } from "@effect/sql-pg"
import { Effect, Redacted, Schema, type Scope } from "effect"
import { Reactivity } from "effect/reactivity"
import * as EmbeddedCluster from "../../../src/postgres/embedded/EmbeddedCluster.ts"
import * as Program from "./Program.ts"

export interface Stage {
  /** For logs and whatever else goes at the end. */
  readonly folder: string
  /** The folder of the cluster's socket and the user, as libpq's `PGHOST` and `PGUSER`. */
  readonly socket: string
  readonly username: string
  /** Where a database of the cluster is, as our own `DATABASE_URL`. */
  readonly urlOf: (database: string) => string
}

/** More room than the defaults have, so that no contender pays for another's checkpoint. Durability is left as it is. */
const settings = { max_connections: "200", shared_buffers: "512MB", max_wal_size: "8GB", checkpoint_timeout: "30min" }

/** Makes the folder and starts the cluster; both go with the scope. */
export const make: Effect.Effect<Stage, Program.BenchError, Scope.Scope> = Effect.gen(function* () {
  const folders: Array<string> = []
  const folder = yield* Effect.acquireRelease(
    Effect.promise(async () => {
      const made = await mkdtemp(path.join(tmpdir(), "hydracore-bench-"))
      folders.push(made)
      return made
    }),
    // The cluster's files may stand elsewhere: both go.
    () => Effect.promise(() => Promise.all(folders.map((each) => rm(each, { recursive: true, force: true }))))
  )
  const cluster = yield* EmbeddedCluster.start({ dataDir: path.join(folder, "postgres"), settings }).pipe(
    Effect.mapError(({ message }) => new Program.BenchError({ message }))
  )
  folders.push(cluster.home)
  return {
    folder,
    socket: path.dirname(cluster.path),
    username: cluster.username,
    urlOf: (database) => {
      const url = new URL(cluster.url)
      url.pathname = `/${database}`
      return url.href
    }
  }
})

/** Runs statements on a database, with one connection that is closed afterwards. */
export const onDatabase = <A, E>(
  stage: Stage,
  database: string,
  use: (sql: PgClient.PgClient) => Effect.Effect<A, E>
): Effect.Effect<A, E | Program.BenchError> =>
  Effect.scoped(
    PgClient.make({ url: Redacted.make(stage.urlOf(database)), maxConnections: 1 }).pipe(
      Effect.provide(Reactivity.layer),
      Effect.mapError(
        (error) => new Program.BenchError({ message: `The cluster cannot be reached: ${error.message}` })
      ),
      Effect.flatMap(use)
    )
  )

/** Runs statements one by one. */
export const statements = (stage: Stage, database: string, texts: ReadonlyArray<string>) =>
  onDatabase(stage, database, (sql) =>
    Effect.forEach(texts, (text) => sql.unsafe(text), { discard: true }).pipe(
      Effect.mapError(({ reason }) => new Program.BenchError({ message: `${database}: ${reason.cause}` }))
    )
  )

const Count = Schema.Tuple([Schema.Struct({ count: Schema.BigInt })])

/** How many rows some tables of a database hold together. */
export const count = (stage: Stage, database: string, tables: ReadonlyArray<string>) =>
  onDatabase(stage, database, (sql) =>
    sql
      .unsafe(`SELECT ${tables.map((table) => `(SELECT count(*) FROM ${table})`).join(" + ")} AS count`)
      .pipe(Effect.flatMap(Schema.decodeUnknownEffect(Schema.toType(Count))))
      .pipe(
        Effect.map(([row]) => Number(row.count)),
        Effect.mapError((error) => new Program.BenchError({ message: `${database}: ${error.message}` }))
      )
  )

/** Puts what was written on the disk, so that the next contender starts with a clean slate. */
export const checkpoint = (stage: Stage) => statements(stage, "postgres", ["CHECKPOINT"])

const Ids = Schema.NonEmptyArray(
  Schema.Struct({ hosted: Schema.String, tracking: Schema.String, config: Schema.String })
)

/** The first website of a database that our own migrations made. */
export const siteOf = (stage: Stage, database: string) =>
  onDatabase(stage, database, (sql) =>
    sql`SELECT hosted_website_id AS hosted, tracking_token AS tracking, website_config_id AS config FROM site`.pipe(
      Effect.flatMap(Schema.decodeUnknownEffect(Ids)),
      Effect.map(([site]) => site),
      Effect.mapError((error) => new Program.BenchError({ message: `${database}: ${error.message}` }))
    )
  )

/** Whether a table is there. */
export const has = (stage: Stage, database: string, table: string) =>
  onDatabase(stage, database, (sql) =>
    sql`SELECT 1 AS one FROM pg_class WHERE relname = ${PgTypes.text(table)}`.pipe(
      Effect.map((rows) => rows.length > 0),
      Effect.mapError((error) => new Program.BenchError({ message: `${database}: ${error.message}` }))
    )
  )
