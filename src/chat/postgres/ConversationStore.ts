/**
 * Stores conversations in PostgreSQL. A change that begins, ends or deletes answers locks the conversation's row first, so that
 * such changes of a conversation are serialized. To avoid deadlocks, a statement that waits for several rows locks them in the
 * order of `running`; a batch of turns or answers waits for none (see `ConversationBatches`).
 *
 * No statement leaves state in its session, so that all of them work through PgBouncer in transaction mode.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { PgClient, PgTypes } from "@effect/sql-pg"
import { Clock, Effect, Layer, Result, Schema } from "effect"
import { SqlError } from "effect/sql"
import * as ChatLead from "../../analytics/postgres/ChatLead.ts"
import { make as makeBatches } from "../../platform/batch/Batches.ts"
import type { MessageId } from "../../platform/Id.ts"
import * as Columns from "../../platform/postgres/Columns.ts"
import * as Database from "../../platform/postgres/Database.ts"
import * as Outbox from "../../platform/postgres/Outbox.ts"
import * as Rounds from "../../platform/rounds/Rounds.ts"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import { RecordRefused } from "../../platform/Storage.ts"
import { ConversationFull, ConversationStore, type NewTurn, NothingToRegenerate } from "../ConversationStore.ts"
import * as AnswerParts from "../conversations/AnswerParts.ts"
import * as Conversation from "../conversations/Conversation.ts"
import { leaseMillis, type MessagePart, maxMessages, maxSize, renewMillis } from "../conversations/Conversation.ts"
import * as ConversationId from "../conversations/ConversationId.ts"
import * as Batches from "./ConversationBatches.ts"
import * as Reads from "./ConversationReads.ts"
import * as Rows from "./ConversationRows.ts"
import * as Locked from "./LockedConversation.ts"

type Writes = Pick<ConversationStore["Service"], "begin" | "renew" | "complete" | "stop" | "rate" | "delete">

const lease = Rows.newLease(leaseMillis)

/** A lease that ends before this time was last extended at least `renewMillis` ago. */
const dueBefore = Rows.newLease(leaseMillis - renewMillis)

/**
 * Inserts the answer `$5` into a locked conversation and, unless `$3` is null, the message `$3` before it, with the parts `$4`
 * and the client's id `$8`. The conversation then has `$9` messages with the total size `$10`.
 */
const continueStatement = `WITH changed AS (
    UPDATE conversation SET updated_at = greatest(updated_at, $6), messages = $9, size = $10, running = $5,
      lease_until = ${lease}
    WHERE instance_id = $1 AND conversation_id = $2 RETURNING conversation_key, messages
  ) INSERT INTO conversation_message
    (message_id, conversation_key, position, role, parts, characters, created_at, client_id)
  SELECT id, conversation_key, place, role, parts::json, length, $6, client_id FROM changed
  CROSS JOIN LATERAL (VALUES
    ($3::uuid, messages - 1, 'user', $4, $7::integer, $8),
    ($5::uuid, messages, 'assistant', '[]', 0, NULL)
  ) AS added (id, place, role, parts, length, client_id) WHERE id IS NOT NULL`

