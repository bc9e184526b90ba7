/**
 * The outcomes of a batch whose statement skips the records of unknown websites and returns the ids of these websites.
 *
 * @module
 */
import { Effect, Result, Schema } from "effect"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import { RecordRefused } from "../../platform/Storage.ts"

const Rows = Schema.Array(Schema.Struct({ id: Schema.String }))

export type Outcome = Result.Result<void, RecordRefused>

/** Runs a statement that returns the ids of unknown websites, and gives each record its outcome. */
export const outcomesOf =
  <Row extends { readonly hostedWebsiteId: string }>(rows: ReadonlyArray<Row>) =>
  <E, R>(statement: Effect.Effect<unknown, E, R>): Effect.Effect<ReadonlyArray<Outcome>, E, R> =>
    statement.pipe(
      decodeRows(Rows),
      Effect.map((unknown) => {
        const gone = new Set(unknown.map(({ id }) => id))
        return rows.map(
          ({ hostedWebsiteId }): Outcome =>
            gone.has(hostedWebsiteId) ? Result.fail(new RecordRefused({ reason: "unknown-site" })) : Result.void
        )
      })
    )
