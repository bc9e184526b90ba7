/**
 * Closes the answers of processes that died. Readers already see such an answer as `cut`. Closing it joins its stored pieces into
 * the parts of its message, and deletes the pieces.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import * as Locked from "./LockedConversation.ts"

/** How long after the end of its lease an answer is closed. A process that is alive has renewed the lease by then. */
const graceAfterLease = "1 minute"

/** The maximum number of answers that one statement finds. */
const chunk = 100

const LapsedRows = Schema.Array(Schema.Struct({ key: Schema.BigInt, answerId: Schema.String }))

const find = Effect.fnUntraced(function* (clauses: string, parameters: ReadonlyArray<PgTypes.Parameter>) {
  const sql = yield* SqlClient.SqlClient
  return yield* sql
    .unsafe(
      `SELECT conversation_key AS key, running AS "answerId" FROM conversation
      WHERE running IS NOT NULL AND lease_until < clock_timestamp() - interval '${graceAfterLease}' ${clauses}`,
      parameters
    )
    .pipe(decodeRows(LapsedRows))
})

/** Closes the answer of a conversation, unless its lease has been renewed. */
const close = (key: bigint) =>
  SqlClient.SqlClient.use((sql) =>
    find("AND conversation_key = $1 FOR NO KEY UPDATE", [PgTypes.int8(key)]).pipe(
      Effect.flatMap(([lapsed]) =>
        lapsed === undefined ? Effect.void : Effect.asVoid(Locked.settle(sql, lapsed.key, lapsed.answerId, "cut"))
      ),
      sql.withTransaction
    )
  )

/**
 * Closes all answers of processes that died. Also deletes the pieces of answers that have ended: a piece may be stored just as
 * its answer ends.
 */
export const closeAll = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  while (true) {
    const lapsed = yield* find(`LIMIT ${chunk}`, [])
    yield* Effect.forEach(lapsed, ({ key }) => close(key))
    if (lapsed.length < chunk) break
  }
  yield* sql`DELETE FROM answer_piece USING conversation_message
    WHERE message_id = answer_id AND ending IS NOT NULL`
})
