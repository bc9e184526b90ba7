/**
 * Inspects a ClickHouse server for `doctor`.
 *
 * @module
 */
import { Clock, type Duration, Effect, Redacted, Schema } from "effect"
import * as Erasure from "../../analytics/clickhouse/Erasure.ts"
import type { Address } from "../../platform/clickhouse/AnalyticsUrl.ts"
import * as ClickHouse from "../../platform/clickhouse/ClickHouse.ts"
import * as Layout from "../../platform/clickhouse/schema/Layout.ts"
import * as Migrations from "../../platform/clickhouse/schema/Migrations.ts"
import * as Tables from "../../platform/clickhouse/schema/Tables.ts"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import { type AnalyticsFacts, codeOf } from "./AnalyticsDiagnosis.ts"

const Version = Schema.Tuple([Schema.Struct({ version: Schema.String })])

/** The names that the user may not use, of those for which `statement` is a statement that only needs the right. */
const denied = <Name extends string>(names: ReadonlyArray<Name>, statement: (name: Name) => string) =>
  Effect.filter(names, (name) =>
    ClickHouse.ClickHouse.use(({ command }) => command(statement(name))).pipe(
      Effect.as(false),
      Effect.catchIf(
        (error) => error.reason === "denied" || error.reason === "read-only",
        () => Effect.succeed(true)
      )
    )
  )

const readFacts = Effect.gen(function* () {
  const { query } = yield* ClickHouse.ClickHouse
  const startedAt = yield* Clock.currentTimeMillis
  const [{ version }] = yield* query("SELECT version() AS version").pipe(decodeRows(Version))
  const roundTripMillis = (yield* Clock.currentTimeMillis) - startedAt
  const pending = yield* Migrations.pending()
  const target = yield* Layout.target
  const found = yield* Layout.present
  // Even an insert of no rows requires the rights to write and to read.
  const tables = yield* denied(
    Tables.names.filter((name) => found.has(name)),
    (name) => `INSERT INTO ${name} SELECT * FROM ${name} WHERE false`
  )
  // A right on its database does not include the system tables, which deletions read.
  const systemTables = yield* denied(
    Erasure.systemTables,
    (table) => `SELECT 1 FROM ${Erasure.system(target, table)} LIMIT 0`
  )
  return {
    _tag: "Reached",
    version,
    roundTripMillis,
    isMigrated: pending.length === 0,
    denied: [...tables, ...systemTables.map((table) => `system.${table}`)]
  } as const
})

/** The facts of a server. Never fails: an unavailable server is a fact too. */
export const inspect = (
  address: Redacted.Redacted<Address>,
  timeout: Duration.Input
): Effect.Effect<AnalyticsFacts> => {
  const { url } = Redacted.value(address)
  return readFacts.pipe(
    ClickHouse.bounded(timeout),
    Effect.provide(ClickHouse.layer({ address, connections: 1 })),
    Effect.map((facts): AnalyticsFacts => ({ ...facts, url })),
    Effect.catch((error) =>
      Effect.succeed<AnalyticsFacts>({
        _tag: "Unavailable",
        code: codeOf(error),
        reason: error.reason
      })
    )
  )
}
