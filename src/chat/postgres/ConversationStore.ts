/**
 * Stores conversations in PostgreSQL. Begins the answers of many conversations with one statement and one commit, and stores pieces of
 * answers and completes them likewise; `ConversationChanges` changes one conversation, and `ConversationReads` reads.
 *
 * A change that begins, ends or deletes answers locks the conversation's row first, so that such changes of a conversation are
 * serialized. A batch of turns or answers never waits for a conversation that another transaction has locked, so that one
 * conversation delays no other: it skips the conversation, whose turn or answer is then written alone. To avoid deadlocks, any other
 * statement that waits for several rows locks them in the order of `running`.
 *
 * The server keeps the plans of the statements, including plans made while the tables were small. A plan must use an index at
 * any table size. `LATERAL` ensures that, as does a `LIMIT` of unknown size, after which the planner expects one row.
 *
 * No statement leaves state in its session, so that all of them work through PgBouncer in transaction mode.
 *
 * @module
 */
import { createSecretKey, type KeyObject } from "node:crypto"
import { PgClient } from "@effect/sql-pg"
import { Clock, type Duration, Effect, Layer, Result, Schema, type Scope } from "effect"
import type { SqlError } from "effect/sql"
import * as Batches from "../../platform/batch/Batches.ts"
import { MessageId } from "../../platform/Id.ts"
import * as Columns from "../../platform/postgres/Columns.ts"
import * as Database from "../../platform/postgres/Database.ts"
import * as Rounds from "../../platform/rounds/Rounds.ts"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import { RecordRefused, type StorageUnavailable } from "../../platform/Storage.ts"
import { ConversationStore, type NewTurn } from "../ConversationStore.ts"
import * as AnswerParts from "../conversations/AnswerParts.ts"
import { leaseMillis, renewMillis } from "../conversations/Conversation.ts"
import * as Changes from "./ConversationChanges.ts"
import * as Reads from "./ConversationReads.ts"
import * as Rows from "./ConversationRows.ts"

export interface Options {
  /** The timeout of each statement, which includes the wait for a connection. */
  readonly timeout: Duration.Input
  /** The maximum number of queued items of each kind. */
  readonly maxQueue: number
}

const lease = Rows.newLease(leaseMillis)

/** A lease that ends before this time was last extended at least `renewMillis` ago. */
const dueBefore = Rows.newLease(leaseMillis - renewMillis)

/**
 * The parameters of a statement, as arguments of `unnest`. They are sub-selects, to hide the length of the arrays from the
 * planner. Otherwise it would plan the statement again at each execution, because a plan for short arrays costs slightly less;
 * but planning takes longer than the execution.
 */
const unnestArguments = (count: number): string =>
  Array.from({ length: count }, (_, index) => `(SELECT $${index + 1})`).join(", ")

/** A visitor's message and the answer that begins with it, at `at` (milliseconds since 1970). */
interface Turn extends NewTurn {
  readonly message: NonNullable<NewTurn["message"]>
  readonly at: number
}

const turnColumns: ReadonlyArray<Columns.Column<Turn>> = [
  Columns.uuid("instance_id", ({ key }) => key.instanceId),
  Columns.text("conversation_id", ({ key }) => key.conversationId),
  Columns.uuid("message_id", ({ message }) => message.messageId),
  Columns.text("parts", ({ message }) => JSON.stringify([{ type: "text", text: message.text }])),
  Columns.int4("size", ({ message }) => message.text.length),
  Columns.uuid("answer_id", ({ answerId }) => answerId),
  Columns.timestamptz("begun_at", ({ at }) => at),
  Columns.text("visitor_hashes", ({ visitorHashes = [] }) => visitorHashes.join(",")),
  Columns.text("client_id", ({ message }) => message.clientId ?? null)
]

const beginStatement = Changes.beginStatement(`unnest(${unnestArguments(9)})`, "SKIP LOCKED")

const completionColumns: ReadonlyArray<Columns.Column<Changes.Completion>> = [
  Columns.uuid("answer_id", ({ answerId }) => answerId),
  Columns.text("parts", ({ parts }) => parts),
  Columns.int4("characters", ({ characters }) => characters),
  Columns.int4("size", ({ size }) => size),
  Columns.timestamptz("ended_at", ({ at }) => at),
  Columns.text("ending", ({ ending }) => ending),
  Columns.int8("input_tokens", ({ inputTokens }) => inputTokens),
  Columns.int8("output_tokens", ({ outputTokens }) => outputTokens),
  Columns.bool("is_unanswered", ({ isUnanswered }) => isUnanswered)
]

