/**
 * What all contenders share: a temporary folder, and the bench's own PostgreSQL cluster, with fsync on.
 *
 * @module
 */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import path from "node:path"
import { PgClient, PgTypes } from "@effect/sql-pg"
import { Effect, Redacted, Schema, type Scope } from "effect"
import { Reactivity } from "effect/reactivity"
import * as EmbeddedCluster from "../../../src/platform/postgres/embedded/EmbeddedCluster.ts"
import * as ProcessorTime from "./ProcessorTime.ts"
import * as Program from "./Program.ts"

export interface TestBed {
  /** For logs and other temporary files; removed at the end. */
  readonly folder: string
  /** The folder of the cluster's socket and the user name, as libpq's `PGHOST` and `PGUSER`. */
  readonly socket: string
  readonly username: string
  /** The process id of the cluster's postmaster. All processes of the cluster are its children. */
  readonly postmaster: number
  /** The address of a database of the cluster, as `DATABASE_URL`. */
  readonly urlOf: (database: string) => string
}

/**
 * Larger than the defaults, so that no contender pays for the checkpoint of another. Autovacuum is off, because it would run
 * during the load of one contender and not of another. Durability keeps its defaults.
 */
const settings = {
  max_connections: "200",
  shared_buffers: "512MB",
  max_wal_size: "8GB",
  checkpoint_timeout: "30min",
  autovacuum: "off"
}

const withConnection = <A, E extends { readonly message: string }>(
  urlOf: TestBed["urlOf"],
  database: string,
  use: (sql: PgClient.PgClient) => Effect.Effect<A, E>
): Effect.Effect<A, Program.BenchError> =>
  Effect.scoped(
    PgClient.make({ url: Redacted.make(urlOf(database)), maxConnections: 1 }).pipe(
      Effect.provide(Reactivity.layer),
      Effect.flatMap(use),
      Effect.mapError((error) => new Program.BenchError({ message: `${database}: ${error.message}` }))
    )
  )

const Postmaster = Schema.Tuple([Schema.Struct({ pid: Schema.Int })])

/**
 * Makes the folder and starts the cluster. Closing the scope stops the cluster and removes all files, except those of a cluster
 * in the folder `data`.
 */
export const make = Effect.fnUntraced(function* (
  data?: string
): Effect.fn.Return<TestBed, Program.BenchError, Scope.Scope> {
  const folders: Array<string> = []
  const folder = yield* Effect.acquireRelease(
    Effect.promise(async () => {
      const made = await mkdtemp(path.join(tmpdir(), "hydracore-bench-"))
      folders.push(made)
      return made
    }),
    // The cluster may keep its files in a second folder.
    () => Effect.promise(() => Promise.all(folders.map((each) => rm(each, { recursive: true, force: true }))))
  )
  const cluster = yield* EmbeddedCluster.start({ dataDir: data ?? path.join(folder, "postgres"), settings }).pipe(
    Effect.mapError(({ message }) => new Program.BenchError({ message }))
  )
  if (data === undefined) folders.push(cluster.home)
  const urlOf = (database: string) => {
    const url = new URL(cluster.url)
    url.pathname = `/${database}`
    return url.href
  }
  const [postmaster] = yield* withConnection(urlOf, "postgres", (sql) =>
    sql`SELECT split_part(pg_read_file('postmaster.pid'), chr(10), 1)::int AS pid`.pipe(
      Effect.flatMap(Schema.decodeUnknownEffect(Postmaster))
    )
  )
  return { folder, socket: path.dirname(cluster.path), username: cluster.username, postmaster: postmaster.pid, urlOf }
})

/** Opens one connection to a database for `use`. */
export const onDatabase = <A, E extends { readonly message: string }>(
  testBed: TestBed,
  database: string,
  use: (sql: PgClient.PgClient) => Effect.Effect<A, E>
): Effect.Effect<A, Program.BenchError> => withConnection(testBed.urlOf, database, use)

/** Runs statements one after the other. */
export const runStatements = (testBed: TestBed, database: string, statements: ReadonlyArray<string>) =>
  onDatabase(testBed, database, (sql) =>
    Effect.forEach(statements, (statement) => sql.unsafe(statement), { discard: true }).pipe(
      Effect.mapError(({ reason }) => new Program.BenchError({ message: String(reason.cause) }))
    )
  )

/** Deletes databases, which an earlier run can have left in a kept cluster. */
export const dropDatabases = (testBed: TestBed, names: ReadonlyArray<string>) =>
  runStatements(
    testBed,
    "postgres",
    names.map((name) => `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
  )

/** Whether the cluster has a database. */
export const hasDatabase = (testBed: TestBed, name: string) =>
  onDatabase(testBed, "postgres", (sql) =>
    sql`SELECT 1 AS one FROM pg_database WHERE datname = ${PgTypes.text(name)}`.pipe(
      Effect.map((rows) => rows.length > 0)
    )
  )

const Count = Schema.Tuple([Schema.Struct({ count: Schema.BigInt })])

/** The number of rows in several tables together. */
export const countRows = (testBed: TestBed, database: string, tables: ReadonlyArray<string>) =>
  onDatabase(testBed, database, (sql) =>
    sql
      .unsafe(`SELECT ${tables.map((table) => `(SELECT count(*) FROM ${table})`).join(" + ")} AS count`)
      .pipe(Effect.flatMap(Schema.decodeUnknownEffect(Schema.toType(Count))))
      .pipe(Effect.map(([row]) => Number(row.count)))
  )

/** Writes all dirty pages to disk, so that the next contender does not pay for them. */
export const checkpoint = (testBed: TestBed) => runStatements(testBed, "postgres", ["CHECKPOINT"])

/**
 * Waits until PostgreSQL has done nothing for eight seconds. The visits of a busy website are stored for up to half a minute after
 * its page views, and no other load must pay for this.
 */
export const awaitQuiet = Effect.fnUntraced(function* ({ postmaster }: TestBed) {
  for (let quiet = 0; quiet < 4; ) {
    const before = ProcessorTime.read(postmaster)
    yield* Effect.sleep("2 seconds")
    quiet = ProcessorTime.read(postmaster) - before < 50_000 ? quiet + 1 : 0
  }
})

/** Whether a database has a table. */
export const hasTable = (testBed: TestBed, database: string, table: string) =>
  onDatabase(testBed, database, (sql) =>
    sql`SELECT 1 AS one FROM pg_class WHERE relname = ${PgTypes.text(table)}`.pipe(
      Effect.map((rows) => rows.length > 0)
    )
  )
