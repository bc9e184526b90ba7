/**
 * The day's salt, shared by all processes through the database. `Maintenance` deletes old salts.
 *
 * @module
 */
import { randomBytes } from "node:crypto"
import { PgTypes } from "@effect/sql-pg"
import { Clock, type Duration, Effect, Layer, Schema, Semaphore } from "effect"
import { SqlClient } from "effect/sql"
import { dateOf, dayMillis, dayOf } from "../../core/text/Calendar.ts"
import { decodeRows } from "../../runtime/Rows.ts"
import { VisitorSalts } from "../../services/analytics/VisitorSalts.ts"
import * as Database from "../Database.ts"

export interface Options {
  /** How long a request waits for the first fetch of a day's salt, which is cached afterwards. */
  readonly timeout: Duration.Input
}

const Row = Schema.Tuple([Schema.Struct({ salt: Schema.Uint8Array })])

/** Caches the day's salt, so that requests do not need the database for it. */
export const layer = (options: Options): Layer.Layer<VisitorSalts, never, SqlClient.SqlClient> =>
  Layer.effect(
    VisitorSalts,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const fetchLock = yield* Semaphore.make(1)
      let cached:
        | { readonly day: number; readonly salt: Uint8Array; readonly result: Effect.Effect<Uint8Array> }
        | undefined

      // If another process was faster, returns its row, locked so that it cannot be deleted meanwhile.
      const fetch = Effect.fnUntraced(function* (day: number) {
        if (cached?.day === day) return cached.salt
        const [{ salt }] = yield* sql`
          INSERT INTO visitor_salt AS known (day, salt) VALUES (${PgTypes.date(dateOf(day * dayMillis))}, ${PgTypes.bytea(randomBytes(32))})
          ON CONFLICT (day) DO UPDATE SET salt = known.salt RETURNING salt`.pipe(decodeRows(Row))
        const copy = Uint8Array.from(salt)
        cached = { day, salt: copy, result: Effect.succeed(copy) }
        return copy
      })

      // An idle process must not keep a salt that the database has deleted.
      yield* Effect.sleep("1 hour").pipe(
        Effect.andThen(Clock.currentTimeMillis),
        Effect.flatMap((now) =>
          Effect.sync(() => {
            if (cached?.day !== dayOf(now)) cached = undefined
          })
        ),
        Effect.forever,
        Effect.forkScoped
      )

      return {
        current: Clock.clockWith((clock) => {
          const day = dayOf(clock.currentTimeMillisUnsafe())
          return cached?.day === day
            ? cached.result
            : Database.bounded(options.timeout)(fetchLock.withPermit(fetch(day)))
        })
      }
    })
  )
