/**
 * Finds and deletes the conversations of a person. All conversations are read in the order of their keys, which is the order
 * in which they began.
 *
 * @module
 */
import { type PgClient, PgTypes } from "@effect/sql-pg"
import { type Duration, Effect, Option, Schema, Stream } from "effect"
import type { ConversationKey } from "../../core/chat/Conversation.ts"
import * as FanOut from "../../core/delivery/FanOut.ts"
import * as Person from "../../core/persons/Person.ts"
import { decodeRows } from "../../runtime/Rows.ts"
import * as ConversationReads from "../chat/ConversationReads.ts"
import * as Database from "../Database.ts"
import * as Outbox from "../delivery/Outbox.ts"
import * as Times from "../Times.ts"
import * as Store from "./Store.ts"

/** The conversations that a statement reads: few enough for the longest. */
const pageSize = 50

const Places = Schema.Array(Schema.Struct({ key: Schema.BigInt }))

const endStatement = `SELECT conversation_key AS key FROM conversation WHERE conversation_key > $1
  ORDER BY conversation_key OFFSET ${pageSize - 1} LIMIT 1`

const Candidates = Schema.Array(
  Schema.Struct({
    instanceId: Schema.String,
    conversationId: Schema.String,
    createdAt: Schema.Finite,
    updatedAt: Schema.Finite
  })
)

/** The conversations of a page that may be the person's. `$4` is a website, or null for all. */
const pageStatement = `SELECT conversation.instance_id AS "instanceId", conversation_id AS "conversationId",
    ${Times.millis("conversation.created_at")} AS "createdAt",
    ${Times.millis("conversation.updated_at")} AS "updatedAt"
  FROM conversation JOIN instance USING (instance_id)
  WHERE conversation_key > $2 AND conversation_key <= $3 AND ($4::uuid IS NULL OR website_config_id = $4)
    AND EXISTS (
      SELECT FROM conversation_message AS message WHERE message.conversation_key = conversation.conversation_key
        AND (${Store.mayContain("parts::text", "$1")} OR ${Store.mayContain("comment", "$1")})
    )
  ORDER BY conversation_key`

const last = 2n ** 63n - 1n

/** Locks the conversations in the order that `ConversationWrites` describes. */
const deleteStatement = `WITH gone AS MATERIALIZED (
    SELECT conversation_key FROM conversation JOIN unnest($1::uuid[], $2::text[]) AS named (instance_id, conversation_id)
      USING (instance_id, conversation_id) ORDER BY running FOR UPDATE OF conversation
  )
  DELETE FROM conversation USING gone WHERE conversation.conversation_key = gone.conversation_key`

export const make = (sql: PgClient.PgClient, timeout: Duration.Input): Store.Store => {
  const { read } = ConversationReads.make(sql, timeout)

  /** The whole conversation, unless it is deleted meanwhile or does not contain the address. */
  const verified = (address: string) => (candidate: (typeof Candidates.Type)[number]) =>
    Effect.map(read(candidate), (messages): ReadonlyArray<Store.Found> => {
      const { instanceId, ...summary } = candidate
      const conversation = { ...summary, messages: Option.getOrElse(messages, () => []) }
      return Person.hasTalked(conversation, address)
        ? [
            {
              record: { kind: "conversation", instanceId, conversation },
              subject: FanOut.conversationSubject(candidate)
            }
          ]
        : []
    })

  return {
    search: (query) =>
      Stream.paginate(
        0n,
        Effect.fnUntraced(function* (from) {
          const [end] = yield* sql
            .unsafe(endStatement, [PgTypes.int8(from)])
            .pipe(Database.bounded(timeout), decodeRows(Places))
          const candidates = yield* sql
            .unsafe(pageStatement, [
              Store.needle(query),
              PgTypes.int8(from),
              PgTypes.int8(end?.key ?? last),
              PgTypes.uuid(query.websiteConfigId)
            ])
            .pipe(Database.bounded(timeout), decodeRows(Candidates))
          const found = yield* Effect.forEach(candidates, verified(query.address))
          return [[found.flat()], Option.map(Option.fromUndefinedOr(end), ({ key }) => key)] as const
        })
      ),
    erase: Effect.fnUntraced(function* (found) {
      const keys = found.flatMap(
        ({ record }): ReadonlyArray<ConversationKey> =>
          record.kind === "conversation"
            ? [{ instanceId: record.instanceId, conversationId: record.conversation.conversationId }]
            : []
      )
      const { OID } = PgTypes
      yield* sql
        .unsafe(deleteStatement, [
          Database.array(
            keys.map(({ instanceId }) => instanceId),
            OID.uuid
          ),
          Database.array(
            keys.map(({ conversationId }) => conversationId),
            OID.text
          )
        ])
        .pipe(
          Effect.andThen(Outbox.forget(sql, keys.map(FanOut.conversationSubject))),
          sql.withTransaction,
          Database.recoverConnectionErrors(),
          Database.bounded(timeout)
        )
      return keys.length
    })
  }
}
