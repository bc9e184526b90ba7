/**
 * Stores events in batches, on a dedicated connection.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import type { PgClient } from "@effect/sql-pg/PgClient"
import { Clock, type Duration, Effect, Layer, Result } from "effect"
import type { SqlError } from "effect/sql"
import * as Batches from "../../platform/batch/Batches.ts"
import * as Columns from "../../platform/postgres/Columns.ts"
import * as Database from "../../platform/postgres/Database.ts"
import { RecordRefused } from "../../platform/Storage.ts"
import type { Event } from "../Event.ts"
import { EventRepo } from "../EventRepo.ts"
import * as OpenDays from "../reports/postgres/OpenDays.ts"
import * as StoredView from "../StoredView.ts"
import * as AnalyticsRepo from "./AnalyticsRepo.ts"

export interface Options {
  /** How long an event may take to be stored. */
  readonly timeout: Duration.Input
  /** Maximum number of queued events. */
  readonly maxQueue: number
  /** Whether batches of sampled requests are traced. */
  readonly traced?: boolean
}

/** Batches and the queue are also bounded by size: the properties of an event may have 69,000 characters. */
const bounds = { maxBatch: 1_000, maxBatchWeight: 4 * 2 ** 20, maxQueueWeight: 64 * 2 ** 20 } as const

/** The properties as JSON. PostgreSQL can read every value as text, because none has a NUL or a lone surrogate. */
const jsonOf = ({ properties }: Event): string | null => (properties === null ? null : JSON.stringify(properties))

/** An estimate of an event's size in UTF-16 units. */
const weigh = ({ path, properties }: Event): number => {
  let size = 300 + path.length
  for (const name in properties) size += 20 + name.length + String(properties[name]).length
  return size
}

const columns: ReadonlyArray<Columns.Column<Event>> = [
  Columns.uuid("hosted_website_id", (event) => event.hostedWebsiteId),
  Columns.timestamptz("received_at", (event) => event.receivedAt),
  Columns.text("name", (event) => event.name),
  ...StoredView.commonColumns.map(AnalyticsRepo.columnOf<Event>),
  // The properties and the amount are sent as text; the statement casts them to json and numeric.
  Columns.text("properties", jsonOf),
  Columns.text("revenue_amount", (event) => event.revenue?.amount.toFixed(3) ?? null),
  Columns.text("revenue_currency", (event) => event.revenue?.currency ?? null),
  Columns.bool("is_interactive", (event) => event.isInteractive)
]

const names = columns.map(({ name }) => name).join(", ")

const values = columns
  .map(({ name }) =>
    name === "properties" ? "properties::json" : name === "revenue_amount" ? "revenue_amount::numeric" : name
  )
  .join(", ")

/**
 * One statement, and so one transaction, per batch, made idempotent by the batch id as for page views. Events of an unknown
 * website, or of one whose deletion has begun, are skipped, and the ids of these websites are returned.
 */
const statement = `
  WITH batch AS (
    INSERT INTO page_view_batch (batch_id) VALUES ($1) ON CONFLICT DO NOTHING RETURNING 1
  ), sent AS MATERIALIZED (
    SELECT * FROM unnest(${columns.map((_, index) => `$${index + 2}`).join(", ")}) AS sent (${names})
  ), website AS MATERIALIZED (
    SELECT hosted_website_id FROM site
    WHERE hosted_website_id IN (SELECT hosted_website_id FROM sent) AND deleted_at IS NULL
  ), stored AS (
    INSERT INTO event (${names}) SELECT ${values} FROM sent
    WHERE EXISTS (SELECT FROM batch) AND hosted_website_id IN (SELECT hosted_website_id FROM website)
  )
  SELECT DISTINCT hosted_website_id AS id FROM sent
  WHERE hosted_website_id NOT IN (SELECT hosted_website_id FROM website)`

/** Stores a batch under its id, idempotently, and returns the outcome of each event. `sql` is a client with `Columns.types`. */
const storeBatch = (
  sql: PgClient,
  events: ReadonlyArray<Event>,
  batchId: string
): Effect.Effect<ReadonlyArray<AnalyticsRepo.Outcome>, SqlError.SqlError | RecordRefused> =>
  Effect.suspend((): Effect.Effect<ReadonlyArray<AnalyticsRepo.Outcome>, SqlError.SqlError | RecordRefused> => {
    const written = Columns.parameters(columns, events)
    if (Result.isFailure(written)) return Effect.fail(new RecordRefused({ cause: written.failure }))
    return sql.unsafe(statement, [PgTypes.uuid(batchId), ...written.success]).pipe(AnalyticsRepo.outcomesOf(events))
  })

export const layer = (options: Options): Layer.Layer<EventRepo, SqlError.SqlError, PgClient> =>
  Layer.effect(
    EventRepo,
    Effect.gen(function* () {
      const sql = yield* Columns.client
      // The one by which batches are stored: a submitter may have another.
      const clock = yield* Clock.Clock
      const health = yield* Batches.WriteHealth
      const { submit } = yield* Batches.make<OpenDays.Queued<Event>, void, RecordRefused>(
        "events",
        {
          flush: (queued, batchId) =>
            Clock.currentTimeMillis.pipe(
              Effect.flatMap((now) => storeBatch(sql, OpenDays.storedRows(queued, now), batchId)),
              Effect.catchTag("SqlError", (error) => Effect.fail(Database.refusedOrUnavailable(error)))
            ),
          timeout: options.timeout,
          maxQueue: options.maxQueue,
          weigh: ({ row }) => weigh(row),
          ...bounds
        },
        { health, traced: options.traced }
      )
      return EventRepo.of({
        append: (row) => Effect.suspend(() => submit({ row, queuedAt: clock.currentTimeMillisUnsafe() }))
      })
    })
  ).pipe(Layer.provide(Batches.layerHealth))
