/**
 * The messages of clients that send the whole conversation with each request, as OpenAI and AG-UI spell them.
 *
 * @module
 */
import { Result, Schema } from "effect"
import * as ClientTurns from "../core/chat/ClientTurns.ts"
import { maxMessageLength } from "../core/chat/Conversation.ts"
import type { ValidationError } from "./Errors.ts"
import * as Wire from "./Wire.ts"

/** The text of a message, or its parts: those that are not text are ignored. */
const Content = Schema.Union([
  Schema.String,
  Schema.Array(Schema.Struct({ type: Schema.String, text: Schema.optionalKey(Schema.String) })),
  Schema.Null
])

export const ClientMessage = Schema.Struct({
  id: Schema.optionalKey(Schema.String),
  role: Schema.String.annotate({ description: "`user` or `assistant`. Messages of other roles are ignored." }),
  content: Schema.optionalKey(Content)
}).annotate({ identifier: "ClientMessage", title: "ClientMessage" })

export type ClientMessage = typeof ClientMessage.Type

/** The text of a message; empty if it has none. */
const textOf = ({ content = null }: ClientMessage): string => {
  if (content === null) return ""
  const parts = typeof content === "string" ? [{ type: "text", text: content }] : content
  return parts
    .map(({ text = "", type }) => (type === "text" ? text : ""))
    .join("")
    .toWellFormed()
}

const invalid = (msg: string) =>
  Result.fail<ReadonlyArray<ValidationError>>([
    { type: "value_error", loc: ["body", "messages"], msg: `Value error, ${msg}` }
  ])

/** The turns up to the visitor's newest message, which has a text and the bounds of a chat message. */
export const turnsOf = (
  messages: ReadonlyArray<ClientTurns.ClientMessage>
): Result.Result<ClientTurns.ClientTurns, ReadonlyArray<ValidationError>> => {
  const newest = messages.findLast(({ role }) => role === "user")
  const turns = ClientTurns.read(messages)
  if (newest === undefined || newest.text === "" || turns === null) {
    return invalid("the newest message has no text; please write one")
  }
  return Wire.hasMoreCodePointsThan(turns.message, maxMessageLength)
    ? invalid(`a message may have at most ${maxMessageLength} characters; please shorten it`)
    : Result.succeed(turns)
}

/** `turnsOf` the messages as they are sent. */
export const readTurns = (messages: ReadonlyArray<ClientMessage>): ReturnType<typeof turnsOf> =>
  turnsOf(messages.map((message) => ({ id: message.id ?? null, role: message.role, text: textOf(message) })))
