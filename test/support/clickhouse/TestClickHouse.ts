/**
 * Layers of ClickHouse in the test process (`Engine.ts`). Each build of a layer creates a new database.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import { ClickHouse, make } from "../../../src/platform/clickhouse/ClickHouse.ts"
import * as Migrations from "../../../src/platform/clickhouse/schema/Migrations.ts"
import * as Tables from "../../../src/platform/clickhouse/schema/Tables.ts"
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

/** A client of a new database with the tables of one server. */
export const layer: Layer.Layer<ClickHouse> = Layer.effectDiscard(
  Migrations.migrate(Tables.server).pipe(Effect.andThen(withoutSync), Effect.orDie)
).pipe(Layer.provideMerge(empty))
