/**
 * Encodes messages, events and their times for the tables of conversations, and decodes them.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { Effect, Schema } from "effect"
import { MessageId } from "../../platform/Id.ts"
import * as Times from "../../platform/postgres/Times.ts"
import { decodeRows, Time } from "../../platform/runtime/Rows.ts"
import { AgentEvent } from "../agent/Agent.ts"
import * as AnswerParts from "../conversations/AnswerParts.ts"
import {
  type AgentAnswer,
  AnswerEnding,
  type ConversationKey,
  type Message,
  MessagePart
} from "../conversations/Conversation.ts"
import { Transcript } from "../conversations/Transcript.ts"

export const Parts = Schema.fromJsonString(Schema.Array(MessagePart))

const { messages: _, ...transcript } = Transcript.fields

/** The members of a `Transcript` besides its messages, which the columns of the same names have. */
export const transcriptFields = { ...transcript, created_at: Time, updated_at: Time }

export const transcriptColumns = Object.keys(transcriptFields).join(", ")

/** The pieces of an answer as one JSON text, or null for none. */
export const Pieces = Schema.NullOr(
  Schema.fromJsonString(Schema.Array(Schema.Tuple([Schema.Int, Schema.Array(AgentEvent)])))
)

/** The pieces of `answer` (an expression) for which `condition` holds, as `Pieces` reads them. */
export const piecesOf = (answer: string, condition = "true"): string =>
  `(SELECT json_agg(json_build_array(ends_at, events))::text FROM answer_piece
    WHERE answer_id = ${answer} AND ${condition})`

/** The parts of an answer that is stored in pieces. */
export const partsOf = (pieces: typeof Pieces.Type): (typeof Parts)["Type"] =>
  AnswerParts.fromEvents(AnswerParts.eventsFrom(pieces ?? [], 0).events)

/** Whether the lease of the running answer has expired. */
export const isLapsed = "coalesce(lease_until <= clock_timestamp(), false)"

/** Whether a conversation waits for a person. The index `conversation_waiting` has the same condition. */
export const isWaiting = "(unanswered_at IS NOT NULL AND (opened_at IS NULL OR opened_at < unanswered_at))"

/**
 * The `unanswered_at` of a conversation after an answer that ended at `endedAt`. `isUnanswered` is what
 * `AnswerParts.isUnansweredAfter` says of the answer, or null.
 */
export const unansweredAt = (isUnanswered: string, endedAt: string): string =>
  `CASE WHEN ${isUnanswered} THEN ${endedAt} WHEN NOT ${isUnanswered} THEN NULL ELSE unanswered_at END`

/** The end of a lease that begins now. Leases use the database's clock, so that the clocks of processes need not agree. */
export const newLease = (leaseMillis: number): string => `clock_timestamp() + interval '${leaseMillis} milliseconds'`

/** The website of an instance, if the website has subscribers. The limit makes the planner use an index. */
export const subscribedOf = (instanceId: string): string => `SELECT website_config_id
  FROM instance JOIN site USING (website_config_id)
  WHERE instance.instance_id = ${instanceId} AND has_subscribers AND site.deleted_at IS NULL LIMIT 1`

/** `Conversation.subjectOf` in SQL. */
export const subjectOf = (instanceId: string, conversationId: string): string =>
  `${instanceId}::text || ' ' || ${conversationId}`

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

/** The parameters `$1` and `$2` of a statement about one conversation. */
export const keyParameters = ({ conversationId, instanceId }: ConversationKey): ReadonlyArray<PgTypes.Parameter> => [
  PgTypes.uuid(instanceId),
  PgTypes.text(conversationId)
]

const Answer = Schema.Struct({
  parts: Parts,
  ending: Schema.NullOr(AnswerEnding),
  runs: Schema.Boolean,
  lapsed: Schema.Boolean,
  pieces: Pieces
})

/** A row of an answer that is followed. */
export const FollowedRow = Schema.Struct({ answerId: MessageId, ...Answer.fields })

/** The parts and the ending of an answer. A running answer has the parts that were stored so far. */
export const answerOf = (row: typeof Answer.Type): Pick<AgentAnswer, "parts" | "ending"> =>
  row.runs
    ? { parts: partsOf(row.pieces), ending: row.lapsed ? "cut" : null }
    : { parts: row.parts, ending: row.ending }

const MessageRow = Schema.Struct({
  ...Answer.fields,
  messageId: MessageId,
  clientId: Schema.NullOr(Schema.String),
  role: Schema.Literals(["user", "assistant"]),
  createdAt: Schema.Finite,
  rating: Schema.NullOr(Schema.Literals(["up", "down"])),
  comment: Schema.NullOr(Schema.String)
})

/** The columns of `conversation_message AS message JOIN conversation`, as `toMessage` reads them. */
export const messageColumns = `
  message_id AS "messageId", client_id AS "clientId", role, parts::text AS parts, ${Times.millis("message.created_at")} AS "createdAt", ending, rating,
  comment, (running IS NOT DISTINCT FROM message_id) AS runs, ${isLapsed} AS lapsed,
  ${piecesOf("message_id", "running = message_id")} AS pieces`

const toMessage = (row: typeof MessageRow.Type): Message => {
  const { clientId, comment, createdAt, messageId, parts, rating, role } = row
  return role === "user"
    ? { messageId, ...(clientId === null ? {} : { clientId }), role, parts, createdAt }
    : { messageId, role, createdAt, rating, comment, ...answerOf(row) }
}

const decodeMessageRows = decodeRows(Schema.Array(MessageRow))

/** The messages that a query returns. */
export const decodeMessages = <E, R>(
  query: Effect.Effect<unknown, E, R>
): Effect.Effect<ReadonlyArray<Message>, E, R> => Effect.map(decodeMessageRows(query), (rows) => rows.map(toMessage))
