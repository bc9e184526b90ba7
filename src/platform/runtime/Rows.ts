/**
 * Decodes the rows of a query.
 *
 * @module
 */
import { Effect, Schema, SchemaTransformation } from "effect"
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
