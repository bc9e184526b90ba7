/**
 * Closes the answers of processes that died. Readers see such an answer as `cut` already; its pieces are replaced by the parts
 * of its message.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { decodeRows } from "../../runtime/Rows.ts"
import * as Database from "../Database.ts"
import * as Locked from "./LockedConversation.ts"

/** How long after the end of its lease an answer is closed. A process that is alive has renewed the lease by then. */
const graceAfterLease = "1 minute"

/** The maximum number of answers that one statement finds. */
const chunk = 100

const Found = Schema.Array(Schema.Struct({ key: Schema.BigInt, running: Schema.String }))

const find = Effect.fnUntraced(function* (condition: string, parameters: ReadonlyArray<PgTypes.Parameter>) {
  const sql = yield* SqlClient.SqlClient
  return yield* sql
    .unsafe(
      `SELECT conversation_key AS key, running FROM conversation
      WHERE running IS NOT NULL AND lease_until < clock_timestamp() - interval '${graceAfterLease}' ${condition}`,
      parameters
    )
    .pipe(decodeRows(Found))
})

/** Closes the answer of a conversation, unless its lease has been renewed. */
const end = (key: bigint) =>
  SqlClient.SqlClient.use((sql) =>
    find("AND conversation_key = $1 FOR NO KEY UPDATE", [PgTypes.int8(key)]).pipe(
      Effect.flatMap(([found]) =>
        found === undefined ? Effect.void : Effect.asVoid(Locked.settle(sql, found.key, found.running, "cut"))
      ),
      sql.withTransaction,
      Database.recoverConnectionErrors()
    )
  )

/** Closes all answers of processes that died. Deletes pieces that were stored at the moment at which their answer ended. */
export const closeAll = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  while (true) {
    const found = yield* find(`LIMIT ${chunk}`, [])
    yield* Effect.forEach(found, ({ key }) => end(key))
    if (found.length < chunk) break
  }
  yield* sql`DELETE FROM answer_piece USING conversation_message
    WHERE message_id = answer_id AND ending IS NOT NULL`
})
