/**
 * Locks a conversation, and changes a locked one. Every function needs a transaction.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { Effect, Schema } from "effect"
import type { SqlClient } from "effect/sql"
import { isCanonicalUuid } from "../../platform/Id.ts"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import * as AnswerParts from "../conversations/AnswerParts.ts"
import type { AnswerEnding, ConversationKey } from "../conversations/Conversation.ts"
import * as Rows from "./ConversationRows.ts"

const lockStatement = `SELECT conversation_key AS key, messages, size, running, ${Rows.isLapsed} AS lapsed
  FROM conversation WHERE instance_id = $1 AND conversation_id = $2 FOR NO KEY UPDATE`

const Locked = Schema.Array(
  Schema.Struct({
    key: Schema.BigInt,
    messages: Schema.Int,
    size: Schema.Int,
    running: Schema.NullOr(Schema.String),
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

/** Ends the running answer of a locked conversation with the parts stored so far, and returns their size. */
export const settle = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  key: bigint,
  answerId: string,
  ending: AnswerEnding
) {
  const id = PgTypes.uuid(answerId)
  const [{ pieces }] = yield* sql.unsafe(`SELECT ${Rows.piecesOf("$1")} AS pieces`, [id]).pipe(decodeRows(PiecesRow))
  const parts = Rows.partsOf(pieces)
  const characters = PgTypes.int4(AnswerParts.textOf(parts).length)
  const size = AnswerParts.sizeOf(parts)
  yield* sql`UPDATE conversation_message SET parts = ${PgTypes.text(JSON.stringify(parts))}::json,
    characters = ${characters}, ending = ${PgTypes.text(ending)} WHERE message_id = ${id}`
  yield* sql`DELETE FROM answer_piece WHERE answer_id = ${id}`
  yield* sql`UPDATE conversation SET running = NULL, lease_until = NULL, size = size + ${PgTypes.int4(size)}
    WHERE conversation_key = ${PgTypes.int8(key)}`
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
export const removeAfter = (sql: SqlClient.SqlClient, locked: Locked, messageId: string | undefined) =>
  remove(
    sql,
    locked,
    `position > coalesce(${positionOf},
      (SELECT max(position) FROM conversation_message WHERE conversation_key = $1 AND role = 'user'))`,
    [PgTypes.uuid(messageId !== undefined && isCanonicalUuid(messageId) ? messageId : null)]
  )

/** Deletes a visitor's message and everything after it; deletes nothing if the conversation lacks the message. */
export const removeFrom = (sql: SqlClient.SqlClient, locked: Locked, messageId: string) =>
  isCanonicalUuid(messageId)
    ? remove(sql, locked, `position >= ${positionOf}`, [PgTypes.uuid(messageId)])
    : Effect.succeed(locked)
