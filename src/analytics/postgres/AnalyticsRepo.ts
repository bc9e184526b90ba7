/**
 * Stores page views and events in batches, each on a dedicated connection.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { PgClient } from "@effect/sql-pg/PgClient"
import { Clock, type Duration, Effect, Layer, Result, Schema } from "effect"
import type { SqlError } from "effect/sql"
import * as Batches from "../../platform/batch/Batches.ts"
import * as Columns from "../../platform/postgres/Columns.ts"
import * as Database from "../../platform/postgres/Database.ts"
import * as Rounds from "../../platform/rounds/Rounds.ts"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import { RecordRefused } from "../../platform/Storage.ts"
import { AnalyticsRepo } from "../AnalyticsRepo.ts"
import type { Event } from "../Event.ts"
import type { PageView } from "../PageView.ts"
import * as OpenDays from "../reports/postgres/OpenDays.ts"
import * as StoredView from "../StoredView.ts"
import * as AnalyticsExport from "./AnalyticsExport.ts"

const Unknown = Schema.Array(Schema.Struct({ id: Schema.String }))

export type Outcome = Result.Result<void, RecordRefused>

/** Runs a statement that returns the ids of unknown websites, and gives each record its outcome. */
export const outcomesOf =
  <Row extends { readonly hostedWebsiteId: string }>(rows: ReadonlyArray<Row>) =>
  <E, R>(statement: Effect.Effect<unknown, E, R>): Effect.Effect<ReadonlyArray<Outcome>, E, R> =>
    statement.pipe(
      decodeRows(Unknown),
      Effect.map((unknown) => {
        const gone = new Set(unknown.map(({ id }) => id))
        return rows.map(
          ({ hostedWebsiteId }): Outcome =>
            gone.has(hostedWebsiteId) ? Result.fail(new RecordRefused({ reason: "unknown-site" })) : Result.void
        )
      })
    )

export interface Options {
  /** How long a page view or an event may take to be stored. */
  readonly timeout: Duration.Input
  /** Maximum number of queued page views, and of queued events. */
  readonly maxQueue: number
  /** Whether batches of sampled requests are traced. */
  readonly traced?: boolean
}

/** Maximum size of a batch. In larger batches the commit no longer dominates the cost, so they would only add latency. */
const maxBatch = 1_000

/** How a column is written. */
export const columnOf = <Row>(column: StoredView.Column<Row>): Columns.Column<Row> => {
  if (column.type === "optional-integer") return Columns.int2(column.name, column.of)
  return column.type === "hash" ? Columns.bytea(column.name, column.of) : Columns.text(column.name, column.of)
}

/** The columns that `page_view` and `bot_view` share. */
const columns: ReadonlyArray<Columns.Column<PageView>> = [
  Columns.uuid("hosted_website_id", (view) => view.hostedWebsiteId),
  Columns.timestamptz("received_at", (view) => view.receivedAt),
  ...StoredView.columns.map(columnOf<PageView>)
]

/** The columns of a batch. */
const batchColumns = [Columns.text<PageView>("exclusion", (view) => view.exclusion), ...columns]

/** The distinct websites of a batch, so that each is looked up once and not per view. */
const websiteColumn = [Columns.uuid<string>("hosted_website_id", (id) => id)]

const websitesParameter = `$${batchColumns.length + 2}`

const names = columns.map(({ name }) => name).join(", ")

/**
 * One statement, and so one transaction, per batch. If the batch id exists (the commit succeeded and its response was lost), the
 * statement stores nothing and succeeds. It waits for a concurrent commit of the same batch.
 *
 * Views of an unknown website, or of one whose deletion has begun, are skipped, and the ids of these websites are returned.
 * Websites are not locked: a row lock shared by several batches is written to disk as a multixact, and multixacts eventually
 * force a vacuum of all tables. `SiteErasure` waits for running batches instead.
 */
