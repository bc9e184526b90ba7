/**
 * A kind of data in which a person is found, and the statements that all kinds share.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { Effect, Schema, Stream } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { deliveryStatuses } from "../../delivery/Delivery.ts"
import * as Database from "../../platform/postgres/Database.ts"
import * as Times from "../../platform/postgres/Times.ts"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import type { StorageUnavailable } from "../../platform/Storage.ts"
import * as Person from "../Person.ts"

/** A record that a search found, and the subject of its deliveries. */
export interface FoundRecord {
  readonly record: Person.PersonRecord
  readonly subject: string
}

export interface Store {
  /** Reads the rows in statements of bounded size, and returns what each statement finds. */
  readonly search: (query: Person.Query) => Stream.Stream<ReadonlyArray<FoundRecord>, StorageUnavailable>
  /** Deletes the records that a statement of `search` found, with their data in deliveries. Returns the number of records. */
  readonly erase: (found: ReadonlyArray<FoundRecord>) => Effect.Effect<number, StorageUnavailable>
}

/**
 * An SQL condition: whether a column may contain an address. `parameter` is a parameter of the statement, such as `$1`; its
 * value is `needle(query)`. Under this collation, `lower` changes only ASCII letters, as `Person.needleOf` does.
 */
export const mayContain = (column: string, parameter: string): string =>
  `strpos(lower(${column} COLLATE "C"), ${parameter}) > 0`

/** Like `mayContain`, also for texts that may contain the address encoded; see `Person.isMentioned`. */
export const mayContainEncoded = (column: string, parameter: string): string =>
  `(${mayContain(column, parameter)} OR strpos(${column}, '%') > 0 OR strpos(${column}, '&#') > 0)`

export const needle = ({ address }: Person.Query): PgTypes.Parameter => PgTypes.text(Person.needleOf(address))

const Deliveries = Schema.Array(
  Schema.Struct({
    subject: Schema.String,
    eventId: Schema.String,
    subscriberId: Schema.String,
    type: Schema.String,
    createdAt: Schema.Finite,
    status: Schema.Literals(deliveryStatuses),
    payload: Schema.String
  })
)

const deliveriesStatement = `SELECT subject, event_id AS "eventId", subscriber_id AS "subscriberId", type,
    ${Times.millisAs("created_at", "createdAt")}, status, payload::text AS payload
  FROM delivery WHERE subject = ANY ($1) AND payload IS NOT NULL AND type <> 'submission.deleted'
  ORDER BY created_at, event_id, subscriber_id`

/** The deliveries that have data of these subjects, by subject. */
export const deliveriesOf = (sql: SqlClient.SqlClient, found: ReadonlyArray<FoundRecord>) =>
  sql.unsafe(deliveriesStatement, [Database.texts(found.map(({ subject }) => subject))]).pipe(
    decodeRows(Deliveries),
    Effect.map((rows) => Map.groupBy(rows, ({ subject }) => subject))
  )

/** A search by one statement, for kinds with few rows. `recordOf` returns null for a row that is not the person's. */
export const searchAtOnce = <Row>(
  statement: Effect.Effect<unknown, SqlError.SqlError>,
  rows: Schema.ConstraintDecoder<ReadonlyArray<Row>>,
  recordOf: (row: Row) => FoundRecord | null
): Stream.Stream<ReadonlyArray<FoundRecord>, StorageUnavailable> =>
  Stream.fromEffect(
    statement.pipe(
      Database.read(rows),
      Effect.map((found) => found.flatMap((row) => recordOf(row) ?? []))
    )
  )
