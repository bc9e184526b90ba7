/**
 * Counts tokens in PostgreSQL. The row of an instance and a day serializes the reservations of all processes.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { PgClient, PgTypes } from "@effect/sql-pg"
import { Clock, Effect, Layer, Option, Schema } from "effect"
import * as Database from "../../platform/postgres/Database.ts"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import { dateOf } from "../../platform/text/Calendar.ts"
import { TokenBudget } from "../TokenBudget.ts"

const Rows = Schema.Array(Schema.Struct({ tokens: Schema.BigInt }))

export const layer: Layer.Layer<TokenBudget, never, PgClient.PgClient> = Layer.effect(
  TokenBudget,
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    /**
     * Decides under the row's lock. If the connection breaks, the statement may run twice: the second run finds the reservation of
     * the first.
     */
    const reserve: TokenBudget["Service"]["reserve"] = Effect.fnUntraced(function* ({ instanceId, min, limit, max }) {
      const now = yield* Clock.currentTimeMillis
      const reservationId = randomUUID()
      const id = PgTypes.uuid(reservationId)
      const [instance, date] = [PgTypes.uuid(instanceId), PgTypes.date(dateOf(now))]
      const demand = { min: PgTypes.int8(BigInt(min)), max: PgTypes.int8(BigInt(max)) }
      const dayLimit = PgTypes.int8(BigInt(limit))
      const rows = yield* sql`
          WITH reserved AS (
            INSERT INTO token_usage AS usage (instance_id, day, tokens, last_reserved)
            SELECT ${instance}, ${date}, LEAST(${demand.max}, ${dayLimit}), LEAST(${demand.max}, ${dayLimit})
            WHERE ${dayLimit} >= ${demand.min}
              AND NOT EXISTS (SELECT 1 FROM token_reservation WHERE reservation_id = ${id})
            ON CONFLICT (instance_id, day) DO UPDATE SET
              tokens = usage.tokens + LEAST(${demand.max}, ${dayLimit} - usage.tokens),
              last_reserved = LEAST(${demand.max}, ${dayLimit} - usage.tokens)
            WHERE ${dayLimit} - usage.tokens >= ${demand.min}
            RETURNING last_reserved
          ), added AS (
            INSERT INTO token_reservation (reservation_id, instance_id, day, tokens, reserved_at)
            SELECT ${id}, ${instance}, ${date}, last_reserved, ${PgTypes.timestamptz(now)} FROM reserved
            RETURNING tokens
          )
          SELECT tokens FROM added
          UNION ALL SELECT tokens FROM token_reservation WHERE reservation_id = ${id}`.pipe(
        decodeRows(Rows),
        Database.repeatable,
        Database.mapErrors
      )
      return Option.map(Option.fromUndefinedOr(rows[0]), ({ tokens }) => ({
        reservationId,
        tokens: Number(tokens)
      }))
    })

    // If the connection breaks, the statement may run twice: the second run finds no reservation.
    const settle: TokenBudget["Service"]["settle"] = ({ reservationId }, used) =>
      sql`
          WITH settled AS (
            DELETE FROM token_reservation WHERE reservation_id = ${PgTypes.uuid(reservationId)}
            RETURNING instance_id, day, tokens
          )
          UPDATE token_usage AS usage SET tokens = usage.tokens - settled.tokens + ${PgTypes.int8(BigInt(used))}
          FROM settled WHERE usage.instance_id = settled.instance_id AND usage.day = settled.day`.pipe(
        Database.repeatable,
        Database.mapErrors,
        Effect.asVoid
      )

    return TokenBudget.of({ reserve, settle })
  })
)
