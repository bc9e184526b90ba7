/**
 * Locks a conversation, and changes a locked one: every function but `closeLapsed` needs a transaction.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { Clock, Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { MessageId } from "../../platform/Id.ts"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import * as AnswerParts from "../conversations/AnswerParts.ts"
import type { AnswerEnding, ConversationKey } from "../conversations/Conversation.ts"
import * as Batches from "./ConversationBatches.ts"
import * as Rows from "./ConversationRows.ts"

const lockStatement = `SELECT conversation_key AS key, messages, size, running, ${Rows.isLapsed} AS lapsed
  FROM conversation WHERE instance_id = $1 AND conversation_id = $2 FOR NO KEY UPDATE`

const Locked = Schema.Array(
  Schema.Struct({
    key: Schema.BigInt,
    messages: Schema.Int,
    size: Schema.Int,
    running: Schema.NullOr(MessageId),
    lapsed: Schema.Boolean
  })
)
export type Locked = (typeof Locked.Type)[number]

/** Locks a conversation; undefined if there is none. */
export const lock = (sql: SqlClient.SqlClient, key: ConversationKey) =>
  sql.unsafe(lockStatement, Rows.keyParameters(key)).pipe(
    decodeRows(Locked),
    Effect.map(([locked]) => locked)
  )

const PiecesRow = Schema.Tuple([Schema.Struct({ pieces: Rows.Pieces })])
const RemovedRows = Schema.Array(Schema.Struct({ parts: Rows.Parts }))

/** The conversation `$1` after its answer of size `$2`. `$3` is what the answer says of it (see `Rows.unansweredAt`), at `$4`. */
const settleStatement = `WITH held AS MATERIALIZED (
    SELECT conversation_key, instance_id, conversation_id, ${Rows.isWaiting} AS was_waiting, $4::timestamptz AS ended_at,
      $3::boolean AS is_unanswered
    FROM conversation WHERE conversation_key = $1
  ), event AS (
    ${Batches.unansweredEvent("held")}
  )
  UPDATE conversation SET running = NULL, lease_until = NULL, size = size + $2,
    unanswered_at = ${Rows.unansweredAt("is_unanswered", "ended_at")}
  FROM held WHERE conversation.conversation_key = held.conversation_key`

/** Ends the running answer of a locked conversation with the parts stored so far, and returns their size. */
export const settle = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  key: bigint,
  answerId: MessageId,
  ending: AnswerEnding
) {
  const id = PgTypes.uuid(answerId)
  const [{ pieces }] = yield* sql.unsafe(`SELECT ${Rows.piecesOf("$1")} AS pieces`, [id]).pipe(decodeRows(PiecesRow))
  const parts = Rows.partsOf(pieces)
  const characters = PgTypes.int4(AnswerParts.textOf(parts).length)
  const size = AnswerParts.sizeOf(parts)
  const isUnanswered = AnswerParts.isUnansweredAfter({ ending, size }) ?? null
  yield* sql`UPDATE conversation_message SET parts = ${PgTypes.text(JSON.stringify(parts))}::json,
    characters = ${characters}, ending = ${PgTypes.text(ending)} WHERE message_id = ${id}`
  yield* sql`DELETE FROM answer_piece WHERE answer_id = ${id}`
  yield* sql.unsafe(settleStatement, [
    PgTypes.int8(key),
    PgTypes.int4(size),
    PgTypes.bool(isUnanswered),
    PgTypes.timestamptz(yield* Clock.currentTimeMillis)
  ])
  return size
})

/** Deletes messages of a conversation, by a condition on `position`; returns the number and size of the remaining messages. */
const remove = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  { key, messages, size }: Locked,
  condition: string,
  parameters: ReadonlyArray<PgTypes.Parameter> = []
) {
  const removed = yield* sql
    .unsafe(
      `DELETE FROM conversation_message WHERE conversation_key = $1 AND ${condition} RETURNING parts::text AS parts`,
      [PgTypes.int8(key), ...parameters]
    )
    .pipe(decodeRows(RemovedRows))
  return {
    messages: messages - removed.length,
    size: size - removed.reduce((sum, { parts }) => sum + AnswerParts.sizeOf(parts), 0)
  }
})

const positionOf = `(SELECT position FROM conversation_message
  WHERE conversation_key = $1 AND message_id = $2 AND role = 'user')`

/**
 * Deletes what follows a visitor's message. If the conversation lacks the message, the visitor's last message takes its place.
 */
export const removeAfter = (sql: SqlClient.SqlClient, locked: Locked, messageId: MessageId | undefined) =>
  remove(
    sql,
    locked,
    `position > coalesce(${positionOf},
      (SELECT max(position) FROM conversation_message WHERE conversation_key = $1 AND role = 'user'))`,
    [PgTypes.uuid(messageId ?? null)]
  )

/** Deletes a visitor's message and everything after it; deletes nothing if the conversation lacks the message. */
export const removeFrom = (sql: SqlClient.SqlClient, locked: Locked, messageId: MessageId) =>
  remove(sql, locked, `position >= ${positionOf}`, [PgTypes.uuid(messageId)])

/** How long after the end of its lease an answer is closed. A process that is alive has renewed the lease by then. */
const graceAfterLease = "1 minute"

/** The maximum number of answers that one statement finds. */
const chunk = 100

const LapsedRows = Schema.Array(Schema.Struct({ key: Schema.BigInt, answerId: MessageId }))

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
        lapsed === undefined ? Effect.void : Effect.asVoid(settle(sql, lapsed.key, lapsed.answerId, "cut"))
      ),
      sql.withTransaction
    )
  )

/**
 * Closes all answers of processes that died. Also deletes the pieces of answers that have ended: a piece may be stored just as
 * its answer ends.
 */
export const closeLapsed = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  while (true) {
    const lapsed = yield* find(`LIMIT ${chunk}`, [])
    yield* Effect.forEach(lapsed, ({ key }) => close(key))
    if (lapsed.length < chunk) break
  }
  yield* sql`DELETE FROM answer_piece USING conversation_message
    WHERE message_id = answer_id AND ending IS NOT NULL`
})
