/**
 * Deletes all conversations of an instance.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { type Duration, Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"
import * as FanOut from "../../core/delivery/FanOut.ts"
import { decodeRows } from "../../runtime/Rows.ts"
import { bounded, recoverConnectionErrors } from "../Database.ts"
import * as Outbox from "../delivery/Outbox.ts"

/** The maximum number of conversations that one statement deletes, with their messages. */
const chunk = 500

const Deleted = Schema.Array(Schema.Struct({ conversationId: Schema.String }))

const deleteSome = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, instanceId: string) {
  const deleted = yield* sql`DELETE FROM conversation WHERE conversation_key IN (
      SELECT conversation_key FROM conversation WHERE instance_id = ${PgTypes.uuid(instanceId)} LIMIT ${chunk}
    ) RETURNING conversation_id AS "conversationId"`.pipe(decodeRows(Deleted))
  yield* Outbox.erase(
    sql,
    deleted.map(({ conversationId }) => FanOut.conversationSubject({ instanceId, conversationId }))
  )
  return deleted.length
})

/**
 * Deletes the conversations of an instance with their messages, and returns the number of conversations. It deletes them in
 * chunks, none of which may take longer than `timeout`.
 */
export const deleteAll = Effect.fnUntraced(function* (instanceId: string, timeout: Duration.Input) {
  const sql = yield* SqlClient.SqlClient
  let deleted = 0
  while (true) {
    const some = yield* deleteSome(sql, instanceId).pipe(
      sql.withTransaction,
      recoverConnectionErrors(),
      bounded(timeout)
    )
    deleted += some
    if (some < chunk) return deleted
  }
})
