/**
 * The contenders, and how each is started.
 *
 * @module
 */
import { copyFile, readFile } from "node:fs/promises"
import path from "node:path"
import { Effect, type Scope } from "effect"
import * as Edge from "./Edge.ts"
import { names } from "./Measure.ts"
import * as Program from "./Program.ts"
import * as Revision from "./Revision.ts"
import * as TestBed from "./TestBed.ts"

export interface Contender {
  readonly name: string
  /** Its database, with the tables of page views, events and submissions; undefined if it stores nothing. */
  readonly storage:
    | ({ readonly database: string } & { readonly [Stored in "views" | "events" | "forms"]: ReadonlyArray<string> })
    | undefined
  readonly site: Edge.Site
  /** Starts the contender and waits until it accepts connections; it is stopped with the scope. */
  readonly serve: (
    port: number,
    options?: Edge.ServeOptions
  ) => Effect.Effect<Program.Program, Program.BenchError, Scope.Scope>
}

const folder = path.resolve(import.meta.dirname, "../contenders")

/** The packages that npm installs for the bench, outside of this project. */
const packages = ["fastify@5.12.8", "pg@8.23.1"]

/** The size of the peers' connection pools. More connections do not raise the rate of either peer. */
const pool = "32"

export const ofEdge = (testBed: TestBed.TestBed, name: string, edge: Edge.Edge): Contender => ({
  name,
  storage: { database: edge.database, views: ["page_view", "bot_view"], events: ["event"], forms: ["submission"] },
  site: edge.site,
  serve: (port, options) => Edge.serve(testBed, edge, port, options)
})

const bareHttp = (testBed: TestBed.TestBed, site: Edge.Site): Contender => ({
  name: names.bare,
  storage: undefined,
  site,
  serve: (port) =>
    Program.serve(
      testBed.folder,
      {
        name: "bare-http",
        file: process.execPath,
        args: [path.join(folder, "bareHttp.ts")],
        env: { PORT: String(port) }
      },
      port
    )
})

/** Creates a peer's database with the same website. */
const peerDatabase = Effect.fnUntraced(function* (testBed: TestBed.TestBed, database: string, site: Edge.Site) {
  const tables = yield* Effect.promise(() => readFile(path.join(folder, "tables.sql"), "utf8"))
  yield* TestBed.runStatements(testBed, "postgres", [`CREATE DATABASE ${database}`])
  yield* TestBed.runStatements(testBed, database, [
    ...tables.split(";").filter((statement) => statement.trim() !== ""),
    `INSERT INTO peer_site VALUES ('${site.websiteConfigId}', '${site.hostedWebsiteId}', '${site.trackingToken}')`
  ])
})

const peerEnvironment = (testBed: TestBed.TestBed, database: string, port: number) => ({
  PORT: String(port),
  PGHOST: testBed.socket,
  PGUSER: testBed.username,
  PGDATABASE: database,
  POOL: pool
})

const peer = (
  testBed: TestBed.TestBed,
  site: Edge.Site,
  name: string,
  database: string,
  command: (port: number) => Program.Command
): Contender => ({
  name,
  storage: { database, views: ["peer_page_view"], events: [], forms: ["peer_submission"] },
  site,
  serve: (port) => Program.serve(testBed.folder, command(port), port)
})

const fastify = Effect.fnUntraced(function* (testBed: TestBed.TestBed, site: Edge.Site) {
  const home = path.join(testBed.folder, "fastify")
  const flags = ["--prefix", home, "--no-save", "--no-audit", "--no-fund", "--ignore-scripts"]
  yield* Revision.npm(testBed.folder, ["install", ...flags, ...packages])
  yield* Effect.promise(() => copyFile(path.join(folder, "fastify.mjs"), path.join(home, "server.mjs")))
  const database = "bench_fastify"
  yield* peerDatabase(testBed, database, site)
  return peer(testBed, site, names.fastify, database, (port) => ({
    name: "fastify",
    file: process.execPath,
    args: [path.join(home, "server.mjs")],
    env: peerEnvironment(testBed, database, port)
  }))
})

const python = "/usr/bin/python3"

const fastapi = Effect.fnUntraced(function* (testBed: TestBed.TestBed, site: Edge.Site) {
  yield* Program.run(testBed.folder, { name: "python", file: python, args: ["-c", "import fastapi, uvicorn, asyncpg"] })
  const database = "bench_fastapi"
  yield* peerDatabase(testBed, database, site)
  return peer(testBed, site, names.fastapi, database, (port) => ({
    name: "fastapi",
    file: python,
    args: [
      ...["-m", "uvicorn", "fastapi_app:app", "--app-dir", folder],
      ...["--host", "127.0.0.1", "--port", String(port), "--no-access-log", "--log-level", "warning"]
    ],
    env: { ...peerEnvironment(testBed, database, port), PYTHONDONTWRITEBYTECODE: "1" }
  }))
})

/** A contender, or none and a message if it cannot run on this machine. */
const ifPresent = <R>(name: string, make: Effect.Effect<Contender, Program.BenchError, R>) =>
  make.pipe(
    Effect.map((contender): ReadonlyArray<Contender> => [contender]),
    Effect.catchTag("BenchError", ({ message }) =>
      Effect.sync((): ReadonlyArray<Contender> => {
        console.error(`${name} is left out: ${message}`)
        return []
      })
    )
  )

/** The service, the peers that can run on this machine, and the bare HTTP server. */
export const all = Effect.fnUntraced(function* (testBed: TestBed.TestBed, edge: Edge.Edge) {
  return [
    ofEdge(testBed, names.edge, edge),
    ...(yield* ifPresent(names.fastify, fastify(testBed, edge.site))),
    ...(yield* ifPresent(names.fastapi, fastapi(testBed, edge.site))),
    bareHttp(testBed, edge.site)
  ]
})
