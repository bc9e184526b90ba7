/**
 * A client of ClickHouse over its HTTP interface. `bounded` maps its errors to `Storage` errors.
 *
 * @module
 */
import { Readable } from "node:stream"
import { text } from "node:stream/consumers"
import type { ClickHouseClient, ClickHouseSettings } from "@clickhouse/client"
import { Cause, Context, Duration, Effect, Layer, Redacted, Schedule } from "effect"
import { StorageUnavailable } from "../Storage.ts"
import type { Address } from "./AnalyticsUrl.ts"
import * as Errors from "./Errors.ts"

/** A text as a literal in a statement. */
export const quoted = (text: string): string => `'${text.replace(/['\\]/g, (character) => `\\${character}`)}'`

/** Settings of one statement, under ClickHouse's names. */
export type Settings = ClickHouseSettings

export interface StatementOptions {
  /** The values of the placeholders `{name:Type}` in the statement. */
  readonly parameters?: Readonly<Record<string, unknown>>
  readonly settings?: Settings
}

/** Rows for one table. */
export interface Batch {
  readonly table: string
  readonly columns: readonly [string, ...Array<string>]
  /** The JSON values of each row, in the order of `columns`. Times are milliseconds since 1970. */
  readonly rows: ReadonlyArray<ReadonlyArray<unknown>>
  /**
   * Identifies the batch. A repeated insert with this token into the same table succeeds without storing anything, unless too
   * many other batches were stored in between (`Tables.deduplicationWindow`).
   */
  readonly token: string
  readonly settings?: Settings
}

export class ClickHouse extends Context.Service<
  ClickHouse,
  {
    /** Runs a statement and returns its rows, undecoded (see `decodeRows`). All rows are held in memory. */
    readonly query: (
      statement: string,
      options?: StatementOptions
    ) => Effect.Effect<ReadonlyArray<unknown>, Errors.ClickHouseError>
    /** Runs a statement that returns no rows. */
    readonly command: (statement: string, options?: StatementOptions) => Effect.Effect<void, Errors.ClickHouseError>
    /** Succeeds after the batch is stored. The rows of each month are stored atomically. */
    readonly insert: (batch: Batch) => Effect.Effect<void, Errors.ClickHouseError>
  }
>()("hydracore/platform/clickhouse/ClickHouse") {}

/**
 * The settings of every statement that returns rows. The server cancels the statement when the client closes the connection.
 * With `wait_end_of_query` the server responds after the last row, so that no error follows the status 200.
 */
const querySettings: Settings = {
  cancel_http_readonly_queries_on_client_close: 1,
  output_format_json_quote_64bit_integers: 0,
  wait_end_of_query: 1
}

/**
 * The settings of every insert, which override those of the server and the user. The server responds after the write (for a
 * `Distributed` table, after the write of the shard), deduplicates batches, and rejects nulls in columns that are not nullable.
 * Whether the write is synced to disk is a setting of the tables.
 */
const insertSettings: Settings = {
  async_insert: 0,
  distributed_foreground_insert: 1,
  insert_deduplicate: 1,
  deduplicate_blocks_in_dependent_materialized_views: 1,
  input_format_null_as_default: 0,
  wait_end_of_query: 1
}

/** Calls the client. Interruption aborts the request. */
const call = <A>(run: (signal: AbortSignal) => Promise<A>): Effect.Effect<A, Errors.ClickHouseError> =>
  Effect.tryPromise({ try: run, catch: Errors.of })

