/**
 * Layers of ClickHouse in the test process (`Engine.ts`). Each build of a layer creates a new database.
 *
 * @module
 */
import { Effect, Layer, Schema } from "effect"
import { ClickHouse, make } from "../../../src/platform/clickhouse/ClickHouse.ts"
import * as Migrations from "../../../src/platform/clickhouse/schema/Migrations.ts"
import * as Tables from "../../../src/platform/clickhouse/schema/Tables.ts"
import { decodeRows } from "../../../src/platform/runtime/Rows.ts"
import * as Engine from "./Engine.ts"

export { describeWithClickHouse, isInstalled } from "./Engine.ts"

/** A client of a new database without tables. */
export const empty: Layer.Layer<ClickHouse> = Layer.effect(
  ClickHouse,
  Effect.map(Engine.database, ({ client }) => make(client))
)

/** Disables fsync, as for the tests' PostgreSQL. */
const withoutSync = ClickHouse.use(({ command }) =>
  Effect.forEach(Tables.names, (name) =>
    command(`ALTER TABLE ${name} MODIFY SETTING fsync_after_insert = 0, fsync_part_directory = 0`)
  )
)

const Definitions = Schema.Array(Schema.Struct({ statement: Schema.String }))

/** The statements that create the tables of one server with all migrations; known after the process has migrated one database. */
let definitions: string | undefined

/** Creates the tables of one server in an empty database. Migrations take several times as long as the tables that they lead to. */
export const createTables = (name: string): Effect.Effect<void, never, ClickHouse> =>
  Effect.gen(function* () {
    const { command, query } = yield* ClickHouse
    if (definitions !== undefined) return yield* command(definitions)
    yield* Migrations.migrate(Tables.server)
    yield* withoutSync
    const created = yield* query(
      `SELECT create_table_query AS statement FROM system.tables WHERE database = currentDatabase()
        ORDER BY engine = 'MaterializedView', name`
    ).pipe(decodeRows(Definitions))
    const recorded = yield* query(
      `SELECT format('INSERT INTO ${Tables.versions} (id, name) VALUES ({}, \\'{}\\')', toString(id), name) AS statement
        FROM ${Tables.versions}`
    ).pipe(decodeRows(Definitions))
    definitions = [...created, ...recorded].map(({ statement }) => statement.replaceAll(`${name}.`, "")).join(";\n")
  }).pipe(Effect.orDie)

/** A client of a new database with the tables of one server. */
export const layer: Layer.Layer<ClickHouse> = Layer.effect(
  ClickHouse,
  Effect.gen(function* () {
    const { client, name } = yield* Engine.database
    const clickhouse = make(client)
    yield* Effect.provideService(createTables(name), ClickHouse, clickhouse)
    return clickhouse
  })
)
