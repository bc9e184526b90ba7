/**
 * Stores page views and events in ClickHouse, and reads them for exports.
 *
 * Rows are stored in few, large batches, because ClickHouse cannot merge many small ones fast enough. Each batch is one insert into
 * one table: counted views, excluded views and events have tables and batches of their own.
 *
 * @module
 */
import { type Duration, Effect, Layer, Result, type Scope } from "effect"
import * as Batches from "../../platform/batch/Batches.ts"
import type { GroupCommit } from "../../platform/batch/GroupCommit.ts"
import { ClickHouse } from "../../platform/clickhouse/ClickHouse.ts"
import * as Errors from "../../platform/clickhouse/Errors.ts"
import { RecordRefused, type StorageUnavailable } from "../../platform/Storage.ts"
import { WritableSites } from "../../sites/SiteDirectory.ts"
import { AnalyticsRepo } from "../AnalyticsRepo.ts"
import type { Event } from "../Event.ts"
import type { PageView } from "../PageView.ts"
import * as StoredView from "../StoredView.ts"
import * as AnalyticsExport from "./AnalyticsExport.ts"
import * as Columns from "./Columns.ts"

export interface Options {
  /** The time within which a record must be stored. */
  readonly timeout: Duration.Input
  /** The maximum number of queued records of a table. */
  readonly maxQueue: number
  /** The minimum time between the starts of two batches of a table, unless a batch is full. Records wait in the meantime. */
  readonly interval: Duration.Input
  /** Whether batches of sampled requests are traced. */
  readonly traced?: boolean
}

/** The table and columns for records of a kind. */
export interface Target<Row> {
  readonly table: string
  readonly columns: readonly [Columns.Column<Row>, ...Array<Columns.Column<Row>>]
  /** An estimate of a record's size in UTF-16 units. */
  readonly weigh: (row: Row) => number
}

/** Maximum number of records in a batch, and maximum size of a batch and of a table's queue in UTF-16 units. */
const bounds = { maxBatch: 20_000, maxBatchWeight: 32 * 2 ** 20, maxQueueWeight: 128 * 2 ** 20 } as const

type Outcome = Result.Result<void, RecordRefused>

const unknownSite: Outcome = Result.fail(new RecordRefused({ reason: "unknown-site" }))
const notStorable: Outcome = Result.fail(new RecordRefused({}))

/** Stores a batch and returns the outcome of each record. A retry with the same `batchId` stores nothing twice. */
export const store = Effect.fnUntraced(function* <Row extends { readonly hostedWebsiteId: string }>(
  { columns, table }: Target<Row>,
  rows: ReadonlyArray<Row>,
  batchId: string
): Effect.fn.Return<ReadonlyArray<Outcome>, StorageUnavailable | RecordRefused, ClickHouse | WritableSites> {
  const { insert } = yield* ClickHouse
  const { during } = yield* WritableSites
  return yield* during(new Set(rows.map(({ hostedWebsiteId }) => hostedWebsiteId)), (writable) => {
    const sent: Array<ReadonlyArray<unknown>> = []
    const outcomes = rows.map((row): Outcome => {
      const values = Columns.valuesOf(columns, row)
      if (values === undefined) return notStorable
      if (!writable.has(row.hostedWebsiteId)) return unknownSite
      sent.push(values)
      return Result.void
    })
    if (sent.length === 0) return Effect.succeed(outcomes)
    const [first, ...others] = columns
    return insert({
      table,
      columns: [first.name, ...others.map(({ name }) => name)],
      rows: sent,
      token: batchId
    }).pipe(Effect.mapError(Errors.refusedOrUnavailable), Effect.as(outcomes))
  })
})

/** A group commit into one table. */
export const makeBatch = Effect.fnUntraced(function* <Row extends { readonly hostedWebsiteId: string }>(
  kind: Batches.Kind,
  target: Target<Row>,
  { interval, maxQueue, timeout, traced }: Options
): Effect.fn.Return<GroupCommit<Row, void, RecordRefused>, never, ClickHouse | WritableSites | Scope.Scope> {
  const context = yield* Effect.context<ClickHouse | WritableSites>()
  return yield* Batches.make<Row, void, RecordRefused>(
    kind,
    {
      flush: (rows, batchId) => Effect.provideContext(store(target, rows, batchId), context),
      timeout,
      interval,
      maxQueue,
      weigh: target.weigh,
      ...bounds
    },
    { system: "clickhouse", traced }
  )
})

const columns: Target<PageView>["columns"] = [
  Columns.uuid("hosted_website_id", (view) => view.hostedWebsiteId),
  Columns.time("received_at", (view) => view.receivedAt),
  ...StoredView.columns.map(Columns.ofStored<PageView>)
]

/** Estimates the size of a view, in UTF-16 units. Only these parts may be long. */
const weigh = ({ path, referrerPath }: PageView): number => 600 + path.length + (referrerPath?.length ?? 0)

export const counted: Target<PageView> = { table: "page_view", columns, weigh }

export const excluded: Target<PageView> = {
  table: "bot_view",
  columns: [...columns, Columns.text("reason", (view) => view.exclusion ?? "bot")],
  weigh
}

/** The properties as JSON, in which lone surrogates are escaped. */
const jsonOf = ({ properties }: Event): string | null => (properties === null ? null : JSON.stringify(properties))

/** The properties as texts, which reports group by. JavaScript formats them, because ClickHouse formats numbers differently. */
const textsOf = ({ properties }: Event): ReadonlyArray<readonly [name: string, text: string]> =>
  Object.entries(properties ?? {}).map(([name, value]) => [name, String(value)])

const weighEvent = ({ path, properties }: Event): number => {
  let size = 600 + path.length
  for (const name in properties) size += 40 + 2 * (name.length + String(properties[name]).length)
  return size
}

export const events: Target<Event> = {
  table: "event",
  weigh: weighEvent,
  columns: [
    Columns.uuid("hosted_website_id", (event) => event.hostedWebsiteId),
    Columns.time("received_at", (event) => event.receivedAt),
    Columns.text("name", (event) => event.name),
    ...StoredView.commonColumns.map(Columns.ofStored<Event>),
    Columns.textOrNull("properties", jsonOf),
    Columns.textMap("property_texts", textsOf),
    Columns.thousandthsOrNull("revenue_amount", (event) => event.revenue?.amount ?? null),
    Columns.textOrNull("revenue_currency", (event) => event.revenue?.currency ?? null),
    Columns.bool("is_interactive", (event) => event.isInteractive)
  ]
}

export const layer = (options: Options): Layer.Layer<AnalyticsRepo, never, ClickHouse | WritableSites> =>
  Layer.effect(
    AnalyticsRepo,
    Effect.gen(function* () {
      const clickHouse = yield* ClickHouse
      const countedViews = yield* makeBatch("page-views", counted, options)
      const excludedViews = yield* makeBatch("bot-views", excluded, options)
      const { submit } = yield* makeBatch("events", events, options)
      return AnalyticsRepo.of({
        append: (view) => (view.exclusion === null ? countedViews : excludedViews).submit(view),
        appendEvent: submit,
        rows: (query) => AnalyticsExport.rowsOf(clickHouse, options.timeout, query)
      })
    })
  )
