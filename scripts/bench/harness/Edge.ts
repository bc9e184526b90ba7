/**
 * The service itself as a contender: a checkout of it, with databases of its own.
 *
 * @module
 */
import { readFileSync } from "node:fs"
import path from "node:path"
import { Effect, Schema } from "effect"
import { HostedWebsiteId, TrackingToken, WebsiteConfigId } from "../../../src/platform/Id.ts"
import * as Ports from "../../../test/support/Ports.ts"
import * as TestTime from "../../../test/support/TestTime.ts"
import * as Program from "./Program.ts"
import * as TestBed from "./TestBed.ts"

export interface Site {
  readonly hostedWebsiteId: HostedWebsiteId
  readonly trackingToken: TrackingToken
  readonly websiteConfigId: WebsiteConfigId
}

/** A checkout of the service and a database that it migrated, with one website and the partitions that `serve` creates. */
export interface Edge {
  readonly root: string
  readonly database: string
  readonly site: Site
}

const Sites = Schema.Tuple([
  Schema.Struct({
    hosted_website_id: HostedWebsiteId,
    tracking_token: TrackingToken,
    website_config_id: WebsiteConfigId
  })
])

const environment = (testBed: TestBed.TestBed, database: string) => ({
  DATABASE_URL: testBed.urlOf(database),
  // Error messages quote the log, so it has no color codes.
  NO_COLOR: "1"
})

/** Runs a command of the service's CLI, with more environment variables, and returns its output, one JSON document. */
export const command = (
  testBed: TestBed.TestBed,
  root: string,
  database: string,
  args: ReadonlyArray<string>,
  settings: Readonly<Record<string, string>> = {}
) =>
  Program.run(testBed.folder, {
    name: `hydracore-${args[0]}`,
    file: process.execPath,
    args: [path.join(root, "src/main.ts"), ...args, "--json"],
    env: { ...environment(testBed, database), ...settings }
  })

/** The Node flags in a checkout's `hydracore` script. */
const flagsOf = (root: string): ReadonlyArray<string> => {
  const { scripts } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as {
    readonly scripts: Readonly<Record<string, string>>
  }
  return scripts["hydracore"]?.match(/--\S+/g) ?? []
}

export interface ServeOptions {
  /** More Node flags. */
  readonly node?: ReadonlyArray<string>
  /** Flags of `serve`. */
  readonly flags?: ReadonlyArray<string>
  /** More environment variables. */
  readonly settings?: Readonly<Record<string, string>>
}

/** Starts `serve` without waiting until it answers. */
export const launch = (testBed: TestBed.TestBed, edge: Edge, port: number, options: ServeOptions = {}) =>
  Program.start(testBed.folder, {
    name: `serve-${edge.database}`,
    file: process.execPath,
    args: [
      ...flagsOf(edge.root),
      ...(options.node ?? []),
      path.join(edge.root, "src/main.ts"),
      "serve",
      ...(options.flags ?? [])
    ],
    env: {
      ...environment(testBed, edge.database),
      PORT: String(port),
      TRUSTED_PROXIES: "127.0.0.0/8",
      ...options.settings
    }
  })

/** Whether a page view is answered with 204. */
const isAnswering = (port: number, site: Site) => async (): Promise<true | undefined> => {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/v1/public/analytics/track`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Firefox/143.0"
      },
      body: JSON.stringify({ site_id: site.trackingToken, page_path: "/first" })
    })
    await response.arrayBuffer()
    return response.status === 204 ? true : undefined
  } catch {
    return undefined
  }
}

/** Starts `serve` and waits until it answers a page view with 204. */
export const serve = Effect.fnUntraced(function* (
  testBed: TestBed.TestBed,
  edge: Edge,
  port: number,
  options: ServeOptions = {}
) {
  const program = yield* launch(testBed, edge, port, options)
  yield* Program.awaitState(program, "it answered a page view", isAnswering(port, edge.site), {
    everyMillis: 2,
    deadlineMillis: 60_000
  })
  return program
})

/** The name of this month's partition. */
const currentPartition = (): string =>
  `page_view_${new Date(TestTime.ofMachine()).toISOString().slice(0, 7).replace("-", "_")}`

/** Creates and migrates a database with a website, and runs `serve` once so that it creates the partitions. */
export const prepare = Effect.fnUntraced(function* (testBed: TestBed.TestBed, root: string, database: string) {
  yield* TestBed.runStatements(testBed, "postgres", [`CREATE DATABASE ${database}`])
  yield* command(testBed, root, database, ["migrate"])
  yield* command(testBed, root, database, ["site", "create", "--name", "Bench"])
  // No command prints the internal id.
  const [created] = yield* TestBed.onDatabase(testBed, database, (sql) =>
    sql`SELECT hosted_website_id, tracking_token, website_config_id FROM site`.pipe(
      Effect.flatMap(Schema.decodeUnknownEffect(Sites))
    )
  )
  const edge: Edge = {
    root,
    database,
    site: {
      hostedWebsiteId: created.hosted_website_id,
      trackingToken: created.tracking_token,
      websiteConfigId: created.website_config_id
    }
  }
  yield* Effect.scoped(
    Effect.gen(function* () {
      const program = yield* serve(testBed, edge, yield* Ports.free)
      const hasPartition = async () =>
        (await Effect.runPromise(TestBed.hasTable(testBed, database, currentPartition()))) ? true : undefined
      yield* Program.awaitState(program, "it created its partitions", hasPartition, {
        everyMillis: 100,
        deadlineMillis: 30_000
      })
    })
  )
  return edge
})

/** Copies a prepared database, which must have no connections. */
export const copy = Effect.fnUntraced(function* (testBed: TestBed.TestBed, edge: Edge, database: string) {
  yield* TestBed.runStatements(testBed, "postgres", [`CREATE DATABASE ${database} TEMPLATE ${edge.database}`])
  return { ...edge, database }
})
