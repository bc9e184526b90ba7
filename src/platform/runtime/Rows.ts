/**
 * Decodes the rows of queries.
 *
 * @module
 */
import { Clock, Effect, Schema, SchemaTransformation } from "effect"
import * as Calendar from "../text/Calendar.ts"

/**
 * Decodes what a query returns. The service's own queries name their columns, so rows that do not match the schema are a
 * defect in the program, not an error that a caller could handle.
 */
export const decodeRows = <A, RD>(schema: Schema.ConstraintDecoder<A, RD>) => {
  const decode = Schema.decodeUnknownEffect(schema)
  return <E, R>(query: Effect.Effect<unknown, E, R>): Effect.Effect<A, E, R | RD> =>
    Effect.flatMap(query, (rows) => Effect.orDie(decode(rows)))
}

/** The same for a query with one column: the values, whatever the column's name. */
export const decodeColumn = <A, RD>(schema: Schema.ConstraintDecoder<A, RD>) => {
  const decode = decodeRows(Schema.Array(schema))
  return <E, R>(query: Effect.Effect<ReadonlyArray<object>, E, R>): Effect.Effect<ReadonlyArray<A>, E, R | RD> =>
    decode(Effect.map(query, (rows) => rows.flatMap((row) => Object.values(row))))
}

/** A column with a time, decoded to the ISO 8601 text that the owner API shows. */
export const Time = Schema.Date.pipe(
  Schema.decodeTo(
    Schema.String,
    SchemaTransformation.transform({
      decode: (time: Date) => Calendar.iso(time.getTime()),
      encode: (text) => new Date(text)
    })
  )
)

/** The same, of a column with milliseconds since 1970. */
export const Millis = Schema.Finite.pipe(
  Schema.decodeTo(
    Schema.String,
    SchemaTransformation.transform({ decode: Calendar.iso, encode: (text) => Date.parse(text) })
  )
)

const Now = Schema.Tuple([Schema.Struct({ now: Schema.Finite })])

/**
 * The time by which stored data expires, in milliseconds since 1970: the earlier of this process's and the database's, so that a
 * clock that is ahead deletes nothing too early.
 *
 * @param query returns one row, in which `now` is the database's time in milliseconds since 1970
 */
export const earlierTime = <E, R>(query: Effect.Effect<unknown, E, R>) =>
  Effect.flatMap(decodeRows(Now)(query), ([{ now }]) =>
    Effect.map(Clock.currentTimeMillis, (own) => Math.min(own, now))
  )
