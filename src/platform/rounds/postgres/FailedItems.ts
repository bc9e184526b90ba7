/**
 * The items of background work that failed. One rule for all of it: an item that fails is logged and stored with its reason,
 * left out by all processes until its next try, and the others go on. If the database itself is the reason, no item has failed: the
 * whole round fails.
 *
 * The delays are those of deliveries. An item that has failed ten times is set apart: it is not tried again until a process
 * starts, which may have a newer version or other settings.
 *
 * @module
 */

import { PgTypes } from "@effect/sql-pg"
import { Cause, Clock, Effect, Predicate, Random, Schema } from "effect"
import { SqlClient, SqlError } from "effect/sql"
import * as ClickHouseErrors from "../../clickhouse/Errors.ts"
import { delays, jitter } from "../../outward/Schedule.ts"
import * as Database from "../../postgres/Database.ts"
import * as Times from "../../postgres/Times.ts"
import { decodeRows } from "../../runtime/Rows.ts"
import { StorageUnavailable } from "../../Storage.ts"

/** What an item is: the rollup or the leads of a website, an event, a notification, a mail, or the replay of a webhook. */
export type Kind = "rollup" | "leads" | "event" | "notification" | "mail" | "replay"

/** What happens to an item after it failed. Times are milliseconds since 1970. */
export interface Failure {
  /** How often the item has failed since it last succeeded. */
  readonly failures: number
  /** When the item is tried again; null if it is set apart. */
  readonly retryAt: number | null
}

/** The wait is at least this many times as long as the attempt that failed, so that one item does not take the time of others. */
const restFactor = 12

/**
 * The state of an item after it failed once more.
 *
 * @param failures how often it had failed before
 * @param tookMillis how long the attempt took
 * @param random from 0 to 1
 */
export const nextFailure = (failures: number, now: number, tookMillis: number, random: number): Failure => {
  const delay = delays[failures]
  if (delay === undefined) return { failures: failures + 1, retryAt: null }
  const wait = Math.max(delay, restFactor * tookMillis) * (1 + jitter * random)
  return { failures: failures + 1, retryAt: now + Math.round(wait) }
}

/** Whether an item that failed may be tried now. */
export const isDue = ({ retryAt }: Failure, now: number): boolean => retryAt !== null && retryAt <= now

export interface FailedItem extends Failure {
  readonly kind: string
  /** The id of the website, event and so on. */
  readonly item: string
  readonly reason: string
}

/** An SQL condition: whether an item has not failed, or may be tried again. `id` is an expression of its id. */
export const mayTry = (kind: Kind, id: string): string => `NOT EXISTS (SELECT FROM failed_item
  WHERE kind = '${kind}' AND item = ${id}::text AND (retry_at IS NULL OR retry_at > now()))`

/** A statement that deletes the failures of the items in a relation, because they succeeded. */
export const recovered = (
  kind: Kind,
  relation: string,
  id: string
): string => `DELETE FROM failed_item USING ${relation}
  WHERE failed_item.kind = '${kind}' AND item = ${relation}.${id}::text`

const Rows = Schema.Array(
  Schema.Struct({
    kind: Schema.String,
    item: Schema.String,
    failures: Schema.Int,
    reason: Schema.String,
    retryAt: Schema.NullOr(Schema.Finite)
  })
)

const columns = `kind, item, failures, reason, ${Times.millisAs("retry_at", "retryAt")}`

/** At most this many items are listed. */
export const maxListed = 1_000

/** The items that have failed, those that are set apart first. */
export const list: Effect.Effect<
  ReadonlyArray<FailedItem>,
  SqlError.SqlError,
  SqlClient.SqlClient
> = SqlClient.SqlClient.use((sql) =>
  sql
    .unsafe(`SELECT ${columns} FROM failed_item ORDER BY retry_at DESC NULLS FIRST, kind, item LIMIT ${maxListed}`)
    .pipe(decodeRows(Rows))
)

/** Makes the items that are set apart due. Not as of now: the clock of the process may be behind that of the database. */
export const retryAll: Effect.Effect<void, SqlError.SqlError, SqlClient.SqlClient> = SqlClient.SqlClient.use((sql) =>
  Effect.asVoid(sql`UPDATE failed_item SET retry_at = failed_at WHERE retry_at IS NULL`)
)

