/**
 * ClickHouse in the test process: the library chdb, which `scripts/clickhouse` installs, under the same client as in production.
 * Each process has one data folder. Imports nothing of `src`.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { createRequire } from "node:module"
import path from "node:path"
import { type ClickHouseClient, type ClickHouseClientConfigOptions, createClient } from "@clickhouse/client"
import { Effect } from "effect"
import { describeWith } from "../Programs.ts"
import * as ServerFiles from "../postgres/ServerFiles.ts"

const folder = path.resolve(import.meta.dirname, "../../../node_modules/.cache/chdb")

/** Whether the engine is installed. */
export const isInstalled = existsSync(path.join(folder, "installed"))

/** Declares tests that need ClickHouse. Without it they are skipped, and their name says what to run; in CI they fail. */
export const describeWithClickHouse = (name: string, tests: () => void): void =>
  describeWith(
    [{ executable: isInstalled ? folder : undefined, install: "ClickHouse: scripts/clickhouse" }],
    name,
    tests
  )

let dataFolder: string | undefined

/** The data folder of this process, created by the first call. The engine accepts only one. */
const ensureDataFolder = (): string => {
  if (dataFolder === undefined) {
    const created = mkdtempSync(path.join(ServerFiles.folder(), "hydracore-clickhouse-"))
    process.once("exit", () => rmSync(created, { recursive: true, force: true }))
    dataFolder = created
  }
  return dataFolder
}

type Connection = NonNullable<ClickHouseClientConfigOptions["connection"]>

/** Settings of HTTP, which the engine's library ignores, and the format, which it handles by itself. */
const ofLibrary = /^(?:wait_end_of_query|default_format|enable_http_compression|http_.*|send_progress_in_http_headers)$/

interface Statement {
  readonly query: string
  readonly clickhouse_settings?: Readonly<Record<string, unknown>>
}

/** Sets the settings of a statement by one statement before it. The library sends one for each, which takes as long as some queries. */
const withSettings = (statement: Statement): Statement => {
  const given = Object.entries(statement.clickhouse_settings ?? {}).filter(([, value]) => value !== undefined)
  const settings = given.filter(([name]) => !ofLibrary.test(name))
  if (settings.length === 0) return statement
  const assigned = settings.map(
    ([name, value]) => `${name} = '${String(Number(value === true) || value).replaceAll("'", "''")}'`
  )
  return {
    ...statement,
    query: `SET ${assigned.join(", ")}; ${statement.query}`,
    clickhouse_settings: Object.fromEntries(given.filter(([name]) => ofLibrary.test(name)))
  }
}

const settingTogether = (connection: Connection): Connection =>
  new Proxy(connection, {
    get: (target, name: string) => {
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== "function") return member
      return ["query", "command", "exec", "insert"].includes(name)
        ? (statement: Statement) => member.call(target, withSettings(statement))
        : member.bind(target)
    }
  })

/** A connection to the engine. */
const connect = (): ClickHouseClient => {
  const { createChdbConnection } = createRequire(path.join(folder, "package.json"))("chdb/connection") as {
    readonly createChdbConnection: (options: { readonly path: string }) => Connection
  }
  return createClient({ connection: settingTogether(createChdbConnection({ path: ensureDataFolder() })) })
}

const client = Effect.acquireRelease(Effect.sync(connect), (opened) => Effect.promise(() => opened.close()))

/** A new database without tables, dropped when the scope closes, and a client of it. */
export const database = Effect.gen(function* () {
  const opened = yield* client
  const command = (query: string) => Effect.promise(() => opened.command({ query }))
  const name = `test_${randomUUID().replaceAll("-", "")}`
  yield* Effect.acquireRelease(command(`CREATE DATABASE ${name}`), () => command(`DROP DATABASE ${name} SYNC`))
  // The engine has no URL that names the database, so the connection selects it.
  yield* command(`USE ${name}`)
  // Tests run few statements so often that compiling their expressions pays, and nobody reads the log of the statements.
  yield* command(
    "SET compile_expressions = 0, compile_aggregate_expressions = 0, compile_sort_description = 0, log_queries = 0"
  )
  return { client: opened, name }
})
