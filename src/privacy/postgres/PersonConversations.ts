/**
 * Finds and deletes the conversations of a person. An instance's conversations are read in the order of the index
 * `conversation_created`.
 *
 * @module
 */

import { type PgClient, PgTypes } from "@effect/sql-pg"
import { Effect, Option, Schema, Stream } from "effect"
import * as Conversation from "../../chat/conversations/Conversation.ts"
import * as Transcript from "../../chat/conversations/Transcript.ts"
import * as ConversationReads from "../../chat/postgres/ConversationReads.ts"
import * as ConversationRows from "../../chat/postgres/ConversationRows.ts"
import { InstanceId } from "../../platform/Id.ts"
import * as Database from "../../platform/postgres/Database.ts"
import * as Outbox from "../../platform/postgres/Outbox.ts"
import * as Person from "../Person.ts"
import * as Store from "./Store.ts"

/** The maximum number of conversations that a statement searches: few enough to search the longest ones within the timeout. */
const pageSize = 50

/** The instances of the website `$1`, or all instances if it is null. */
const instancesStatement = `SELECT instance_id FROM instance WHERE $1::uuid IS NULL OR website_config_id = $1
  ORDER BY created_at, instance_id`

/** A position in the order of an instance's conversations. The time is a text, which keeps its microseconds. */
const Positions = Schema.Array(Schema.Struct({ time: Schema.String, id: Schema.String }))

type Position = (typeof Positions.Type)[number]

const first: Position = { time: "-infinity", id: "" }
const last: Position = { time: "infinity", id: "" }

/** The conversations of an instance after a position. */
const after = "FROM conversation WHERE instance_id = $1 AND (created_at, conversation_id) > ($2::text::timestamptz, $3)"

/** The last position of a page; none if fewer conversations than `pageSize` are left. Reads the index only. */
const endStatement = `SELECT created_at::text AS time, conversation_id AS id ${after}
  ORDER BY created_at, conversation_id OFFSET ${pageSize - 1} LIMIT 1`

const Candidates = Schema.Array(Schema.Struct({ instance_id: InstanceId, ...ConversationRows.transcriptFields }))

/** The conversations of a page that may be the person's. */
const pageStatement = `SELECT instance_id, ${ConversationRows.transcriptColumns} ${after} AND (created_at, conversation_id) <= ($4::text::timestamptz, $5)
    AND EXISTS (
      SELECT FROM conversation_message AS message WHERE message.conversation_key = conversation.conversation_key
        AND (${Store.mayContainEncoded("parts::text", "$6")} OR ${Store.mayContainEncoded("comment", "$6")})
    )
  ORDER BY created_at, conversation_id`

/** Locks the conversations in the order that `ConversationStore` describes. */
const deleteStatement = `WITH gone AS MATERIALIZED (
    SELECT conversation_key FROM conversation JOIN unnest($1::uuid[], $2::text[]) AS named (instance_id, conversation_id)
      USING (instance_id, conversation_id) ORDER BY running FOR UPDATE OF conversation
  )
  DELETE FROM conversation USING gone WHERE conversation.conversation_key = gone.conversation_key`

export const make = (sql: PgClient.PgClient): Store.Store => {
  const { read } = ConversationReads.make(sql)

  /** The whole conversation, unless it is deleted meanwhile or does not contain the address. */
  const verified =
    (address: string) =>
    ({ instance_id: instanceId, ...candidate }: (typeof Candidates.Type)[number]) => {
      const key = { instanceId, conversationId: candidate.conversation_id }
      return Effect.map(read(key), (stored): ReadonlyArray<Store.FoundRecord> => {
        const messages = Option.getOrElse(stored, () => []).map(Transcript.messageOf)
        const conversation = { ...candidate, messages }
        return Person.isInConversation(conversation, address)
          ? [
              {
                record: { kind: "conversation", instanceId, conversation },
                subject: Conversation.subjectOf(key)
              }
            ]
          : []
      })
    }

  const parametersOf = ({ id, time }: Position) => [PgTypes.text(time), PgTypes.text(id)]

  const pages = (query: Person.Query, instanceId: InstanceId) => {
    const instance = PgTypes.uuid(instanceId)
    return Stream.paginate(
      first,
      Effect.fnUntraced(function* (from) {
        const [end] = yield* sql.unsafe(endStatement, [instance, ...parametersOf(from)]).pipe(Database.read(Positions))
        const candidates = yield* sql
          .unsafe(pageStatement, [instance, ...parametersOf(from), ...parametersOf(end ?? last), Store.needle(query)])
          .pipe(Database.read(Candidates))
        const found = yield* Effect.forEach(candidates, verified(query.address))
        return [[found.flat()], Option.fromUndefinedOr(end)] as const
      })
    )
  }

  return {
    search: (query) =>
      Stream.fromIterableEffect(
        sql.unsafe(instancesStatement, [PgTypes.uuid(query.websiteConfigId)]).pipe(Database.readColumn(InstanceId))
      ).pipe(Stream.flatMap((id) => pages(query, id))),
    erase: Effect.fnUntraced(function* (found) {
      const keys = found.flatMap(
        ({ record }): ReadonlyArray<Conversation.ConversationKey> =>
          record.kind === "conversation"
            ? [{ instanceId: record.instanceId, conversationId: record.conversation.conversation_id }]
            : []
      )
      yield* sql
        .unsafe(deleteStatement, [
          Database.uuids(keys.map(({ instanceId }) => instanceId)),
          Database.texts(keys.map(({ conversationId }) => conversationId))
        ])
        .pipe(
          Effect.andThen(Outbox.erase(sql, keys.map(Conversation.subjectOf))),
          sql.withTransaction,
          Database.mapErrors
        )
      return keys.length
    })
  }
}
