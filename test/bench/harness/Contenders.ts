/**
 * Who is measured, and how each is started.
 *
 * @module
 */
import { copyFile, readFile } from "node:fs/promises"
import path from "node:path"
import { Effect, type Scope } from "effect"
import * as Against from "./Against.ts"
import * as Edge from "./Edge.ts"
import { names } from "./Measure.ts"
import * as Program from "./Program.ts"
import * as Stage from "./Stage.ts"

export interface Contender {
  readonly name: string
  /** Its database, and the tables in which page views and submissions stand; none if it stores nothing. */
  readonly stored:
    | { readonly database: string; readonly views: ReadonlyArray<string>; readonly forms: ReadonlyArray<string> }
    | undefined
  readonly site: Edge.Site
  /** Starts it; it answers when this succeeds, and ends with the scope. */
  readonly serve: (
    port: number,
    options?: Edge.ServeOptions
  ) => Effect.Effect<Program.Program, Program.BenchError, Scope.Scope>
}

const folder = path.resolve(import.meta.dirname, "../contenders")

/** The versions of what npm installs for the bench, outside of this project. */
const packages = ["fastify@5.12.8", "pg@8.23.1"]

/** How many connections the peers' pools hold: more than both need, since each waits for a commit of its own. */
const pool = "32"

export const ofEdge = (stage: Stage.Stage, name: string, edge: Edge.Edge): Contender => ({
  name,
  stored: { database: edge.database, views: ["page_view", "bot_view"], forms: ["submission"] },
  site: edge.site,
  serve: (port, options) => Edge.serve(stage, edge, port, options)
})

const raw = (stage: Stage.Stage, site: Edge.Site): Contender => ({
  name: names.raw,
  stored: undefined,
  site,
  serve: (port) =>
    Program.serve(
      stage.folder,
      {
        name: "raw",
        file: process.execPath,
        args: [path.join(folder, "raw.ts")],
        env: { PORT: String(port) }
      },
      port
    )
})

/** Makes a peer's database, with the same website. */
const peerDatabase = Effect.fnUntraced(function* (stage: Stage.Stage, database: string, site: Edge.Site) {
  const tables = yield* Effect.promise(() => readFile(path.join(folder, "tables.sql"), "utf8"))
  yield* Stage.statements(stage, "postgres", [`CREATE DATABASE ${database}`])
  yield* Stage.statements(stage, database, [
    ...tables.split(";").filter((statement) => statement.trim() !== ""),
    `INSERT INTO peer_site VALUES ('${site.websiteConfigId}', '${site.hostedWebsiteId}', '${site.trackingToken}')`
  ])
})

const peerEnvironment = (stage: Stage.Stage, database: string, port: number) => ({
  PORT: String(port),
  PGHOST: stage.socket,
  PGUSER: stage.username,
  PGDATABASE: database,
  POOL: pool
})

const peer = (
  stage: Stage.Stage,
  site: Edge.Site,
  name: string,
  database: string,
  command: (port: number) => Program.Command
): Contender => ({
  name,
  stored: { database, views: ["peer_page_view"], forms: ["peer_submission"] },
  site,
  serve: (port) => Program.serve(stage.folder, command(port), port)
})

const fastify = Effect.fnUntraced(function* (stage: Stage.Stage, site: Edge.Site) {
  const home = path.join(stage.folder, "fastify")
  const flags = ["--prefix", home, "--no-save", "--no-audit", "--no-fund", "--ignore-scripts"]
  yield* Against.npm(stage.folder, ["install", ...flags, ...packages])
  yield* Effect.promise(() => copyFile(path.join(folder, "fastify.mjs"), path.join(home, "server.mjs")))
  const database = "bench_fastify"
  yield* peerDatabase(stage, database, site)
  return peer(stage, site, names.fastify, database, (port) => ({
    name: "fastify",
    file: process.execPath,
    args: [path.join(home, "server.mjs")],
    env: peerEnvironment(stage, database, port)
  }))
})

const python = "/usr/bin/python3"

const fastapi = Effect.fnUntraced(function* (stage: Stage.Stage, site: Edge.Site) {
  yield* Program.run(stage.folder, { name: "python", file: python, args: ["-c", "import fastapi, uvicorn, asyncpg"] })
  const database = "bench_fastapi"
  yield* peerDatabase(stage, database, site)
  return peer(stage, site, names.fastapi, database, (port) => ({
    name: "fastapi",
    file: python,
    args: [
      ...["-m", "uvicorn", "fastapi_app:app", "--app-dir", folder],
      ...["--host", "127.0.0.1", "--port", String(port), "--no-access-log", "--log-level", "warning"]
    ],
    env: { ...peerEnvironment(stage, database, port), PYTHONDONTWRITEBYTECODE: "1" }
  }))
})

/** A contender, or nothing and a word about it where it cannot run on this machine. */
const ifPresent = <R>(name: string, make: Effect.Effect<Contender, Program.BenchError, R>) =>
  make.pipe(
    Effect.map((contender): ReadonlyArray<Contender> => [contender]),
    Effect.catchTag("BenchError", ({ message }) =>
      Effect.sync((): ReadonlyArray<Contender> => {
        console.error(`Without ${name}: ${message}`)
        return []
      })
    )
  )

/** The service first, then its peers. */
export const all = Effect.fnUntraced(function* (stage: Stage.Stage, edge: Edge.Edge) {
  return [
    ofEdge(stage, names.edge, edge),
    ...(yield* ifPresent(names.fastify, fastify(stage, edge.site))),
    ...(yield* ifPresent(names.fastapi, fastapi(stage, edge.site))),
    raw(stage, edge.site)
  ]
})
