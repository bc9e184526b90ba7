/**
 * Begins the answers of many conversations with one statement and one commit, and completes answers likewise.
 *
 * A batch never waits for a conversation that another transaction has locked, so that one conversation delays no other. The
 * batch skips a locked conversation and returns false for its turn or answer, which the caller then writes alone.
 *
 * The server keeps the plans of the statements, including plans made while the tables were small. A plan must use an index at
 * any table size. `LATERAL` ensures that, as does a `LIMIT` of unknown size, after which the planner expects one row.
 *
 * @module
 */
import type { PgClient } from "@effect/sql-pg"
import { type Duration, Effect, Result, Schema, type Scope } from "effect"
import type { SqlError } from "effect/sql"
import * as ChatLead from "../../analytics/postgres/ChatLead.ts"
import * as Batches from "../../platform/batch/Batches.ts"
import type { MessageId } from "../../platform/Id.ts"
import * as Columns from "../../platform/postgres/Columns.ts"
import * as Database from "../../platform/postgres/Database.ts"
import * as Rounds from "../../platform/rounds/Rounds.ts"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import { RecordRefused, type StorageUnavailable } from "../../platform/Storage.ts"
import { type ConversationKey, leaseMillis, maxMessages, maxSize } from "../conversations/Conversation.ts"
import { isWaiting, newLease, unansweredAt } from "./ConversationRows.ts"

/** The website of an instance, if the website has subscribers. The limit makes the planner use an index. */
export const subscribedOf = (instanceId: string): string => `SELECT website_config_id
  FROM instance JOIN site USING (website_config_id)
  WHERE instance.instance_id = ${instanceId} AND has_subscribers AND site.deleted_at IS NULL LIMIT 1`

/** `Conversation.subjectOf` in SQL. */
export const subjectOf = (instanceId: string, conversationId: string): string =>
  `${instanceId}::text || ' ' || ${conversationId}`

export interface Options {
  /** The timeout of each statement, which includes the wait for a connection. */
  readonly timeout: Duration.Input
  /** The maximum number of queued items of each kind. */
  readonly maxQueue: number
}

/** A visitor's message and the answer that begins with it. */
export interface Turn {
  readonly key: ConversationKey
  readonly messageId: MessageId
  /** The client's own id of the message; null if the client gave none. */
  readonly clientId: string | null
  /** The message's parts as JSON. */
  readonly parts: string
  /** The message's length in UTF-16 units. */
  readonly size: number
  readonly answerId: MessageId
  /** Milliseconds since 1970. */
  readonly at: number
  /** See `NewTurn`. */
  readonly visitorHashes: ReadonlyArray<string>
}

/** An answer that ends. */
export interface Completion {
  readonly answerId: MessageId
  /** The answer's parts as JSON. */
  readonly parts: string
  /** The length of the answer's text, in UTF-16 units. */
  readonly characters: number
  /** The length of all its parts, in UTF-16 units. */
  readonly size: number
  /** Milliseconds since 1970. */
  readonly at: number
  readonly ending: string
  /** See `AnswerParts.isUnansweredAfter`; null if the answer says nothing about that. */
  readonly isUnanswered: boolean | null
  readonly inputTokens: number | null
  readonly outputTokens: number | null
}

/**
 * The parameters of a statement, as arguments of `unnest`. They are sub-selects, to hide the length of the arrays from the
 * planner. Otherwise it would plan the statement again at each execution, because a plan for short arrays costs slightly less;
 * but planning takes longer than the execution.
 */
const unnestArguments = (count: number): string =>
  Array.from({ length: count }, (_, index) => `(SELECT $${index + 1})`).join(", ")

/** Stores an item. Returns false, without a change, if the item must be stored alone or not at all. */
type Submit<Item> = (item: Item) => Effect.Effect<boolean, StorageUnavailable | RecordRefused>

/** In items and UTF-16 units. */
const bounds = { maxBatch: 200, maxBatchWeight: 2 * 2 ** 20, maxQueueWeight: 32 * 2 ** 20 } as const

const turnColumns: ReadonlyArray<Columns.Column<Turn>> = [
  Columns.uuid("instance_id", ({ key }) => key.instanceId),
  Columns.text("conversation_id", ({ key }) => key.conversationId),
  Columns.uuid("message_id", ({ messageId }) => messageId),
  Columns.text("parts", ({ parts }) => parts),
  Columns.int4("size", ({ size }) => size),
  Columns.uuid("answer_id", ({ answerId }) => answerId),
  Columns.timestamptz("begun_at", ({ at }) => at),
  Columns.text("visitor_hashes", ({ visitorHashes }) => visitorHashes.join(",")),
  Columns.text("client_id", ({ clientId }) => clientId)
]