/** Deletes the failures of items that succeeded. */
export const clear = (kind: Kind, items: ReadonlyArray<string>) =>
  SqlClient.SqlClient.use((sql) =>
    Effect.asVoid(sql`DELETE FROM failed_item WHERE kind = ${kind} AND item = ANY (${Database.texts(items)})`)
  )

/** Where stored data does not have the expected form, without the data itself. */
const places = ({ message }: Schema.SchemaError): string =>
  message
    .match(/^\s*at .*$/gm)
    ?.join("")
    .trim() ?? ""

/** Why an item failed, without what visitors sent: errors of JSON and of schemas quote it. */
const reasonOf = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  if (SqlError.isSqlError(error)) return Database.describe(error).message
  if (error instanceof StorageUnavailable) {
    return Predicate.isError(error.cause) ? error.cause.message : `The database answered too late (${error.reason})`
  }
  if (ClickHouseErrors.is(error)) return ClickHouseErrors.describe(error)
  if (Schema.isSchemaError(error)) return `The stored data does not have the expected form ${places(error)}`.trimEnd()
  if (!Predicate.isError(error) || error instanceof SyntaxError)
    return "The stored data does not have the expected form"
  return `${error.name}: ${error.message}`.slice(0, 300)
}

/** Whether an item is at fault, and not the database or the end of the process. */
export const isAtFault = (cause: Cause.Cause<unknown>): boolean => {
  const error = Cause.squash(cause)
  const isOutage = ClickHouseErrors.is(error) ? ClickHouseErrors.isOutage(error) : Database.isOutage(error)
  return !Cause.hasInterrupts(cause) && !isOutage
}

/** Stores that an item failed once more. If another process did the same, it counts once. */
const record = Effect.fnUntraced(function* (
  kind: Kind,
  item: string,
  failuresBefore: number,
  startedAt: number,
  cause: Cause.Cause<unknown>
) {
  const sql = yield* SqlClient.SqlClient
  const now = yield* Clock.currentTimeMillis
  const { failures, retryAt } = nextFailure(failuresBefore, now, now - startedAt, yield* Random.next)
  const reason = reasonOf(cause)
  yield* sql`INSERT INTO failed_item (kind, item, failures, reason, failed_at, retry_at)
    VALUES (${kind}, ${item}, ${PgTypes.int4(failures)}, ${reason}, ${PgTypes.timestamptz(now)},
      ${PgTypes.timestamptz(retryAt)})
    ON CONFLICT (kind, item) DO UPDATE SET failures = excluded.failures, reason = excluded.reason,
      failed_at = excluded.failed_at, retry_at = excluded.retry_at
    WHERE failed_item.failures < excluded.failures OR failed_item.retry_at <= excluded.failed_at`
  if (failures > 1 && retryAt !== null) return
  yield* Effect.logWarning(
    retryAt === null
      ? "An item of background work has failed ten times and is set apart until a process starts; the others go on. See hydracore doctor."
      : "An item of background work failed and is tried again later; the others go on. See hydracore doctor."
  ).pipe(Effect.annotateLogs({ kind, item, reason }))
})

const Ids = Schema.Array(Schema.Struct({ item: Schema.String }))

/** The ids of the items that have failed and are to be tried again now. They may not exist any more. */
export const due = Effect.fnUntraced(function* (kind: Kind) {
  const sql = yield* SqlClient.SqlClient
  const now = PgTypes.timestamptz(yield* Clock.currentTimeMillis)
  const rows = yield* sql`SELECT item FROM failed_item WHERE kind = ${kind} AND retry_at <= ${now}`.pipe(
    decodeRows(Ids)
  )
  return new Set(rows.map(({ item }) => item))
})

/** The failures of items, by id. */
const failuresOf = Effect.fnUntraced(function* (kind: Kind) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql
    .unsafe(`SELECT ${columns} FROM failed_item WHERE kind = $1`, [PgTypes.text(kind)])
    .pipe(decodeRows(Rows))
  return new Map(rows.map((row) => [row.item, row]))
})

/** An item that may be tried now. */
export interface Ready<A> {
  readonly item: A
  readonly id: string
  /** How often it has failed. */
  readonly failures: number
}

