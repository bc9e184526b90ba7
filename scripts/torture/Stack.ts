/**
 * A whole installation on loopback ports: three processes of the service behind two nginx, one Redis, a pair of PostgreSQL
 * servers with synchronous replication, and ClickHouse for page views where its engine is installed. Each part
 * except ClickHouse can be killed, hung and restarted. Everything ends with the scope.
 *
 * @module
 */
import { Effect, Exit, Redacted, Schema, Scope } from "effect"
import { ClickHouse } from "../../src/platform/clickhouse/ClickHouse.ts"
import * as HttpServer from "../../test/support/clickhouse/HttpServer.ts"
import * as TestClickHouse from "../../test/support/clickhouse/TestClickHouse.ts"
import * as Ports from "../../test/support/Ports.ts"
import * as Process from "../../test/support/Process.ts"
import * as ProcessTree from "../../test/support/ProcessTree.ts"
import * as ReplicatedPair from "../../test/support/postgres/ReplicatedPair.ts"
import * as TestRedis from "../../test/support/TestRedis.ts"
import type { Row } from "./Ledger.ts"
import type { Target } from "./Load.ts"
import * as Nginx from "./Nginx.ts"
import * as Store from "./Store.ts"

/** A part of the installation. */
export interface Part {
  readonly name: string
  /** Kills the part, as a crash does. */
  readonly kill: Effect.Effect<void>
  /** Starts the killed part on its port and its data, and waits until it serves. */
  readonly start: Effect.Effect<void>
  /** Stops the part's processes (SIGSTOP): connections stay open. */
  readonly freeze: Effect.Effect<void>
  readonly thaw: Effect.Effect<void>
}

/** Starts a program as a part. Each start, even the first, runs `run` in a new scope. `run` waits until the program serves. */
const programOf = Effect.fnUntraced(function* <A extends { readonly pid: number }>(
  name: string,
  run: Effect.Effect<A, never, Scope.Scope>
) {
  const scope = yield* Scope.Scope
  let current: { readonly program: A; readonly scope: Scope.Closeable } | undefined
  const start = Effect.gen(function* () {
    const own = yield* Scope.fork(scope)
    current = { program: yield* Scope.provide(run, own), scope: own }
  })
  const signal = (signalName: NodeJS.Signals) =>
    Effect.sync(() => {
      if (current !== undefined) ProcessTree.signalAll(ProcessTree.family(current.program.pid), signalName)
    })
  yield* start
  const part: Part = {
    name,
    start,
    kill: Effect.andThen(
      signal("SIGKILL"),
      Effect.suspend(() => (current === undefined ? Effect.void : Scope.close(current.scope, Exit.void)))
    ),
    freeze: signal("SIGSTOP"),
    thaw: signal("SIGCONT")
  }
  return { part, program: () => current?.program }
})

const Paths = Schema.Array(Schema.Struct({ path: Schema.String }))

/** The page views of a run in ClickHouse, as rows of the ledger. */
const viewsIn = (server: HttpServer.HttpServer, run: string): Effect.Effect<ReadonlyArray<Row>> =>
  ClickHouse.use(({ query }) =>
    query("SELECT path FROM page_view WHERE startsWith(path, {prefix:String})", { parameters: { prefix: `/${run}-` } })
  ).pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(Paths)),
    Effect.map((views) => views.map(({ path }) => ({ mark: path.slice(1) }))),
    Effect.provide(HttpServer.clientOf(server)),
    Effect.orDie
  )

export interface Options {
  /** The URL of the chat's agent. */
  readonly agentUrl: string
  /** Settings of each process. */
  readonly settings: Readonly<Record<string, string>>
}

export const make = Effect.fnUntraced(function* ({ agentUrl, settings }: Options) {
  const pair = yield* ReplicatedPair.make
  const redis = yield* TestRedis.started
  const clickhouse = TestClickHouse.isInstalled ? yield* HttpServer.make : undefined
  const target: Target = yield* Store.prepare(pair.primary.url, agentUrl, "edge")
  const ports = yield* Effect.replicateEffect(Ports.free, 3)
  const edges = yield* Effect.forEach(ports, (port, index) =>
    programOf(
      `edge ${index + 1}`,
      Process.start("serve", {
        DATABASE_URL: pair.url,
        REDIS_URL: Redacted.value(redis.url),
        ...(clickhouse === undefined ? {} : { ANALYTICS_URL: clickhouse.url }),
        PORT: String(port),
        TRUSTED_PROXIES: "127.0.0.1",
        ...settings
      })
    )
  )
  const fronts = yield* Effect.forEach([1, 2], (number) =>
    Effect.flatMap(Ports.free, (port) => programOf(`nginx ${number}`, Nginx.start(ports, port)))
  )
  const programs: ReadonlyArray<Part> = [...edges, ...fronts].map(({ part }) => part)
  return {
    target,
    pair,
    clickhouse,
    /** The URLs of both nginx. */
    urls: () => fronts.flatMap(({ program }) => program()?.url ?? []),
    parts: [
      ...programs,
      { name: "Redis", ...redis },
      { name: "PostgreSQL's replica", ...pair.replica },
      { name: "PostgreSQL's primary", ...pair.primary }
    ] satisfies ReadonlyArray<Part>,
    /** The rows of a run that are not in PostgreSQL. */
    rowsElsewhere: (run: string) => (clickhouse === undefined ? Effect.succeed([]) : viewsIn(clickhouse, run))
  }
})