/** Creates a conversation without messages if there is none, so that it can be locked. A new one leaves an event. */
const createStatement = `WITH created AS (
    INSERT INTO conversation (instance_id, conversation_id, created_at, updated_at, messages, size)
    VALUES ($1, $2, $3, $3, 0, 0) ON CONFLICT (instance_id, conversation_id) DO NOTHING
    RETURNING instance_id, conversation_id
  )
  INSERT INTO outbox (event_id, website_config_id, type, created_at, subject)
  SELECT gen_random_uuid(), website_config_id, 'conversation.started', $3,
    ${Batches.subjectOf("created.instance_id", "conversation_id")}
  FROM created CROSS JOIN LATERAL (${Batches.subscribedOf("created.instance_id")}) AS website`

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
      ${Batches.subjectOf("found.instance_id", "conversation_id")},
      json_build_object('instance_id', found.instance_id, 'conversation_id', conversation_id, 'message_id', message_id,
        'rating', $4::text, 'comment', $5::text)
    FROM found CROSS JOIN LATERAL (${Batches.subscribedOf("found.instance_id")}) AS website
    WHERE (rating, comment) IS DISTINCT FROM ($4, $5)
  )
  SELECT 1 FROM found`

/**
 * Ends the answer `$1` with the parts `$2`. A piece that is stored at the same moment may remain; `LockedConversation.closeLapsed`
 * deletes it.
 */
const completeStatement = `WITH held AS MATERIALIZED (
    SELECT instance_id, conversation_id, ${Rows.isWaiting} AS was_waiting, $5::timestamptz AS ended_at,
      $9::boolean AS is_unanswered
    FROM conversation WHERE running = $1 FOR NO KEY UPDATE
  ), ended AS (
    UPDATE conversation SET running = NULL, lease_until = NULL, size = size + $4,
      updated_at = greatest(updated_at, $5), unanswered_at = ${Rows.unansweredAt("is_unanswered", "$5")}
    FROM held WHERE running = $1 RETURNING 1
  ), event AS (
    ${Batches.unansweredEvent("held")}
  ), gone AS (
    DELETE FROM answer_piece WHERE answer_id = $1 AND EXISTS (SELECT FROM ended)
  )
  UPDATE conversation_message SET parts = $2::json, characters = $3, ending = $6, input_tokens = $7, output_tokens = $8
  WHERE message_id = $1 AND EXISTS (SELECT FROM ended) RETURNING 1`

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

/** Fails with `RecordRefused` where no retry can succeed. */
const refusing = <A, E, R>(
  effect: Effect.Effect<A, E | SqlError.SqlError, R>
): Effect.Effect<A, E | SqlError.SqlError | RecordRefused, R> =>
  Effect.mapError(effect, (error) => {
    if (!SqlError.isSqlError(error)) return error
    const failure = Database.refusedOrUnavailable(error)
    return failure._tag === "RecordRefused" ? failure : error
  })

/** Writes many conversations at once (see `ConversationBatches`). */
interface Batched {
  readonly begin: Effect.Success<ReturnType<typeof Batches.begin>>
  readonly complete: Effect.Success<ReturnType<typeof Batches.complete>>
}

const makeWrites = (sql: PgClient.PgClient, batched: Batched): Writes => {
  /**
   * Begins an answer that a batch cannot begin, because the conversation is locked, is full or has a running answer, or because
   * the turn replaces messages.
   */
  const beginLocked = Effect.fnUntraced(function* (
    { answerId, from, key, message, visitorHashes = [] }: NewTurn,
    addedSize: number,
    parameters: ReadonlyArray<PgTypes.Parameter>
  ) {
    const at = yield* Clock.currentTimeMillis
    const now = PgTypes.timestamptz(at)
    if (message !== null) yield* sql.unsafe(createStatement, [...Rows.keyParameters(key), now])
    const locked = yield* Locked.lock(sql, key)
    if (locked === undefined) return yield* new NothingToRegenerate()
    // The connection was lost after the first commit, and this is the retry.
    if (locked.running === answerId) return
    const before =
      message === null
        ? yield* Locked.removeAfter(sql, locked, from)
        : from === undefined
          ? locked
          : yield* Locked.removeFrom(sql, locked, from)
    const added = message === null ? 1 : 2
    if (before.messages + added > maxMessages || before.size + addedSize > maxSize) return yield* new ConversationFull()
    const { lapsed, running } = locked
    // The running answer is the last message: if any message was deleted, so was the answer.
    const endedSize =
      running === null || before.messages < locked.messages
        ? 0
        : yield* Locked.settle(sql, locked.key, running, lapsed ? "cut" : "superseded")
    yield* sql.unsafe(continueStatement, [
      ...parameters,
      PgTypes.int4(before.messages + added),
      PgTypes.int4(before.size + addedSize + endedSize)
    ])
    if (visitorHashes.length > 0) {
      const conversationKey = before.messages === 0 ? locked.key : undefined
      const lead = { instanceId: key.instanceId, visitorHashes, receivedAt: at, conversationKey }
      yield* ChatLead.insert(sql, randomUUID(), lead)
    }
  })

  const begin: Writes["begin"] = Effect.fnUntraced(function* (turn) {
    const { answerId, from, key, message, visitorHashes = [] } = turn
    const parts: ReadonlyArray<MessagePart> = message === null ? [] : [{ type: "text", text: message.text }]
    const size = message?.text.length ?? 0
    const json = JSON.stringify(parts)
    const at = yield* Clock.currentTimeMillis
    if (message !== null && from === undefined) {
      const { clientId = null, messageId } = message
      if (yield* batched.begin({ key, messageId, clientId, parts: json, size, answerId, at, visitorHashes })) return
    }
    const parameters = [
      ...Rows.keyParameters(key),
      PgTypes.uuid(message?.messageId ?? null),
      PgTypes.text(json),
      PgTypes.uuid(answerId),
      PgTypes.timestamptz(at),
      PgTypes.int4(size),
      PgTypes.text(message?.clientId ?? null)
    ]
    yield* sql
      .withTransaction(beginLocked(turn, size, parameters))
      .pipe(Database.repeatable, refusing, Database.mapErrors, Rounds.waking("events", "leads"))
  })

  /** If the connection breaks, the statement may run twice: the second run extends the same leases. */
  const renew: Writes["renew"] = (answerIds) => {
    if (answerIds.length === 0) return Effect.succeed(new Set())
    return sql`WITH mine AS MATERIALIZED (
        SELECT conversation_key, running, lease_until FROM conversation
        WHERE running = ANY (${Database.array(answerIds, PgTypes.OID.uuid)})
      ), due AS MATERIALIZED (
        SELECT conversation_key FROM conversation WHERE conversation_key IN (
          SELECT conversation_key FROM mine WHERE lease_until < ${sql.literal(dueBefore)}
        ) ORDER BY running FOR NO KEY UPDATE
      ), renewed AS (
        UPDATE conversation SET lease_until = ${sql.literal(lease)} FROM due
        WHERE conversation.conversation_key = due.conversation_key AND running IS NOT NULL
      )
      SELECT running FROM mine`.pipe(
      Database.repeatable,
      Database.mapErrors,
      decodeRows(Rows.Running),
      Effect.map((rows) => new Set(rows.map(({ running }) => running)))
    )
  }

  /** If the connection breaks, a statement may run twice: the second run finds that the answer has ended, and returns false. */
  const complete: Writes["complete"] = Effect.fnUntraced(function* ({ answerId, ending, parts, usage }) {
    const size = AnswerParts.sizeOf(parts)
    const completion: Batches.Completion = {
      answerId,
      parts: JSON.stringify(parts),
      characters: AnswerParts.textOf(parts).length,
      size,
      at: yield* Clock.currentTimeMillis,
      ending,
      isUnanswered: AnswerParts.isUnansweredAfter({ ending, size }) ?? null,
      inputTokens: usage === null ? null : Math.round(usage.inputTokens),
      outputTokens: usage === null ? null : Math.round(usage.outputTokens)
    }
    if (yield* batched.complete(completion)) return true
    const answer = [PgTypes.uuid(answerId), PgTypes.text(completion.parts), PgTypes.int4(completion.characters)]
    const tokens = (count: number | null) => PgTypes.int8(count === null ? null : BigInt(count))
    const completed = yield* sql
      .unsafe(completeStatement, [
        ...answer,
        PgTypes.int4(completion.size),
        PgTypes.timestamptz(completion.at),
        PgTypes.text(ending),
        tokens(completion.inputTokens),
        tokens(completion.outputTokens),
        PgTypes.bool(completion.isUnanswered)
      ])
      .pipe(Database.repeatable, refusing, Database.mapErrors, Rounds.waking("events"))
    if (completed.length > 0) return true
    yield* sql.unsafe(lengthenStatement, answer).pipe(Database.repeatable, refusing, Database.mapErrors)
    return false
  })

  const stop: Writes["stop"] = (key) =>
    sql
      .withTransaction(
        Effect.flatMap(Locked.lock(sql, key), (locked) =>
          locked === undefined || locked.running === null || locked.lapsed
            ? Effect.succeed(false)
            : Effect.as(Locked.settle(sql, locked.key, locked.running, "stopped"), true)
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
      rows.length === 0 ? Effect.void : Outbox.erase(sql, [Conversation.subjectOf(key)])
    ).pipe(sql.withTransaction, Database.mapErrors)
    return deleted.length > 0
  })

  return { begin, renew, complete, stop, rate, delete: remove }
}

const HashKeys = Schema.Tuple([Schema.Struct({ hash_key: Schema.Uint8Array })])

/** Reads the key once. */
const makeHashKey = (sql: PgClient.PgClient): ConversationStore["Service"]["hashKey"] => {
  let known: ConversationId.Key | undefined
  return Effect.suspend(() =>
    known !== undefined
      ? Effect.succeed(known)
      : sql`SELECT hash_key FROM conversation_hash_key`.pipe(
          Database.mapErrors,
          decodeRows(HashKeys),
          Effect.map(([{ hash_key }]) => {
            known = ConversationId.keyOf(hash_key)
            return known
          })
        )
  )
}

/** One each for the batches of turns, answers and pieces. Each kind of batch runs one statement at a time. */
const batchConnections = 3

/** Of pieces: in pieces and UTF-16 units. */
const pieceBounds = { maxBatch: 500, maxBatchWeight: 2 * 2 ** 20, maxQueueWeight: 32 * 2 ** 20 } as const

interface Piece {
  readonly answerId: MessageId
  readonly endsAt: number
  readonly events: string
}

const pieceColumns: ReadonlyArray<Columns.Column<Piece>> = [
  Columns.uuid("answer_id", ({ answerId }) => answerId),
  Columns.int4("ends_at", ({ endsAt }) => endsAt),
  Columns.text("events", ({ events }) => events)
]

/**
 * One statement, and so one commit, per batch. The conversations are locked, so that no answer gets a piece after its end.
 * A repeated statement changes nothing.
 */
const piecesStatement = `
  WITH piece AS MATERIALIZED (
    SELECT * FROM unnest($1, $2, $3) AS piece (answer_id, ends_at, events)
  ), runs AS MATERIALIZED (
    SELECT running FROM conversation WHERE running IN (SELECT answer_id FROM piece) ORDER BY running FOR SHARE
  ), stored AS (
    INSERT INTO answer_piece (answer_id, ends_at, events)
    SELECT answer_id, ends_at, events::json FROM piece JOIN runs ON running = answer_id
    ON CONFLICT (answer_id, ends_at) DO NOTHING
  )
  SELECT running FROM runs`

/** Stores a batch of pieces; returns for each whether its answer runs. */
const storePieces = (
  sql: PgClient.PgClient,
  pieces: ReadonlyArray<Piece>
): Effect.Effect<ReadonlyArray<Result.Result<boolean>>, SqlError.SqlError | RecordRefused> => {
  const written = Columns.parameters(pieceColumns, pieces)
  if (Result.isFailure(written)) return Effect.fail(new RecordRefused({ cause: written.failure }))
  return sql.unsafe(piecesStatement, written.success).pipe(
    decodeRows(Rows.Running),
    Effect.map((rows) => {
      const runs = new Set(rows.map(({ running }) => running))
      return pieces.map(({ answerId }) => Result.succeed(runs.has(answerId)))
    })
  )
}

export const layer = (options: Batches.Options): Layer.Layer<ConversationStore, SqlError.SqlError, PgClient.PgClient> =>
  Layer.effect(
    ConversationStore,
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const batches = yield* Database.dedicated({
        types: Columns.types,
        maxConnections: batchConnections,
        isBounded: false
      })
      const { submit } = yield* makeBatches<Piece, boolean, never>("answer-pieces", {
        flush: (pieces) =>
          storePieces(batches, pieces).pipe(
            Effect.catchTag("SqlError", (error) => Effect.fail(Database.refusedOrUnavailable(error)))
          ),
        timeout: options.timeout,
        maxQueue: options.maxQueue,
        weigh: ({ events }) => 100 + events.length,
        ...pieceBounds
      })
      return ConversationStore.of({
        ...Reads.make(sql),
        hashKey: makeHashKey(sql),
        ...makeWrites(sql, {
          begin: yield* Batches.begin(batches, options),
          complete: yield* Batches.complete(batches, options)
        }),
        append: ({ answerId, events, position }) =>
          events.length > 0
            ? submit({ answerId, endsAt: position + events.length, events: Rows.eventsJson(events) })
            : Effect.succeed(false)
      })
    })
  )