/** @param client a client whose database is set */
export const make = (client: ClickHouseClient): ClickHouse["Service"] => {
  const request = (
    statement: string,
    options: StatementOptions | undefined,
    settings: Settings,
    signal?: AbortSignal
  ) => ({
    query: statement,
    ...(options?.parameters === undefined ? {} : { query_params: { ...options.parameters } }),
    clickhouse_settings: { ...settings, ...options?.settings },
    ...(signal === undefined ? {} : { abort_signal: signal })
  })
  return {
    query: (statement, options) =>
      call(async (signal) => {
        const resultSet = await client.query({
          ...request(statement, options, querySettings, signal),
          format: "JSONEachRow"
        })
        return await resultSet.json<unknown>()
      }),
    command: (statement, options) =>
      call((signal) => client.command(request(statement, options, {}, signal))).pipe(Effect.asVoid),
    insert: ({ columns, rows, settings, table, token }) =>
      call(async (signal) => {
        const { stream } = await client.exec({
          query: `INSERT INTO ${table} (${columns.join(", ")}) FORMAT JSONCompactEachRow`,
          values: Readable.from([rows.map((row) => JSON.stringify(row)).join("\n")]),
          clickhouse_settings: { ...insertSettings, ...settings, insert_deduplication_token: token },
          abort_signal: signal
        })
        // Not the client's `insert`, because it ignores the body, in which ClickHouse can report an error after the status 200.
        const answer = await text(stream)
        if (answer.trim() !== "")
          throw new Error(`ClickHouse reported an error after the status 200${/ \([A-Z_]+\)/.exec(answer)?.[0] ?? ""}`)
      })
  }
}

export interface Options {
  readonly address: Redacted.Redacted<Address>
  /** The maximum number of open connections of this process. */
  readonly connections: number
}

/** Longer than any caller's timeout, because callers abort their requests. */
const requestTimeout = Duration.hours(1)

/** Connects on demand, so that the process can start while the server is down. Connections are closed with the scope. */
export const layer = ({ address, connections }: Options): Layer.Layer<ClickHouse> =>
  Layer.effect(
    ClickHouse,
    Effect.gen(function* () {
      // Loaded here, since most deployments have no ClickHouse. It is CommonJS: in the program of `npm run build` only its
      // default export exists.
      const { ClickHouseLogLevel, createClient } = (yield* Effect.promise(() => import("@clickhouse/client"))).default
      const { database, password, url, user } = Redacted.value(address)
      const client = yield* Effect.acquireRelease(
        Effect.sync(() =>
          createClient({
            url,
            username: user,
            password,
            database,
            application: "hydracore-edge",
            max_open_connections: connections,
            // Sends long parameters in the body: proxies limit the length of a URL.
            use_multipart_params_auto: true,
            request_timeout: Duration.toMillis(requestTimeout),
            // The client would log the parameters of failed statements.
            log: { level: ClickHouseLogLevel.OFF }
          })
        ),
        (client) => Effect.promise(() => client.close())
      )
      return make(client)
    })
  )

const backoff = Schedule.exponential("20 millis").pipe(
  Schedule.modifyDelay(({ duration }) => Effect.succeed(Duration.min(duration, Duration.millis(500))))
)

/**
 * Limits a statement to `timeout`. Retries transient errors until then, so that no caller fails if the server restarts in time.
 * Use it for idempotent statements only: they may run twice.
 */
export const bounded =
  (timeout: Duration.Input) =>
  <A, E, R>(
    statement: Effect.Effect<A, E | Errors.ClickHouseError, R>
  ): Effect.Effect<A, Exclude<E, Errors.ClickHouseError> | StorageUnavailable, R> =>
    Effect.suspend(() => {
      let last: Errors.ClickHouseError | undefined
      return statement.pipe(
        Effect.tapError((error) =>
          Effect.sync(() => {
            if (Errors.is(error)) last = error
          })
        ),
        Effect.retry({ while: (error) => Errors.is(error) && Errors.isTransient(error), schedule: backoff }),
        Effect.timeout(timeout),
        Effect.mapError((error): Exclude<E, Errors.ClickHouseError> | StorageUnavailable => {
          if (Errors.is(error)) return Errors.unavailable(error)
          if (!Cause.isTimeoutError(error)) return error as Exclude<E, Errors.ClickHouseError>
          return last === undefined
            ? new StorageUnavailable({ reason: "timeout", setting: "ANALYTICS_URL" })
            : Errors.unavailable(last)
        })
      )
    })
