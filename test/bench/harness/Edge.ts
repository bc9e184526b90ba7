/**
 * The service itself as a contender: a checkout of it, with databases of its own.
 *
 * @module
 */
import { readFileSync } from "node:fs"
import path from "node:path"
import { Effect, Schema } from "effect"
import * as Program from "./Program.ts"
import * as Stage from "./Stage.ts"

export interface Site {
  readonly hostedWebsiteId: string
  readonly trackingToken: string
  readonly websiteConfigId: string
}

/** A database that a checkout migrated, with one website and the partitions that `serve` makes. */
export interface Edge {
  readonly root: string
  readonly database: string
  readonly site: Site
}

const Created = Schema.fromJsonString(
  Schema.Struct({
    hosted_website_id: Schema.String,
    tracking_token: Schema.String,
    website_config_id: Schema.String
  })
)

const environment = (stage: Stage.Stage, database: string) => ({
  DATABASE_URL: stage.urlOf(database),
  // Warnings reach the log that an error quotes; a line for each request there is none.
  NO_COLOR: "1"
})

/** Runs a command of the service and gives what it printed, which is one JSON document. */
export const command = (stage: Stage.Stage, root: string, database: string, args: ReadonlyArray<string>) =>
  Program.run(stage.folder, {
    name: `hydracore-${args[0]}`,
    file: process.execPath,
    args: [path.join(root, "src/main.ts"), ...args, "--json"],
    env: environment(stage, database)
  })

/** The flags with which a checkout's own script starts Node. */
const flagsOf = (root: string): ReadonlyArray<string> => {
  const { scripts } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as {
    readonly scripts: Readonly<Record<string, string>>
  }
  return scripts["hydracore"]?.match(/--\S+/g) ?? []
}

export interface ServeOptions {
  /** More flags of Node's. */
  readonly node?: ReadonlyArray<string>
  /** Flags of `serve`. */
  readonly flags?: ReadonlyArray<string>
  /** Settings beside the bench's own. */
  readonly settings?: Readonly<Record<string, string>>
}

/** Starts `serve` on a database, without waiting for it. */
export const launch = (stage: Stage.Stage, edge: Edge, port: number, options: ServeOptions = {}) =>
  Program.start(stage.folder, {
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
      ...environment(stage, edge.database),
      PORT: String(port),
      TRUSTED_PROXIES: "127.0.0.0/8",
      ...options.settings
    }
  })

/** Whether a page view is answered on a port: 204. */
const answers = (port: number, site: Site) => async (): Promise<true | undefined> => {
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

/** Starts `serve` and waits for its first answer to a page view. */
export const serve = Effect.fnUntraced(function* (
  stage: Stage.Stage,
  edge: Edge,
  port: number,
  options: ServeOptions = {}
) {
  const program = yield* launch(stage, edge, port, options)
  yield* Program.awaitState(program, "it answered a page view", answers(port, edge.site), {
    everyMillis: 2,
    deadlineMillis: 60_000
  })
  return program
})

/** The partition of this month's page views. */
const partition = (): string => `page_view_${new Date().toISOString().slice(0, 7).replace("-", "_")}`

/** Makes and migrates a database with a website, and lets `serve` make the partitions once. */
export const prepare = Effect.fnUntraced(function* (stage: Stage.Stage, root: string, database: string) {
  yield* Stage.statements(stage, "postgres", [`CREATE DATABASE ${database}`])
  yield* command(stage, root, database, ["migrate"])
  const created = yield* command(stage, root, database, ["site", "create", "--name", "Bench"]).pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(Created)),
    Effect.catchTag("SchemaError", (error) => Effect.fail(new Program.BenchError({ message: error.message })))
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
      const program = yield* serve(stage, edge, yield* Program.freePort)
      const there = async () => ((await Effect.runPromise(Stage.has(stage, database, partition()))) ? true : undefined)
      yield* Program.awaitState(program, "it made its partitions", there, { everyMillis: 100, deadlineMillis: 30_000 })
    })
  )
  return edge
})

/** A copy of a prepared database, which nobody may be connected to. */
export const copy = Effect.fnUntraced(function* (stage: Stage.Stage, edge: Edge, database: string) {
  yield* Stage.statements(stage, "postgres", [`CREATE DATABASE ${database} TEMPLATE ${edge.database}`])
  return { ...edge, database }
})