/** Of some items, those that have not failed, or are to be tried again now. */
export const ready = Effect.fnUntraced(function* <A>(kind: Kind, items: ReadonlyArray<A>, idOf: (item: A) => string) {
  if (items.length === 0) return []
  const known = yield* failuresOf(kind)
  const now = yield* Clock.currentTimeMillis
  return items.flatMap((item): ReadonlyArray<Ready<A>> => {
    const id = idOf(item)
    const failure = known.get(id)
    if (failure === undefined) return [{ item, id, failures: 0 }]
    return isDue(failure, now) ? [{ item, id, failures: failure.failures }] : []
  })
})

/**
 * Does the work of batches of items, one after another or `concurrency` at a time, and returns the results of those that succeeded.
 * If an item of a batch is at fault, does the work of each half of the batch, until that item is alone. Fails if the database is the
 * reason; the batches behind are then not tried. Needs no transaction: after an error, it could store nothing.
 */
export const batches = <A, B, E, R>(
  kind: Kind,
  all: ReadonlyArray<ReadonlyArray<Ready<A>>>,
  work: (items: ReadonlyArray<A>) => Effect.Effect<B, E, R>,
  concurrency = 1
): Effect.Effect<ReadonlyArray<B>, E | SqlError.SqlError, R | SqlClient.SqlClient> =>
  Effect.forEach(
    all,
    Effect.fnUntraced(function* (
      batch: ReadonlyArray<Ready<A>>
    ): Effect.fn.Return<ReadonlyArray<B>, E | SqlError.SqlError, R | SqlClient.SqlClient> {
      const startedAt = yield* Clock.currentTimeMillis
      const exit = yield* Effect.exit(Effect.suspend(() => work(batch.map(({ item }) => item))))
      if (exit._tag === "Success") {
        for (const { failures, id } of batch) if (failures > 0) yield* clear(kind, [id])
        return [exit.value]
      }
      if (!isAtFault(exit.cause)) return yield* Effect.failCause(exit.cause)
      if (batch.length > 1) {
        const middle = Math.ceil(batch.length / 2)
        return yield* batches(kind, [batch.slice(0, middle), batch.slice(middle)], work)
      }
      for (const { failures, id } of batch) yield* record(kind, id, failures, startedAt, exit.cause)
      return []
    }),
    { concurrency }
  ).pipe(Effect.map((results) => results.flat()))

/** Does the work of each item, like `batches` of one item. */
export const each = <A, B, E, R>(
  kind: Kind,
  items: ReadonlyArray<Ready<A>>,
  work: (item: A) => Effect.Effect<B, E, R>,
  concurrency = 1
): Effect.Effect<ReadonlyArray<B>, E | SqlError.SqlError, R | SqlClient.SqlClient> =>
  Effect.map(
    batches(
      kind,
      items.map((item) => [item]),
      (alone) => Effect.forEach(alone, work),
      concurrency
    ),
    (results) => results.flat()
  )

/**
 * Does the work of many items at once. If an item is at fault, does the work of each of the items `ids` alone, and returns the
 * results of those that succeeded. Both must be transactions of their own.
 */
export const isolating = <A, E, R, E2, R2, R3>(options: {
  readonly kind: Kind
  readonly all: Effect.Effect<A, E, R>
  readonly ids: Effect.Effect<ReadonlyArray<string>, E2, R2>
  readonly one: (id: string) => Effect.Effect<A, E, R3>
}): Effect.Effect<ReadonlyArray<A>, E | E2 | SqlError.SqlError, R | R2 | R3 | SqlClient.SqlClient> =>
  options.all.pipe(
    Effect.map((result): ReadonlyArray<A> => [result]),
    Effect.catchCause(
      (cause): Effect.Effect<ReadonlyArray<A>, E | E2 | SqlError.SqlError, R2 | R3 | SqlClient.SqlClient> =>
        isAtFault(cause)
          ? options.ids.pipe(
              Effect.flatMap((ids) => ready(options.kind, ids, (id) => id)),
              Effect.flatMap((items) => each(options.kind, items, options.one))
            )
          : Effect.failCause(cause)
    )
  )
