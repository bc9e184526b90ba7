/**
 * Deletes all conversations of an instance, and instances.
 *
 * @module
 */

import { PgTypes } from "@effect/sql-pg"
import { Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { ConversationId, type InstanceId } from "../../platform/Id.ts"
import { mapErrors } from "../../platform/postgres/Database.ts"
import * as Outbox from "../../platform/postgres/Outbox.ts"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import * as Conversation from "../conversations/Conversation.ts"

/** The maximum number of conversations that one statement deletes, with their messages. */
const chunk = 500

const Chunk = Schema.Tuple([Schema.Struct({ found: Schema.Int, deleted: Schema.Array(ConversationId) })])

/**
 * Deletes a chunk of an instance's conversations. Another transaction may delete some of those that it finds. Locks them in the
 * order that `ConversationWrites` describes. Needs a transaction.
 */
const deleteChunk = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, instanceId: InstanceId) {
  const [{ deleted, found }] = yield* sql`WITH chunk AS MATERIALIZED (
      SELECT conversation_key FROM conversation WHERE instance_id = ${PgTypes.uuid(instanceId)} LIMIT ${chunk}
    ), locked AS MATERIALIZED (
      SELECT conversation_key FROM conversation JOIN chunk USING (conversation_key) ORDER BY running FOR UPDATE OF conversation
    ), gone AS (
      DELETE FROM conversation USING locked WHERE conversation.conversation_key = locked.conversation_key
      RETURNING conversation_id
    )
    SELECT (SELECT count(*)::int FROM chunk) AS found, ARRAY(SELECT conversation_id FROM gone) AS deleted`.pipe(
    decodeRows(Chunk)
  )
  yield* Outbox.erase(
    sql,
    deleted.map((conversationId) => Conversation.subjectOf({ instanceId, conversationId }))
  )
  return { deleted: deleted.length, isLast: found < chunk }
})

/**
 * Deletes the conversations of an instance with their messages, and returns the number of conversations. It deletes them in
 * chunks, so that no statement takes long.
 */
export const deleteAll = Effect.fnUntraced(function* (instanceId: InstanceId) {
  const sql = yield* SqlClient.SqlClient
  let deleted = 0
  while (true) {
    const some = yield* deleteChunk(sql, instanceId).pipe(sql.withTransaction, mapErrors)
    deleted += some.deleted
    if (some.isLast) return deleted
  }
})

/** Deletes an instance, with the conversations that began after `deleteAll`. The lock keeps new ones out. */
export const deleteInstance = Effect.fnUntraced(function* (instanceId: InstanceId) {
  const sql = yield* SqlClient.SqlClient
  const id = PgTypes.uuid(instanceId)
  yield* sql`SELECT FROM instance WHERE instance_id = ${id} FOR UPDATE`.pipe(
    Effect.andThen(Effect.repeat(deleteChunk(sql, instanceId), { until: ({ isLast }) => isLast })),
    Effect.andThen(sql`DELETE FROM instance WHERE instance_id = ${id}`),
    sql.withTransaction,
    mapErrors
  )
})
