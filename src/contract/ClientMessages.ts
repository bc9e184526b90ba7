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

/** The turns of a conversation that ends with a visitor's message, which has the bounds of a chat message. */
export const readTurns = (
  messages: ReadonlyArray<ClientMessage>
): Result.Result<ClientTurns.ClientTurns, ReadonlyArray<ValidationError>> => {
  const last = messages.findLast(({ role }) => role === "user")
  const turns = ClientTurns.read(
    messages.map((message) => ({ id: message.id ?? null, role: message.role, text: textOf(message) }))
  )
  if (last === undefined || turns === null || textOf(last) === "") {
    return invalid("the last message of the role `user` should have a text")
  }
  return Wire.hasMoreCodePointsThan(turns.message, maxMessageLength)
    ? invalid(`a message may have at most ${maxMessageLength} characters; please shorten it`)
    : Result.succeed(turns)
}
