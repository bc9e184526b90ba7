/**
 * Reads the subjects of events: submissions and conversations.
 *
 * @module
 */
import { type PgClient, PgTypes } from "@effect/sql-pg"
import { Effect, Schema } from "effect"
import * as AnswerParts from "../../chat/conversations/AnswerParts.ts"
import * as Conversation from "../../chat/conversations/Conversation.ts"
import * as ConversationRows from "../../chat/postgres/ConversationRows.ts"
import * as SubmissionRows from "../../forms/postgres/SubmissionRows.ts"
import { ConversationId, InstanceId, isCanonicalUuid } from "../../platform/Id.ts"
import * as Database from "../../platform/postgres/Database.ts"
import * as Times from "../../platform/postgres/Times.ts"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import * as Event from "../Event.ts"

const Conversations = Schema.Array(
  Schema.Struct({
    instanceId: InstanceId,
    conversationId: ConversationId,
    startedAt: Schema.Finite,
    parts: ConversationRows.Parts
  })
)

const submissionsStatement = `SELECT ${SubmissionRows.columns} FROM submission WHERE submission_id = ANY ($1)`

/** The visitor's first message in each conversation. */
const conversationsStatement = `SELECT instance_id AS "instanceId", conversation_id AS "conversationId",
    ${Times.millis("first.created_at")} AS "startedAt", parts::text AS parts
  FROM unnest($1::uuid[], $2::text[]) AS named (instance_id, conversation_id)
  JOIN conversation USING (instance_id, conversation_id) CROSS JOIN LATERAL (
    SELECT parts, created_at FROM conversation_message
    WHERE conversation_key = conversation.conversation_key AND role = 'user' ORDER BY position LIMIT 1
  ) AS first`

/** The data of subjects that exist, as JSON, by subject. */
export const dataOf = Effect.fnUntraced(function* (sql: PgClient.PgClient, subjects: ReadonlyArray<string>) {
  const ids = subjects.filter(isCanonicalUuid)
  const keys = subjects.flatMap((subject) => Conversation.keyOfSubject(subject) ?? [])
  const submissions =
    ids.length === 0
      ? []
      : yield* sql
          .unsafe(submissionsStatement, [Database.array(ids, PgTypes.OID.uuid)])
          .pipe(decodeRows(SubmissionRows.Rows))
  const conversations =
    keys.length === 0
      ? []
      : yield* sql
          .unsafe(conversationsStatement, [
            Database.array(
              keys.map(({ instanceId }) => instanceId),
              PgTypes.OID.uuid
            ),
            Database.array(
              keys.map(({ conversationId }) => conversationId),
              PgTypes.OID.text
            )
          ])
          .pipe(decodeRows(Conversations))
  const data = new Map<string, string>()
  for (const row of submissions) {
    data.set(row.submission_id, Event.submissionData(SubmissionRows.fromRow(row)))
    // A submission may have thousands of values, which take milliseconds: requests run in between.
    yield* Effect.yieldNow
  }
  for (const row of conversations) {
    data.set(Conversation.subjectOf(row), Event.conversationData({ ...row, message: AnswerParts.textOf(row.parts) }))
  }
  return data
})
