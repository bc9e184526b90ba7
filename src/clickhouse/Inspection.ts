/**
 * Inspects a ClickHouse server, for `doctor` and before the service starts.
 *
 * @module
 */
import { Clock, type Duration, Effect, Redacted, Schema } from "effect"
import { type AnalyticsFacts, codeOf } from "../core/doctor/AnalyticsDiagnosis.ts"
import type { Address } from "../core/doctor/AnalyticsUrl.ts"
import { decodeRows } from "../runtime/Rows.ts"
import * as Erasure from "./analytics/Erasure.ts"
import * as ClickHouse from "./ClickHouse.ts"
import type { ClickHouseError } from "./Errors.ts"
import * as Layout from "./schema/Layout.ts"
import { titleOf } from "./schema/Migration.ts"
import * as Migrations from "./schema/Migrations.ts"
import * as Tables from "./schema/Tables.ts"

const Version = Schema.Tuple([Schema.Struct({ version: Schema.String })])

/** Whether the server allows a statement. */
const isAllowed = <R>(statement: Effect.Effect<unknown, ClickHouseError, R>) =>
  statement.pipe(
    Effect.as(true),
    Effect.catchIf(
      (error) => error.reason === "denied" || error.reason === "read-only",
      () => Effect.succeed(false)
    )
  )

/** Whether the user may write to a table and read it: even an insert of no rows requires both privileges. */
const mayWrite = (name: Tables.Name) =>
  isAllowed(
    ClickHouse.ClickHouse.use(({ command }) => command(`INSERT INTO ${name} SELECT * FROM ${name} WHERE false`))
  )

/** The system tables that deletions read and the user may not read. A right on its database does not include them. */
const unreadable = (target: Tables.Target) =>
  Effect.filter(Erasure.systemTables, (table) =>
    ClickHouse.ClickHouse.use(({ query }) => query(`SELECT 1 FROM ${Erasure.system(target, table)} LIMIT 0`)).pipe(
      isAllowed,
      Effect.map((isReadable) => !isReadable)
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
  const present = Tables.names.filter((name) => found.has(name))
  const writable = yield* Effect.filter(present, mayWrite)
  return {
    _tag: "Reached",
    version,
    roundTripMillis,
    cluster: target._tag === "Cluster" ? target.cluster : null,
    pending: pending.map(titleOf),
    denied: present.filter((name) => !writable.includes(name)),
    unreadable: (yield* unreadable(target)).map((table) => `system.${table}`)
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