const statement = `
  WITH batch AS (
    INSERT INTO page_view_batch (batch_id) VALUES ($1) ON CONFLICT DO NOTHING RETURNING 1
  ), website AS MATERIALIZED (
    SELECT hosted_website_id FROM site WHERE hosted_website_id = ANY(${websitesParameter}) AND deleted_at IS NULL
  ), gone AS MATERIALIZED (
    SELECT id FROM unnest(${websitesParameter}) AS named (id)
    WHERE NOT EXISTS (SELECT FROM website WHERE hosted_website_id = id)
  ), view AS MATERIALIZED (
    SELECT * FROM unnest(${batchColumns.map((_, index) => `$${index + 2}`).join(", ")}) AS view (exclusion, ${names})
    WHERE EXISTS (SELECT FROM batch) AND hosted_website_id NOT IN (SELECT id FROM gone)
  ), excluded AS (
    INSERT INTO bot_view (${names}, reason) SELECT ${names}, exclusion FROM view WHERE exclusion IS NOT NULL
  ), counted AS (
    INSERT INTO page_view (${names}) SELECT ${names} FROM view WHERE exclusion IS NULL
  )
  SELECT id FROM gone`

/**
 * Stores a batch under its id, idempotently, and returns the outcome of each view: views of an unknown website are refused.
 * `sql` must be a client with `Columns.types`. Exported for tests.
 */
export const storeBatch = (
  sql: PgClient,
  views: ReadonlyArray<PageView>,
  batchId: string
): Effect.Effect<ReadonlyArray<Outcome>, SqlError.SqlError | RecordRefused> =>
  Effect.suspend((): Effect.Effect<ReadonlyArray<Outcome>, SqlError.SqlError | RecordRefused> => {
    const parameters = Result.all([
      Columns.parameters(batchColumns, views),
      Columns.parameters(websiteColumn, [...new Set(views.map((view) => view.hostedWebsiteId))])
    ])
    if (Result.isFailure(parameters)) return Effect.fail(new RecordRefused({ cause: parameters.failure }))
    return sql.unsafe(statement, [PgTypes.uuid(batchId), ...parameters.success.flat()]).pipe(outcomesOf(views))
  })

/** Batches and the queue are also bounded by size: the properties of an event may have 69,000 characters. */
const eventBounds = { maxBatch: 1_000, maxBatchWeight: 4 * 2 ** 20, maxQueueWeight: 64 * 2 ** 20 } as const

/** The properties as JSON. PostgreSQL can read every value as text, because none has a NUL or a lone surrogate. */
const jsonOf = ({ properties }: Event): string | null => (properties === null ? null : JSON.stringify(properties))

/** An estimate of an event's size in UTF-16 units. */
const weighEvent = ({ path, properties }: Event): number => {
  let size = 300 + path.length
  for (const name in properties) size += 20 + name.length + String(properties[name]).length
  return size
}

const eventColumns: ReadonlyArray<Columns.Column<Event>> = [
  Columns.uuid("hosted_website_id", (event) => event.hostedWebsiteId),
  Columns.timestamptz("received_at", (event) => event.receivedAt),
  Columns.text("name", (event) => event.name),
  ...StoredView.commonColumns.map(columnOf<Event>),
  // The properties and the amount are sent as text; the statement casts them to json and numeric.
  Columns.text("properties", jsonOf),
  Columns.text("revenue_amount", (event) => event.revenue?.amount.toFixed(3) ?? null),
  Columns.text("revenue_currency", (event) => event.revenue?.currency ?? null),
  Columns.bool("is_interactive", (event) => event.isInteractive)
]

const eventNames = eventColumns.map(({ name }) => name).join(", ")

const eventValues = eventColumns
  .map(({ name }) =>
    name === "properties" ? "properties::json" : name === "revenue_amount" ? "revenue_amount::numeric" : name
  )
  .join(", ")

/**
 * One statement, and so one transaction, per batch, made idempotent by the batch id as for page views. Events of an unknown
 * website, or of one whose deletion has begun, are skipped, and the ids of these websites are returned.
 */
