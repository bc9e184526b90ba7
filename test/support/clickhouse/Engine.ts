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

/** A connection to the engine. */
const connect = (): ClickHouseClient => {
  const { createChdbConnection } = createRequire(path.join(folder, "package.json"))("chdb/connection") as {
    readonly createChdbConnection: (options: {
      readonly path: string
    }) => NonNullable<ClickHouseClientConfigOptions["connection"]>
  }
  return createClient({ connection: createChdbConnection({ path: ensureDataFolder() }) })
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
