/**
 * The salts of dates, shared by all processes through the database. `Maintenance` deletes old salts.
 *
 * @module
 */
import { randomBytes } from "node:crypto"
import { PgTypes } from "@effect/sql-pg"
import { Cache, Clock, Duration, Effect, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql"
import * as Database from "../../platform/postgres/Database.ts"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import { dateOf, dayMillis } from "../../platform/text/Calendar.ts"
import { lastEnded, VisitorSalts } from "../VisitorSalts.ts"

const Row = Schema.Tuple([Schema.Struct({ salt: Schema.Uint8Array })])

/** Caches the salts, so that requests do not need the database for them. */
export const layer: Layer.Layer<VisitorSalts, never, SqlClient.SqlClient> = Layer.effect(
  VisitorSalts,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const cached = new Map<number, Effect.Effect<Uint8Array>>()

    // If another process was faster, returns its row, locked so that it cannot be deleted meanwhile.
    const fetch = Effect.fnUntraced(function* (day: number) {
      const [{ salt }] = yield* sql`
          INSERT INTO visitor_salt AS known (day, salt) VALUES (${PgTypes.date(dateOf(day * dayMillis))}, ${PgTypes.bytea(randomBytes(32))})
          ON CONFLICT (day) DO UPDATE SET salt = known.salt RETURNING salt`.pipe(decodeRows(Row))
      const copy = Uint8Array.from(salt)
      cached.set(day, Effect.succeed(copy))
      return copy
    })

    /** The fetches that are running, each shared by all requests of its date. */
    const fetched = yield* Cache.make({
      lookup: (day: number) => fetch(day).pipe(Database.repeatable, Database.mapErrors),
      capacity: 10,
      timeToLive: Duration.zero
    })

    // A process must not keep a salt that the database has deleted.
    yield* Effect.sleep("1 hour").pipe(
      Effect.andThen(Clock.currentTimeMillis),
      Effect.tap((now) =>
        Effect.sync(() => {
          for (const day of cached.keys()) if (day <= lastEnded(now)) cached.delete(day)
        })
      ),
      Effect.forever,
      Effect.forkScoped
    )

    return {
      of: (day) => cached.get(day) ?? Cache.get(fetched, day)
    }
  })
)
