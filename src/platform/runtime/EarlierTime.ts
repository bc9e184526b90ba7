/**
 * The time by which stored data expires: the earlier of this process's and the database's, so that a clock that is ahead deletes
 * nothing too early.
 *
 * @module
 */
import { Clock, Effect, Schema } from "effect"
import { decodeRows } from "./Rows.ts"

const Now = Schema.Tuple([Schema.Struct({ now: Schema.Finite })])

/**
 * In milliseconds since 1970.
 *
 * @param query returns one row, in which `now` is the database's time in milliseconds since 1970
 */
export const of = <E, R>(query: Effect.Effect<unknown, E, R>) =>
  Effect.flatMap(decodeRows(Now)(query), ([{ now }]) =>
    Effect.map(Clock.currentTimeMillis, (own) => Math.min(own, now))
  )
