/**
 * Stores conversations in PostgreSQL. No statement leaves state in its session, so that all of them work through PgBouncer in
 * transaction mode.
 *
 * @module
 */
import { PgClient, PgTypes } from "@effect/sql-pg"
import { Effect, Layer, Option, Result, Schema, Stream } from "effect"
import type { SqlError } from "effect/sql"
import { make as makeBatches } from "../../platform/batch/Batches.ts"
import { type InstanceId, MessageId } from "../../platform/Id.ts"
import * as Columns from "../../platform/postgres/Columns.ts"
import * as Database from "../../platform/postgres/Database.ts"
import { array, mapErrors } from "../../platform/postgres/Database.ts"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import { RecordRefused } from "../../platform/Storage.ts"
import { type AnswerProgress, ConversationStore } from "../ConversationStore.ts"
import * as AnswerParts from "../conversations/AnswerParts.ts"
import type { Conversation, ConversationSummary } from "../conversations/Conversation.ts"
import * as ConversationId from "../conversations/ConversationId.ts"
import * as History from "../conversations/History.ts"
import * as Batches from "./ConversationBatches.ts"
import * as Rows from "./ConversationRows.ts"
import * as Writes from "./ConversationWrites.ts"

type Reads = Pick<
  ConversationStore["Service"],
  "history" | "running" | "follow" | "read" | "messageAfter" | "list" | "stream" | "hashKey"
>

const ofKey = "conversation.instance_id = $1 AND conversation_id = $2"

const joined = "conversation JOIN conversation_message AS message USING (conversation_key)"

/**
 * The newest messages that have a text or are running answers: one message more than either bound allows, so that
 * `History.newest` sees what it cuts. If `$3` is true, leaves out what follows the visitor's last message.
 */
const historyStatement = `SELECT ${Rows.messageColumns} FROM (
    SELECT message.*, running, lease_until, sum(characters) OVER (ORDER BY position DESC) - characters AS newer
    FROM ${joined}
    WHERE ${ofKey} AND (characters > 0 OR message_id = running) AND (NOT $3 OR position <= (
      SELECT max(position) FROM conversation_message AS question
      WHERE question.conversation_key = conversation.conversation_key AND role = 'user'))
    ORDER BY position DESC LIMIT $4 + 1
  ) AS message WHERE newer <= $5 ORDER BY position`

const readStatement = `SELECT ${Rows.messageColumns} FROM ${joined} WHERE ${ofKey} ORDER BY position`

const messageAfterStatement = `SELECT message.message_id AS id
  FROM conversation JOIN conversation_message AS answer USING (conversation_key)
    JOIN conversation_message AS message USING (conversation_key)
  WHERE ${ofKey} AND answer.message_id = $3 AND answer.role = 'assistant'
    AND message.position > answer.position AND message.role = 'user'
  ORDER BY message.position LIMIT 1`

const Ids = Schema.Array(Schema.Struct({ id: MessageId }))

const runningStatement = `SELECT running FROM conversation WHERE ${ofKey} AND running IS NOT NULL AND NOT ${Rows.isLapsed}`

const RunningRows = Schema.Array(Schema.Struct({ running: MessageId }))

/** Answers with their pieces: those after the position, or all if the answer's lease has expired. */
const followStatement = `SELECT message_id AS "answerId", ending, parts::text AS parts,
    (running IS NOT DISTINCT FROM message_id) AS runs, ${Rows.isLapsed} AS lapsed,
    ${Rows.piecesOf("message_id", `(ends_at > followed.position OR ${Rows.isLapsed})`)} AS pieces
  FROM unnest($1, $2) AS followed (answer_id, position)
  JOIN conversation_message AS message ON message_id = answer_id AND role = 'assistant'
  JOIN conversation USING (conversation_key)`

const Followed = Schema.Array(Rows.FollowedRow)

/** The maximum number of answers that one statement reads, which bounds the size of its result. */
const maxFollowed = 50

const Summaries = Schema.Array(Schema.Struct(Rows.summary))

const HashKeys = Schema.Tuple([Schema.Struct({ hash_key: Schema.Uint8Array })])

/** The number of conversations in a page of a stream. Their messages are read one conversation at a time. */
const pageSize = 100

