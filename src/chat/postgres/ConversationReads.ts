/**
 * Reads conversations from PostgreSQL.
 *
 * @module
 */
import { type PgClient, PgTypes } from "@effect/sql-pg"
import { Effect, Option, Schema } from "effect"
import { MessageId } from "../../platform/Id.ts"
import * as Database from "../../platform/postgres/Database.ts"
import type { AnswerProgress, ConversationStore } from "../ConversationStore.ts"
import * as AnswerParts from "../conversations/AnswerParts.ts"
import * as History from "../conversations/History.ts"
import * as Rows from "./ConversationRows.ts"

type Reads = Pick<ConversationStore["Service"], "history" | "running" | "follow" | "read" | "messageAfter">

const ofKey = "conversation.instance_id = $1 AND conversation_id = $2"

const joined = "conversation JOIN conversation_message AS message USING (conversation_key)"

/**
 * The newest messages that have a text or are running answers: one message more than either bound allows, so that
 * `History.newest` sees what it cuts.
 */
const historyStatement = `SELECT ${Rows.messageColumns} FROM (
    SELECT message.*, running, lease_until, sum(characters) OVER (ORDER BY position DESC) - characters AS newer
    FROM ${joined}
    WHERE ${ofKey} AND (characters > 0 OR message_id = running) ORDER BY position DESC LIMIT $3 + 1
  ) AS message WHERE newer <= $4 ORDER BY position`

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

export const make = (sql: PgClient.PgClient) => {
  const read: Reads["read"] = (key) =>
    sql.unsafe(readStatement, Rows.keyParameters(key)).pipe(
      Database.mapErrors,
      Rows.decodeMessages,
      Effect.map((messages) => (messages.length === 0 ? Option.none() : Option.some(messages)))
    )

  const history: Reads["history"] = ({ bounds, key }) =>
    sql
      .unsafe(historyStatement, [
        ...Rows.keyParameters(key),
        PgTypes.int4(bounds.messages),
        PgTypes.int4(bounds.characters)
      ])
      .pipe(
        Database.mapErrors,
        Rows.decodeMessages,
        Effect.map((messages) => History.newest(History.toModelMessages(messages), bounds))
      )

  const running: Reads["running"] = (key) =>
    sql.unsafe(runningStatement, Rows.keyParameters(key)).pipe(
      Database.read(RunningRows),
      Effect.map((rows) => Option.map(Option.fromUndefinedOr(rows[0]), (row) => row.running))
    )

  const messageAfter: Reads["messageAfter"] = (key, answerId) =>
    sql.unsafe(messageAfterStatement, [...Rows.keyParameters(key), PgTypes.uuid(answerId)]).pipe(
      Database.read(Ids),
      Effect.map((rows) => Option.map(Option.fromUndefinedOr(rows[0]), ({ id }) => id))
    )

  const followSome = (answers: Parameters<Reads["follow"]>[0]) =>
    sql
      .unsafe(followStatement, [
        Database.array(
          answers.map(({ answerId }) => answerId),
          PgTypes.OID.uuid
        ),
        Database.array(
          answers.map(({ position }) => position),
          PgTypes.OID.int4
        )
      ])
      .pipe(Database.read(Followed))

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

  return { history, running, follow, read, messageAfter }
}