const eventStatement = `
  WITH batch AS (
    INSERT INTO page_view_batch (batch_id) VALUES ($1) ON CONFLICT DO NOTHING RETURNING 1
  ), sent AS MATERIALIZED (
    SELECT * FROM unnest(${eventColumns.map((_, index) => `$${index + 2}`).join(", ")}) AS sent (${eventNames})
  ), website AS MATERIALIZED (
    SELECT hosted_website_id FROM site
    WHERE hosted_website_id IN (SELECT hosted_website_id FROM sent) AND deleted_at IS NULL
  ), stored AS (
    INSERT INTO event (${eventNames}) SELECT ${eventValues} FROM sent
    WHERE EXISTS (SELECT FROM batch) AND hosted_website_id IN (SELECT hosted_website_id FROM website)
  )
  SELECT DISTINCT hosted_website_id AS id FROM sent
  WHERE hosted_website_id NOT IN (SELECT hosted_website_id FROM website)`

/** Stores a batch under its id, idempotently, and returns the outcome of each event. `sql` is a client with `Columns.types`. */
const storeEvents = (
  sql: PgClient,
  events: ReadonlyArray<Event>,
  batchId: string
): Effect.Effect<ReadonlyArray<Outcome>, SqlError.SqlError | RecordRefused> =>
  Effect.suspend((): Effect.Effect<ReadonlyArray<Outcome>, SqlError.SqlError | RecordRefused> => {
    const written = Columns.parameters(eventColumns, events)
    if (Result.isFailure(written)) return Effect.fail(new RecordRefused({ cause: written.failure }))
    return sql.unsafe(eventStatement, [PgTypes.uuid(batchId), ...written.success]).pipe(outcomesOf(events))
  })

export const layer = (options: Options): Layer.Layer<AnalyticsRepo, SqlError.SqlError, PgClient> =>
  Layer.effect(
    AnalyticsRepo,
    Effect.gen(function* () {
      const reader = yield* PgClient
      const sql = yield* Columns.client
      // The one by which batches are stored: a submitter may have another.
      const clock = yield* Clock.Clock
      const { count } = yield* OpenDays.BusySites
      const { wakeAt } = yield* Rounds.Wakeups
      const noteBusy = (views: ReadonlyArray<PageView>) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          const ids = views.flatMap(({ exclusion, hostedWebsiteId }) => (exclusion === null ? [hostedWebsiteId] : []))
          const dueAt = count(ids, now)
          if (dueAt !== null) wakeAt("open-days", dueAt)
        })
      const health = yield* Batches.WriteHealth
      const { submit } = yield* Batches.make<OpenDays.Queued<PageView>, void, RecordRefused>(
        "page-views",
        {
          flush: (queued, batchId) =>
            Clock.currentTimeMillis.pipe(
              Effect.map((now) => OpenDays.storedRows(queued, now)),
              Effect.flatMap((views) => Effect.tap(storeBatch(sql, views, batchId), () => noteBusy(views))),
              Effect.catchTag("SqlError", (error) => Effect.fail(Database.refusedOrUnavailable(error)))
            ),
          timeout: options.timeout,
          maxQueue: options.maxQueue,
          maxBatch
        },
        { health, traced: options.traced }
      )
      const eventSql = yield* Columns.client
      const { submit: submitEvent } = yield* Batches.make<OpenDays.Queued<Event>, void, RecordRefused>(
        "events",
        {
          flush: (queued, batchId) =>
            Clock.currentTimeMillis.pipe(
              Effect.flatMap((now) => storeEvents(eventSql, OpenDays.storedRows(queued, now), batchId)),
              Effect.catchTag("SqlError", (error) => Effect.fail(Database.refusedOrUnavailable(error)))
            ),
          timeout: options.timeout,
          maxQueue: options.maxQueue,
          weigh: ({ row }) => weighEvent(row),
          ...eventBounds
        },
        { health, traced: options.traced }
      )
      return AnalyticsRepo.of({
        append: (row) => Effect.suspend(() => submit({ row, queuedAt: clock.currentTimeMillisUnsafe() })),
        appendEvent: (row) => Effect.suspend(() => submitEvent({ row, queuedAt: clock.currentTimeMillisUnsafe() })),
        rows: (query) => AnalyticsExport.rowsOf(reader, query)
      })
    })
  ).pipe(Layer.provide(Batches.layerHealth))