const completeStatement = Changes.completeStatement(`unnest(${unnestArguments(9)})`, "SKIP LOCKED")

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
  SELECT running AS id FROM runs`

/** What one kind of batch stores. Its statement returns the ids of the answers that it stored, or that run. */
interface Kind<Item> {
  readonly name: Batches.Kind
  readonly statement: string
  readonly columns: ReadonlyArray<Columns.Column<Item>>
  /** What the statement changes; it changes a row only once, for the first item. */
  readonly rowOf: (item: Item) => unknown
  /** In UTF-16 units. */
  readonly weigh: (item: Item) => number
  readonly maxBatch: number
  /** The loops that may have work after these items are stored. */
  readonly wakes: (items: ReadonlyArray<Item>) => ReadonlyArray<Rounds.Kind>
}

const turns: Kind<Turn> = {
  name: "turns",
  statement: beginStatement,
  columns: turnColumns,
  rowOf: ({ key }) => `${key.instanceId} ${key.conversationId}`,
  weigh: ({ message }) => 200 + message.text.length,
  maxBatch: 200,
  wakes: () => ["events", "leads"]
}

const completions: Kind<Changes.Completion> = {
  name: "answers",
  statement: completeStatement,
  columns: completionColumns,
  rowOf: ({ answerId }) => answerId,
  weigh: ({ parts }) => 200 + parts.length,
  maxBatch: 200,
  wakes: (items) => (items.some(({ isUnanswered }) => isUnanswered === true) ? ["events"] : [])
}

const pieces: Kind<Piece> = {
  name: "answer-pieces",
  statement: piecesStatement,
  columns: pieceColumns,
  rowOf: (piece) => piece,
  weigh: ({ events }) => 100 + events.length,
  maxBatch: 500,
  wakes: () => []
}

const Stored = Schema.Array(Schema.Struct({ id: Schema.String }))

/**
 * Starts the batches of a kind, and returns the function that stores an item. It returns false, without a change, if the item must be
 * stored alone or not at all. `sql` must be a client with `Columns.types`.
 */
const makeBatches = <Item extends { readonly answerId: MessageId }>(
  sql: PgClient.PgClient,
  { maxQueue, timeout }: Options,
  { columns, maxBatch, name, rowOf, statement, wakes, weigh }: Kind<Item>
): Effect.Effect<(item: Item) => Effect.Effect<boolean, StorageUnavailable | RecordRefused>, never, Scope.Scope> => {
  const store = (
    items: ReadonlyArray<Item>
  ): Effect.Effect<ReadonlyArray<Result.Result<boolean>>, SqlError.SqlError | RecordRefused> => {
    const written = [...new Map(items.toReversed().map((item) => [rowOf(item), item])).values()]
    const parameters = Columns.parameters(columns, written)
    if (Result.isFailure(parameters)) return Effect.fail(new RecordRefused({ cause: parameters.failure }))
    return sql.unsafe(statement, parameters.success).pipe(
      decodeRows(Stored),
      Effect.map((rows) => {
        const stored = new Set(rows.map(({ id }) => id))
        const isWritten = new Set(written)
        return items.map((item) => Result.succeed(isWritten.has(item) && stored.has(item.answerId)))
      })
    )
  }
  return Effect.map(
    Batches.make<Item, boolean, never>(name, {
      flush: (items) =>
        store(items).pipe(
          Effect.catchTag("SqlError", (error) => Effect.fail(Database.refusedOrUnavailable(error))),
          Rounds.waking(...wakes(items))
        ),
      timeout,
      maxQueue,
      weigh,
      maxBatch,
      maxBatchWeight: 2 * 2 ** 20,
      maxQueueWeight: 32 * 2 ** 20
    }),
    ({ submit }) => submit
  )
}

const Running = Schema.Array(Schema.Struct({ running: MessageId }))

type Service = ConversationStore["Service"]

/** If the connection breaks, the statement may run twice: the second run extends the same leases. */
const makeRenew =
  (sql: PgClient.PgClient): Service["renew"] =>
  (answerIds) => {
    if (answerIds.length === 0) return Effect.succeed(new Set())
    return sql`WITH mine AS MATERIALIZED (
        SELECT conversation_key, running, lease_until FROM conversation
        WHERE running = ANY (${Database.uuids(answerIds)})
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
      Database.read(Running),
      Effect.map((rows) => new Set(rows.map(({ running }) => running)))
    )
  }

const HashKeys = Schema.Tuple([Schema.Struct({ hash_key: Schema.Uint8Array })])

/** Reads the key once. */
const makeHashKey = (sql: PgClient.PgClient): ConversationStore["Service"]["hashKey"] => {
  let known: KeyObject | undefined
  return Effect.suspend(() =>
    known !== undefined
      ? Effect.succeed(known)
      : sql`SELECT hash_key FROM conversation_hash_key`.pipe(
          Database.read(HashKeys),
          Effect.map(([{ hash_key }]) => {
            known = createSecretKey(hash_key)
            return known
          })
        )
  )
}

export const layer = (options: Options): Layer.Layer<ConversationStore, SqlError.SqlError, PgClient.PgClient> =>
  Layer.effect(
    ConversationStore,
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      // A connection for each kind of batch, which runs one statement at a time.
      const batches = yield* Database.dedicated({ types: Columns.types, maxConnections: 3, isBounded: false })
      const beginTurn = yield* makeBatches(batches, options, turns)
      const completeAnswer = yield* makeBatches(batches, options, completions)
      const storePiece = yield* makeBatches(batches, options, pieces)
      const changes = Changes.make(sql)

      const begin: Service["begin"] = Effect.fnUntraced(function* (turn) {
        const { from, message } = turn
        if (message !== null && from === undefined) {
          if (yield* beginTurn({ ...turn, message, at: yield* Clock.currentTimeMillis })) return
        }
        yield* changes.begin(turn)
      })

      const complete: Service["complete"] = Effect.fnUntraced(function* ({ answerId, ending, parts, usage }) {
        const completion: Changes.Completion = {
          answerId,
          at: yield* Clock.currentTimeMillis,
          ...AnswerParts.storedEnd(parts, ending),
          inputTokens: usage === null ? null : Math.round(usage.inputTokens),
          outputTokens: usage === null ? null : Math.round(usage.outputTokens)
        }
        return (yield* completeAnswer(completion)) || (yield* changes.complete(completion))
      })

      return ConversationStore.of({
        ...Reads.make(sql),
        ...changes,
        begin,
        complete,
        renew: makeRenew(sql),
        append: ({ answerId, events, position }) =>
          events.length > 0
            ? storePiece({ answerId, endsAt: position + events.length, events: JSON.stringify(events) })
            : Effect.succeed(false),
        hashKey: makeHashKey(sql)
      })
    })
  )
