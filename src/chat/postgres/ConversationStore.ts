/**
 * Stores conversations in PostgreSQL. No statement leaves state in its session, so that all of them work through PgBouncer in
 * transaction mode.
 *
 * @module
 */
import { PgClient } from "@effect/sql-pg"
import { Effect, Layer, Result, Schema } from "effect"
import type { SqlError } from "effect/sql"
import { make as makeBatches } from "../../platform/batch/Batches.ts"
import { isCanonicalUuid } from "../../platform/Id.ts"
import * as Columns from "../../platform/postgres/Columns.ts"
import * as Database from "../../platform/postgres/Database.ts"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import { RecordRefused } from "../../platform/Storage.ts"
import { ConversationStore } from "../ConversationStore.ts"
import * as Batches from "./ConversationBatches.ts"
import * as Reads from "./ConversationReads.ts"
import { eventsJson } from "./ConversationRows.ts"
import * as Writes from "./ConversationWrites.ts"

/** One each for the batches of turns, answers and pieces. Each kind of batch runs one statement at a time. */
const batchConnections = 3

/** In pieces and UTF-16 units. */
const bounds = { maxBatch: 500, maxBatchWeight: 2 * 2 ** 20, maxQueueWeight: 32 * 2 ** 20 } as const

interface Piece {
  readonly answerId: string
  readonly endsAt: number
  readonly events: string
}

const columns: ReadonlyArray<Columns.Column<Piece>> = [
  Columns.uuid("answer_id", ({ answerId }) => answerId),
  Columns.int4("ends_at", ({ endsAt }) => endsAt),
  Columns.text("events", ({ events }) => events)
]

/**
 * One statement, and so one commit, per batch. The conversations are locked, so that no answer gets a piece after its end.
 * A repeated statement changes nothing.
 */
const statement = `
  WITH piece AS MATERIALIZED (
    SELECT * FROM unnest($1, $2, $3) AS piece (answer_id, ends_at, events)
  ), runs AS MATERIALIZED (
    SELECT running FROM conversation WHERE running IN (SELECT answer_id FROM piece) ORDER BY running FOR SHARE
  ), stored AS (
    INSERT INTO answer_piece (answer_id, ends_at, events)
    SELECT answer_id, ends_at, events::json FROM piece JOIN runs ON running = answer_id
    ON CONFLICT (answer_id, ends_at) DO NOTHING
  )
  SELECT running FROM runs`

const Rows = Schema.Array(Schema.Struct({ running: Schema.String }))

/** Stores a batch of pieces; returns for each whether its answer runs. */
const storeBatch = (
  sql: PgClient.PgClient,
  pieces: ReadonlyArray<Piece>
): Effect.Effect<ReadonlyArray<Result.Result<boolean>>, SqlError.SqlError | RecordRefused> => {
  const written = Columns.parameters(columns, pieces)
  if (Result.isFailure(written)) return Effect.fail(new RecordRefused({ cause: written.failure }))
  return sql.unsafe(statement, written.success).pipe(
    decodeRows(Rows),
    Effect.map((rows) => {
      const runs = new Set(rows.map(({ running }) => running))
      return pieces.map(({ answerId }) => Result.succeed(runs.has(answerId)))
    })
  )
}

export const layer = (options: Batches.Options): Layer.Layer<ConversationStore, SqlError.SqlError, PgClient.PgClient> =>
  Layer.effect(
    ConversationStore,
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const batches = yield* Database.dedicated({
        types: Columns.types,
        maxConnections: batchConnections,
        isBounded: false
      })
      const { submit } = yield* makeBatches<Piece, boolean, never>("answer-pieces", {
        flush: (pieces) =>
          storeBatch(batches, pieces).pipe(
            Effect.catchTag("SqlError", (error) => Effect.fail(Database.refusedOrUnavailable(error)))
          ),
        timeout: options.timeout,
        maxQueue: options.maxQueue,
        weigh: ({ events }) => 100 + events.length,
        ...bounds
      })
      return ConversationStore.of({
        ...Reads.make(sql),
        ...Writes.make(sql, {
          begin: yield* Batches.begin(batches, options),
          complete: yield* Batches.complete(batches, options)
        }),
        append: ({ answerId, events, position }) =>
          isCanonicalUuid(answerId) && events.length > 0
            ? submit({ answerId, endsAt: position + events.length, events: eventsJson(events) })
            : Effect.succeed(false)
      })
    })
  )
