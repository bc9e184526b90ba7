/**
 * Changes one conversation: what a batch (`ConversationStore`) does not do, or could not do because another transaction had locked the
 * conversation.
 *
 * @module
 */
import { type PgClient, PgTypes } from "@effect/sql-pg"
import { Clock, Effect, Schema } from "effect"
import { SqlClient, SqlError } from "effect/sql"
import * as Leads from "../../analytics/postgres/Leads.ts"
import { MessageId } from "../../platform/Id.ts"
import * as Database from "../../platform/postgres/Database.ts"
import * as Outbox from "../../platform/postgres/Outbox.ts"
import * as Rounds from "../../platform/rounds/Rounds.ts"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import type { RecordRefused } from "../../platform/Storage.ts"
import { ConversationFull, type ConversationStore, type NewTurn, NothingToRegenerate } from "../ConversationStore.ts"
import * as AnswerParts from "../conversations/AnswerParts.ts"
import {
  type AnswerEnding,
  type ConversationKey,
  leaseMillis,
  maxMessages,
  maxSize,
  subjectOf
} from "../conversations/Conversation.ts"
import * as Rows from "./ConversationRows.ts"

type Writes = ConversationStore["Service"]

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
type Locked = (typeof Locked.Type)[number]

/** Locks a conversation; undefined if there is none. */
const lock = (sql: SqlClient.SqlClient, key: ConversationKey) =>
  sql.unsafe(lockStatement, Rows.keyParameters(key)).pipe(
    decodeRows(Locked),
    Effect.map(([locked]) => locked)
  )

const PiecesRow = Schema.Tuple([Schema.Struct({ pieces: Rows.Pieces })])
const RemovedRows = Schema.Array(Schema.Struct({ parts: Rows.Parts }))

/** An answer that ends. */
export interface Completion extends AnswerParts.StoredEnd {
  readonly answerId: MessageId
  /** Milliseconds since 1970. */
  readonly at: number
  readonly inputTokens: number | null
  readonly outputTokens: number | null
}

/**
 * Ends the running answers of `source`, which has a column for each member of `Completion`. A piece that is stored at the same moment
 * may remain; `closeLapsed` deletes it. A conversation whose answer failed waits for a person from then on, and leaves an event.
 */
export const completeStatement = (source: string, locked: "" | "SKIP LOCKED"): string => `
  WITH answer AS MATERIALIZED (
    SELECT * FROM ${source}
      AS answer (answer_id, content, content_length, total_length, ended_at, end_reason, tokens_in, tokens_out,
        is_unanswered)
  ), held AS MATERIALIZED (
    SELECT answer.*, locked.* FROM answer CROSS JOIN LATERAL (
      SELECT conversation_key, instance_id, conversation_id, ${Rows.isWaiting} AS was_waiting
      FROM conversation WHERE running = answer_id FOR NO KEY UPDATE ${locked}
    ) AS locked LIMIT (SELECT count(*) FROM answer)
  ), ended AS (
    UPDATE conversation SET running = NULL, lease_until = NULL, size = size + total_length,
      updated_at = greatest(updated_at, ended_at), unanswered_at = ${Rows.unansweredAt("is_unanswered", "ended_at")}
    FROM held WHERE conversation.conversation_key = held.conversation_key
  ), event AS (
    ${Rows.unansweredEvent("held")}
  ), gone AS (
    DELETE FROM answer_piece USING held WHERE answer_piece.answer_id = held.answer_id
  )
  UPDATE conversation_message SET parts = content::json, characters = content_length, ending = end_reason,
    input_tokens = tokens_in, output_tokens = tokens_out
  FROM held WHERE message_id = answer_id RETURNING message_id AS id`

const completeAlone = completeStatement("(VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9))", "")

const count = (tokens: number | null) => PgTypes.int8(tokens === null ? null : BigInt(tokens))

/** Ends an answer; the result is empty if it does not run. */
const completeOne = (sql: SqlClient.SqlClient, completion: Completion) =>
  sql.unsafe(completeAlone, [
    PgTypes.uuid(completion.answerId),
    PgTypes.text(completion.parts),
    PgTypes.int4(completion.characters),
    PgTypes.int4(completion.size),
    PgTypes.timestamptz(completion.at),
    PgTypes.text(completion.ending),
    count(completion.inputTokens),
    count(completion.outputTokens),
    PgTypes.bool(completion.isUnanswered)
  ])