export const makeReads = (sql: PgClient.PgClient): Reads => {
  const read: Reads["read"] = (key) =>
    sql.unsafe(readStatement, Rows.keyParameters(key)).pipe(
      mapErrors,
      Rows.decodeMessages,
      Effect.map((messages) => (messages.length === 0 ? Option.none() : Option.some(messages)))
    )

  const history: Reads["history"] = ({ bounds, isRegenerating, key }) =>
    sql
      .unsafe(historyStatement, [
        ...Rows.keyParameters(key),
        PgTypes.bool(isRegenerating),
        PgTypes.int4(bounds.messages),
        PgTypes.int4(bounds.characters)
      ])
      .pipe(
        mapErrors,
        Rows.decodeMessages,
        Effect.map((messages) => History.newest(History.toModelMessages(messages), bounds))
      )

  const running: Reads["running"] = (key) =>
    sql.unsafe(runningStatement, Rows.keyParameters(key)).pipe(
      mapErrors,
      decodeRows(RunningRows),
      Effect.map((rows) => Option.map(Option.fromUndefinedOr(rows[0]), (row) => row.running))
    )

  const messageAfter: Reads["messageAfter"] = (key, answerId) =>
    sql.unsafe(messageAfterStatement, [...Rows.keyParameters(key), PgTypes.uuid(answerId)]).pipe(
      mapErrors,
      decodeRows(Ids),
      Effect.map((rows) => Option.map(Option.fromUndefinedOr(rows[0]), ({ id }) => id))
    )

  const followSome = (answers: Parameters<Reads["follow"]>[0]) =>
    sql
      .unsafe(followStatement, [
        array(
          answers.map(({ answerId }) => answerId),
          PgTypes.OID.uuid
        ),
        array(
          answers.map(({ position }) => position),
          PgTypes.OID.int4
        )
      ])
      .pipe(mapErrors, decodeRows(Followed))

  const follow: Reads["follow"] = Effect.fnUntraced(function* (answers) {
    const positions = new Map(answers.map(({ answerId, position }) => [answerId, position]))
    const followed = [...positions].map(([answerId, position]) => ({ answerId, position }))
    const found = new Map<MessageId, AnswerProgress>()
    for (let first = 0; first < followed.length; first += maxFollowed) {
      for (const row of yield* followSome(followed.slice(first, first + maxFollowed))) {
        const position = positions.get(row.answerId) ?? 0
        const { ending, parts } = Rows.answerOf(row)
        found.set(
          row.answerId,
          ending === null
            ? { ...AnswerParts.eventsFrom(row.pieces ?? [], position), ended: null }
            : { events: [], next: position, ended: { ending, parts } }
        )
      }
    }
    return found
  })

  const summaries = (where: string, parameters: ReadonlyArray<PgTypes.Parameter>) =>
    sql
      .unsafe(`SELECT ${Rows.summaryColumns} FROM conversation WHERE instance_id = $1 AND ${where}`, parameters)
      .pipe(mapErrors, decodeRows(Summaries))

  const list: Reads["list"] = ({ before, instanceId, limit }) =>
    summaries(`(updated_at, conversation_id) < ($2, $3) ORDER BY updated_at DESC, conversation_id DESC LIMIT $4`, [
      PgTypes.uuid(instanceId),
      PgTypes.timestamptz(before?.updatedAt ?? Number.POSITIVE_INFINITY),
      PgTypes.text(before?.conversationId ?? ""),
      PgTypes.int4(limit)
    ])

  /** A conversation with its messages; none if it was deleted after its page was read. */
  const withMessages = (instanceId: InstanceId, summary: ConversationSummary) =>
    Effect.map(
      read({ instanceId, conversationId: summary.conversationId }),
      Option.map((messages): Conversation => ({ ...summary, messages }))
    )

  const stream: Reads["stream"] = ({ instanceId, since }) =>
    Stream.paginate(Option.none<ConversationSummary>(), (last) =>
      summaries(
        `updated_at >= $2 AND (created_at, conversation_id) > ($3, $4)
              ORDER BY created_at, conversation_id LIMIT ${pageSize}`,
        [
          PgTypes.uuid(instanceId),
          PgTypes.timestamptz(since ?? Number.NEGATIVE_INFINITY),
          PgTypes.timestamptz(
            Option.match(last, { onNone: () => Number.NEGATIVE_INFINITY, onSome: (one) => one.createdAt })
          ),
          PgTypes.text(Option.match(last, { onNone: () => "", onSome: (one) => one.conversationId }))
        ]
      ).pipe(Effect.map((page) => [page, Option.map(Option.fromUndefinedOr(page[pageSize - 1]), Option.some)] as const))
    ).pipe(
      Stream.mapEffect((summary) => withMessages(instanceId, summary)),
      Stream.filter(Option.isSome),
      Stream.map((conversation) => conversation.value)
    )

  let known: ConversationId.Key | undefined
  const hashKey: Reads["hashKey"] = Effect.suspend(() =>
    known !== undefined
      ? Effect.succeed(known)
      : sql`SELECT hash_key FROM conversation_hash_key`.pipe(
          mapErrors,
          decodeRows(HashKeys),
          Effect.map(([{ hash_key }]) => {
            known = ConversationId.keyOf(hash_key)
            return known
          })
        )
  )

  return { history, running, follow, read, messageAfter, list, stream, hashKey }
}

/** One each for the batches of turns, answers and pieces. Each kind of batch runs one statement at a time. */
const batchConnections = 3

/** In pieces and UTF-16 units. */
const bounds = { maxBatch: 500, maxBatchWeight: 2 * 2 ** 20, maxQueueWeight: 32 * 2 ** 20 } as const

interface Piece {
  readonly answerId: MessageId
  readonly endsAt: number
  readonly events: string
}

const columns: ReadonlyArray<Columns.Column<Piece>> = [
  Columns.uuid("answer_id", ({ answerId }) => answerId),
  Columns.int4("ends_at", ({ endsAt }) => endsAt),
  Columns.text("events", ({ events }) => events)
]

/**
 * One statement, and so one commit, per batch. The conversations are locked, so that no answer gets a piece after its end.
 * A repeated statement changes nothing.
 */
const statement = `
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
const storeBatch = (
  sql: PgClient.PgClient,
  pieces: ReadonlyArray<Piece>
): Effect.Effect<ReadonlyArray<Result.Result<boolean>>, SqlError.SqlError | RecordRefused> => {
  const written = Columns.parameters(columns, pieces)
  if (Result.isFailure(written)) return Effect.fail(new RecordRefused({ cause: written.failure }))
  return sql.unsafe(statement, written.success).pipe(
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
          storeBatch(batches, pieces).pipe(
            Effect.catchTag("SqlError", (error) => Effect.fail(Database.refusedOrUnavailable(error)))
          ),
        timeout: options.timeout,
        maxQueue: options.maxQueue,
        weigh: ({ events }) => 100 + events.length,
        ...bounds
      })
      return ConversationStore.of({
        ...makeReads(sql),
        ...Writes.make(sql, {
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