/**
 * Begins an answer in each conversation that is new, or that is not full and has no running answer. New conversations are
 * created in the order of their keys, because otherwise two processes that create the same ones could deadlock. A turn
 * with visitor hashes also leaves a pending lead (see `Leads`), and a conversation that begins on a website with
 * subscribers leaves an event.
 */
const beginStatement = `
  WITH turn AS MATERIALIZED (
    SELECT * FROM unnest(${unnestArguments(9)})
      AS turn (instance_id, conversation_id, message_id, parts, length, answer_id, begun_at, visitor_hashes,
        client_message_id)
  ), idle AS MATERIALIZED (
    SELECT turn.*, locked.conversation_key FROM turn CROSS JOIN LATERAL (
      SELECT conversation_key FROM conversation
      WHERE instance_id = turn.instance_id AND conversation_id = turn.conversation_id
        AND running IS NULL AND messages + 2 <= ${maxMessages} AND size + length <= ${maxSize}
      FOR NO KEY UPDATE SKIP LOCKED
    ) AS locked LIMIT (SELECT count(*) FROM turn)
  ), continued AS (
    UPDATE conversation SET updated_at = greatest(updated_at, begun_at), messages = messages + 2, size = size + length,
      running = answer_id, lease_until = ${newLease(leaseMillis)}
    FROM idle WHERE conversation.conversation_key = idle.conversation_key
    RETURNING conversation.conversation_key, messages, running
  ), created AS (
    INSERT INTO conversation
      (instance_id, conversation_id, created_at, updated_at, messages, size, running, lease_until)
    SELECT instance_id, conversation_id, begun_at, begun_at, 2, length, answer_id, ${newLease(leaseMillis)} FROM turn
    ORDER BY instance_id, conversation_id
    ON CONFLICT (instance_id, conversation_id) DO NOTHING
    RETURNING conversation_key, messages, running
  ), begun AS MATERIALIZED (
    SELECT * FROM continued UNION ALL SELECT * FROM created
  ), added AS (
    INSERT INTO conversation_message
      (message_id, conversation_key, position, role, parts, characters, created_at, client_id)
    SELECT id, conversation_key, place, role, content::json, content_length, begun_at, client_id
    FROM begun JOIN turn ON answer_id = running CROSS JOIN LATERAL (VALUES
      (message_id, messages - 1, 'user', turn.parts, length, client_message_id),
      (answer_id, messages, 'assistant', '[]', 0, NULL)
    ) AS message (id, place, role, content, content_length, client_id)
  ), lead AS (
    INSERT INTO pending_lead (lead_id, kind, hosted_website_id, visitor_hashes, received_at, conversation_key)
    SELECT gen_random_uuid(), 'chat', hosted_website_id, string_to_array(visitor_hashes, ','), begun_at,
      CASE WHEN messages = 2 THEN conversation_key END
    FROM begun JOIN turn ON answer_id = running CROSS JOIN LATERAL (${ChatLead.websiteOf("turn.instance_id")}) AS website
    WHERE visitor_hashes <> ''
  ), event AS (
    INSERT INTO outbox (event_id, website_config_id, type, created_at, subject)
    SELECT gen_random_uuid(), website_config_id, 'conversation.started', begun_at,
      ${subjectOf("turn.instance_id", "conversation_id")}
    FROM created JOIN turn ON answer_id = running
    CROSS JOIN LATERAL (${subscribedOf("turn.instance_id")}) AS website
  )
  SELECT running AS id FROM begun`