/** Ends the running answer of a locked conversation with the parts stored so far. */
const settle = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, answerId: MessageId, ending: AnswerEnding) {
  const [{ pieces }] = yield* sql
    .unsafe(`SELECT ${Rows.piecesOf("$1")} AS pieces`, [PgTypes.uuid(answerId)])
    .pipe(decodeRows(PiecesRow))
  const at = yield* Clock.currentTimeMillis
  const end = AnswerParts.storedEnd(Rows.partsOf(pieces), ending)
  yield* completeOne(sql, { answerId, at, ...end, inputTokens: null, outputTokens: null })
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
const removeAfter = (sql: SqlClient.SqlClient, locked: Locked, messageId: MessageId | undefined) =>
  remove(
    sql,
    locked,
    `position > coalesce(${positionOf},
      (SELECT max(position) FROM conversation_message WHERE conversation_key = $1 AND role = 'user'))`,
    [PgTypes.uuid(messageId ?? null)]
  )

/** Deletes a visitor's message and everything after it; deletes nothing if the conversation lacks the message. */
const removeFrom = (sql: SqlClient.SqlClient, locked: Locked, messageId: MessageId) =>
  remove(sql, locked, `position >= ${positionOf}`, [PgTypes.uuid(messageId)])

/**
 * Begins an answer in each conversation of `source` that is new, or that is not full and has no running answer. A turn without a
 * message adds only the answer. New conversations are created in the order of their keys, because otherwise two processes that
 * create the same ones could deadlock. A turn with visitor hashes also leaves a pending lead (see `Leads`), and a conversation that
 * begins on a website with subscribers leaves an event.
 */
export const beginStatement = (source: string, locked: "" | "SKIP LOCKED"): string => `
  WITH turn AS MATERIALIZED (
    SELECT turn.*, CASE WHEN message_id IS NULL THEN 1 ELSE 2 END AS added FROM ${source}
      AS turn (instance_id, conversation_id, message_id, parts, length, answer_id, begun_at, visitor_hashes,
        client_message_id)
  ), idle AS MATERIALIZED (
    SELECT turn.*, locked.conversation_key FROM turn CROSS JOIN LATERAL (
      SELECT conversation_key FROM conversation
      WHERE instance_id = turn.instance_id AND conversation_id = turn.conversation_id
        AND running IS NULL AND messages + added <= ${maxMessages} AND size + length <= ${maxSize}
      FOR NO KEY UPDATE ${locked}
    ) AS locked LIMIT (SELECT count(*) FROM turn)
  ), continued AS (
    UPDATE conversation SET updated_at = greatest(updated_at, begun_at), messages = messages + added, size = size + length,
      running = answer_id, lease_until = ${Rows.newLease(leaseMillis)}
    FROM idle WHERE conversation.conversation_key = idle.conversation_key
    RETURNING conversation.conversation_key, messages, running
  ), created AS (
    INSERT INTO conversation
      (instance_id, conversation_id, created_at, updated_at, messages, size, running, lease_until)
    SELECT instance_id, conversation_id, begun_at, begun_at, 2, length, answer_id, ${Rows.newLease(leaseMillis)} FROM turn
    WHERE message_id IS NOT NULL ORDER BY instance_id, conversation_id
    ON CONFLICT (instance_id, conversation_id) DO NOTHING
    RETURNING conversation_key, messages, running
  ), begun AS MATERIALIZED (
    SELECT * FROM continued UNION ALL SELECT * FROM created
  ), stored AS (
    INSERT INTO conversation_message
      (message_id, conversation_key, position, role, parts, characters, created_at, client_id)
    SELECT id, conversation_key, place, role, content::json, content_length, begun_at, client_id
    FROM begun JOIN turn ON answer_id = running CROSS JOIN LATERAL (VALUES
      (message_id, messages - 1, 'user', turn.parts, length, client_message_id),
      (answer_id, messages, 'assistant', '[]', 0, NULL)
    ) AS message (id, place, role, content, content_length, client_id) WHERE id IS NOT NULL
  ), lead AS (
    INSERT INTO pending_lead (lead_id, kind, hosted_website_id, visitor_hashes, received_at, conversation_key)
    SELECT gen_random_uuid(), 'chat', hosted_website_id, string_to_array(visitor_hashes, ','), begun_at,
      CASE WHEN messages = 2 THEN conversation_key END
    FROM begun JOIN turn ON answer_id = running CROSS JOIN LATERAL (${Leads.websiteOf("turn.instance_id")}) AS website
    WHERE visitor_hashes <> ''
  ), event AS (
    INSERT INTO outbox (event_id, website_config_id, type, created_at, subject)
    SELECT gen_random_uuid(), website_config_id, 'conversation.started', begun_at,
      ${Rows.subjectOf("turn.instance_id", "conversation_id")}
    FROM created JOIN turn ON answer_id = running
    CROSS JOIN LATERAL (${Rows.subscribedOf("turn.instance_id")}) AS website
  )
  SELECT running AS id FROM begun`

const beginAlone = beginStatement("(VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9))", "")

/** Deletes what a turn replaces in a locked conversation, and ends its running answer. */
const makeIdle = Effect.fnUntraced(function* (sql: PgClient.PgClient, locked: Locked, { from, message }: NewTurn) {
  const { key, lapsed, running } = locked
  const left =
    message === null
      ? yield* removeAfter(sql, locked, from)
      : from === undefined
        ? locked
        : yield* removeFrom(sql, locked, from)
  // The running answer is the last message: if any message was deleted, so was the answer.
  if (left.messages < locked.messages) {
    yield* sql`UPDATE conversation SET messages = ${PgTypes.int4(left.messages)}, size = ${PgTypes.int4(left.size)},
      running = NULL, lease_until = NULL WHERE conversation_key = ${PgTypes.int8(key)}`
  } else if (running !== null) yield* settle(sql, running, lapsed ? "cut" : "superseded")
})

type BeginError = Effect.Error<ReturnType<Writes["begin"]>> | SqlError.SqlError

/** Begins an answer at `at`, in a transaction. */
const beginLocked: (sql: PgClient.PgClient, turn: NewTurn, at: number) => Effect.Effect<void, BeginError> =
  Effect.fnUntraced(function* (sql, turn, at) {
    const { answerId, key, message, visitorHashes = [] } = turn
    const locked = yield* lock(sql, key)
    if (locked === undefined && message === null) return yield* new NothingToRegenerate()
    // The connection was lost after the first commit, and this is the retry.
    if (locked?.running === answerId) return
    if (locked !== undefined) yield* makeIdle(sql, locked, turn)
    const begun = yield* sql.unsafe(beginAlone, [
      ...Rows.keyParameters(key),
      PgTypes.uuid(message?.messageId ?? null),
      PgTypes.text(JSON.stringify([{ type: "text", text: message?.text }])),
      PgTypes.int4(message?.text.length ?? 0),
      PgTypes.uuid(answerId),
      PgTypes.timestamptz(at),
      PgTypes.text(visitorHashes.join(",")),
      PgTypes.text(message?.clientId ?? null)
    ])
    if (begun.length > 0) return
    if (locked !== undefined) return yield* new ConversationFull()
    // Another transaction has created the conversation meanwhile.
    yield* beginLocked(sql, turn, at)
  })

/** Replaces the parts of the answer `$1`, which another process has ended, by the parts `$2` if these have more text. */
const lengthenStatement = `WITH locked AS MATERIALIZED (
    SELECT conversation_key FROM conversation JOIN conversation_message USING (conversation_key) WHERE message_id = $1
    FOR NO KEY UPDATE OF conversation
  ), grown AS (
    UPDATE conversation_message AS answer SET parts = $2::json, characters = $3
    FROM conversation_message AS before JOIN locked USING (conversation_key)
    WHERE answer.message_id = $1 AND before.message_id = $1 AND answer.ending IN ('stopped', 'superseded', 'cut')
      AND answer.characters < $3
    RETURNING answer.conversation_key, $3 - before.characters AS more
  )
  UPDATE conversation SET size = size + more FROM grown WHERE conversation.conversation_key = grown.conversation_key`

/** Rates an answer. Only a rating that changes something leaves an event, so that a repeated request leaves only one. */
const rateStatement = `WITH found AS (
    SELECT message_id, instance_id, conversation_id, rating, comment
    FROM conversation_message JOIN conversation USING (conversation_key)
    WHERE instance_id = $1 AND conversation_id = $2 AND message_id = $3 AND role = 'assistant'
    FOR NO KEY UPDATE OF conversation_message
  ), rated AS (
    UPDATE conversation_message SET rating = $4, comment = $5 FROM found
    WHERE conversation_message.message_id = found.message_id
  ), event AS (
    INSERT INTO outbox (event_id, website_config_id, type, created_at, subject, data)
    SELECT gen_random_uuid(), website_config_id, 'conversation.feedback', $6,
      ${Rows.subjectOf("found.instance_id", "conversation_id")},
      json_build_object('instance_id', found.instance_id, 'conversation_id', conversation_id, 'message_id', message_id,
        'rating', $4::text, 'comment', $5::text)
    FROM found CROSS JOIN LATERAL (${Rows.subscribedOf("found.instance_id")}) AS website
    WHERE (rating, comment) IS DISTINCT FROM ($4, $5)
  )
  SELECT 1 FROM found`

/** Fails with `RecordRefused` where no retry can succeed. */
const refusing = <A, E, R>(
  effect: Effect.Effect<A, E | SqlError.SqlError, R>
): Effect.Effect<A, E | SqlError.SqlError | RecordRefused, R> =>
  Effect.mapError(effect, (error) => {
    if (!SqlError.isSqlError(error)) return error
    const failure = Database.refusedOrUnavailable(error)
    return failure._tag === "RecordRefused" ? failure : error
  })

/** Changes of one conversation, each with a statement or a transaction of its own. */
export const make = (sql: PgClient.PgClient) => {
  /**
   * Begins an answer that a batch cannot begin, because the conversation is locked, is full or has a running answer, or because
   * the turn replaces messages.
   */
  const begin: Writes["begin"] = (turn) =>
    Effect.flatMap(Clock.currentTimeMillis, (at) => sql.withTransaction(beginLocked(sql, turn, at))).pipe(
      Database.repeatable,
      refusing,
      Database.mapErrors,
      Rounds.waking("events", "leads")
    )

  /**
   * Completes an answer that a batch did not complete. Returns false if the answer has ended. If the connection breaks, the statement
   * may run twice: the second run finds that the answer has ended.
   */
  const complete = Effect.fnUntraced(function* (completion: Completion) {
    const completed = yield* completeOne(sql, completion).pipe(
      Database.repeatable,
      refusing,
      Database.mapErrors,
      Rounds.waking("events")
    )
    if (completed.length > 0) return true
    yield* sql
      .unsafe(lengthenStatement, [
        PgTypes.uuid(completion.answerId),
        PgTypes.text(completion.parts),
        PgTypes.int4(completion.characters)
      ])
      .pipe(Database.repeatable, refusing, Database.mapErrors)
    return false
  })

  const stop: Writes["stop"] = (key) =>
    sql
      .withTransaction(
        Effect.flatMap(lock(sql, key), (locked) =>
          locked === undefined || locked.running === null || locked.lapsed
            ? Effect.succeed(false)
            : Effect.as(settle(sql, locked.running, "stopped"), true)
        )
      )
      .pipe(Database.mapErrors)

  const rate: Writes["rate"] = Effect.fnUntraced(function* ({ comment, key, messageId, rating }) {
    const rated = yield* sql
      .unsafe(rateStatement, [
        ...Rows.keyParameters(key),
        PgTypes.uuid(messageId),
        PgTypes.text(rating),
        PgTypes.text(comment),
        PgTypes.timestamptz(yield* Clock.currentTimeMillis)
      ])
      .pipe(Database.repeatable, refusing, Database.mapErrors, Rounds.waking("events"))
    return rated.length > 0
  })

  const remove: Writes["delete"] = Effect.fnUntraced(function* (reach, key) {
    const deletion = sql.unsafe(
      `DELETE FROM conversation USING instance
        WHERE instance.instance_id = conversation.instance_id AND conversation.instance_id = $1 AND conversation_id = $2
          AND ($3::uuid IS NULL OR website_config_id = $3) RETURNING 1`,
      [...Rows.keyParameters(key), PgTypes.uuid(reach === "all" ? null : reach)]
    )
    const deleted = yield* Effect.tap(deletion, (rows) =>
      rows.length === 0 ? Effect.void : Outbox.erase(sql, [subjectOf(key)])
    ).pipe(sql.withTransaction, Database.mapErrors)
    return deleted.length > 0
  })

  return { begin, complete, stop, rate, delete: remove }
}

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
      Effect.flatMap(([lapsed]) => (lapsed === undefined ? Effect.void : settle(sql, lapsed.answerId, "cut"))),
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
