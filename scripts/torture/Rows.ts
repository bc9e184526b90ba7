/**
 * Reads a database, and compares its rows with the outcomes of a load. Imports nothing of `src`.
 *
 * @module
 */
import { PgClient } from "@effect/sql-pg"
import { Effect, Redacted, Schema, type Scope } from "effect"
import { Reactivity } from "effect/reactivity"
import * as Ledger from "./Ledger.ts"
import type { Load } from "./Load.ts"

/** Makes a database, which need not be migrated, for a scenario, and returns the database's URL. */
export type Database = Effect.Effect<string, never, Scope.Scope>

/** Runs with a new connection and closes it. */
export const use = <A, E>(url: string, run: (sql: PgClient.PgClient) => Effect.Effect<A, E>): Effect.Effect<A> =>
  Effect.flatMap(PgClient.make({ url: Redacted.make(url), maxConnections: 1 }), run).pipe(
    Effect.scoped,
    Effect.provide(Reactivity.layer),
    Effect.orDie
  )

const Views = Schema.Array(Schema.Struct({ mark: Schema.String }))
const Forms = Schema.Array(Schema.Struct({ mark: Schema.String, submissionId: Schema.String }))

/** The stored page views and forms of a load. */
const rowsOf = (sql: PgClient.PgClient, run: string) =>
  Effect.gen(function* () {
    const views = yield* sql`SELECT substr(path, 2) AS mark FROM page_view WHERE starts_with(path, ${`/${run}-`})`
    const forms = yield* sql`SELECT form_data->>'mark' AS mark, submission_id AS "submissionId" FROM submission
      WHERE starts_with(form_data->>'mark', ${`${run}-`})`
    return [
      ...(yield* Schema.decodeUnknownEffect(Views)(views)),
      ...(yield* Schema.decodeUnknownEffect(Forms)(forms))
    ] satisfies ReadonlyArray<Ledger.Row>
  })

/** Compares a load's outcomes with the rows of a database and the rows that are stored elsewhere. */
export const account = (
  url: string,
  load: Load,
  rowsElsewhere: Effect.Effect<ReadonlyArray<Ledger.Row>> = Effect.succeed([])
): Effect.Effect<Ledger.Account> =>
  use(url, (sql) =>
    Effect.gen(function* () {
      return Ledger.reconcile(load.ledger, [...(yield* rowsOf(sql, load.run)), ...(yield* rowsElsewhere)])
    })
  )