const completionColumns: ReadonlyArray<Columns.Column<Completion>> = [
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

/**
 * An event for a conversation that begins to wait for a person, on a website with subscribers. `source` has one row for each
 * conversation before its answer ended: `instance_id`, `conversation_id`, `was_waiting`, `ended_at` and `is_unanswered`.
 */
export const unansweredEvent = (
  source: string
): string => `INSERT INTO outbox (event_id, website_config_id, type, created_at, subject)
    SELECT gen_random_uuid(), website_config_id, 'conversation.unanswered', ended_at,
      ${subjectOf(`${source}.instance_id`, "conversation_id")}
    FROM ${source} CROSS JOIN LATERAL (${subscribedOf(`${source}.instance_id`)}) AS website
    WHERE is_unanswered AND NOT was_waiting`

/**
 * Ends running answers. A piece that is stored at the same moment may remain; `LockedConversation.closeLapsed` deletes it. A
 * conversation whose answer failed waits for a person from then on, and leaves an event.
 */
const completeStatement = `
  WITH answer AS MATERIALIZED (
    SELECT * FROM unnest(${unnestArguments(9)})
      AS answer (answer_id, content, content_length, total_length, ended_at, end_reason, tokens_in, tokens_out,
        is_unanswered)
  ), held AS MATERIALIZED (
    SELECT answer.*, locked.* FROM answer CROSS JOIN LATERAL (
      SELECT conversation_key, instance_id, conversation_id, ${isWaiting} AS was_waiting
      FROM conversation WHERE running = answer_id FOR NO KEY UPDATE SKIP LOCKED
    ) AS locked LIMIT (SELECT count(*) FROM answer)
  ), ended AS (
    UPDATE conversation SET running = NULL, lease_until = NULL, size = size + total_length,
      updated_at = greatest(updated_at, ended_at), unanswered_at = ${unansweredAt("is_unanswered", "ended_at")}
    FROM held WHERE conversation.conversation_key = held.conversation_key
  ), event AS (
    ${unansweredEvent("held")}
  ), gone AS (
    DELETE FROM answer_piece USING held WHERE answer_piece.answer_id = held.answer_id
  )
  UPDATE conversation_message SET parts = content::json, characters = content_length, ending = end_reason,
    input_tokens = tokens_in, output_tokens = tokens_out
  FROM held WHERE message_id = answer_id RETURNING message_id AS id`

const Stored = Schema.Array(Schema.Struct({ id: Schema.String }))

/** The first item of each row, because a statement can change a row only once. */
const firstOfEachRow = <Item>(items: ReadonlyArray<Item>, rowOf: (item: Item) => string): ReadonlyArray<Item> => [
  ...new Map(items.toReversed().map((item) => [rowOf(item), item])).values()
]

/** Starts a group commit of one kind. The statement returns the ids of the answers that it stored. */
const make = <Item extends { readonly answerId: MessageId }>(
  sql: PgClient.PgClient,
  options: Options,
  kind: {
    readonly name: Batches.Kind
    /** The loops that may have work after these items are stored. */
    readonly wakes: (items: ReadonlyArray<Item>) => ReadonlyArray<Rounds.Kind>
    readonly statement: string
    readonly columns: ReadonlyArray<Columns.Column<Item>>
    readonly rowOf: (item: Item) => string
    readonly weigh: (item: Item) => number
  }
): Effect.Effect<Submit<Item>, never, Scope.Scope> => {
  const flush = (
    items: ReadonlyArray<Item>
  ): Effect.Effect<ReadonlyArray<Result.Result<boolean>>, SqlError.SqlError | RecordRefused> => {
    const written = firstOfEachRow(items, kind.rowOf)
    const parameters = Columns.parameters(kind.columns, written)
    if (Result.isFailure(parameters)) return Effect.fail(new RecordRefused({ cause: parameters.failure }))
    return sql.unsafe(kind.statement, parameters.success).pipe(
      decodeRows(Stored),
      Effect.map((rows) => {
        const stored = new Set(rows.map(({ id }) => id))
        const isWritten = new Set(written)
        return items.map((item) => Result.succeed(isWritten.has(item) && stored.has(item.answerId)))
      })
    )
  }
  return Effect.gen(function* () {
    const { submit } = yield* Batches.make<Item, boolean, never>(kind.name, {
      flush: (items) =>
        flush(items).pipe(
          Effect.catchTag("SqlError", (error) => Effect.fail(Database.refusedOrUnavailable(error))),
          Rounds.waking(...kind.wakes(items))
        ),
      timeout: options.timeout,
      maxQueue: options.maxQueue,
      weigh: kind.weigh,
      ...bounds
    })
    return submit
  })
}

/** Begins answers to messages. `sql` must be a client with `Columns.types`. */
export const begin = (sql: PgClient.PgClient, options: Options) =>
  make<Turn>(sql, options, {
    name: "turns",
    wakes: () => ["events", "leads"],
    statement: beginStatement,
    columns: turnColumns,
    rowOf: ({ key }) => `${key.instanceId} ${key.conversationId}`,
    weigh: ({ parts }) => 200 + parts.length
  })

/** Completes answers. `sql` must be a client with `Columns.types`. */
export const complete = (sql: PgClient.PgClient, options: Options) =>
  make<Completion>(sql, options, {
    name: "answers",
    wakes: (items) => (items.some(({ isUnanswered }) => isUnanswered === true) ? ["events"] : []),
    statement: completeStatement,
    columns: completionColumns,
    rowOf: ({ answerId }) => answerId,
    weigh: ({ parts }) => 200 + parts.length
  })
