/**
 * The body that `useChat` of the AI SDK sends: the whole conversation with each message.
 *
 * Parts other than text, and roles other than `user` and `assistant`, are ignored, as are unknown members. The messages of
 * the faults are sentences for visitors, since `useChat` shows them.
 *
 * @module
 */
import { Predicate, Result, Schema } from "effect"
import type * as ClientTurns from "../core/chat/ClientTurns.ts"
import * as ClientMessages from "./ClientMessages.ts"
import type { ValidationError } from "./Errors.ts"

const Part = Schema.Struct({
  type: Schema.String.annotate({ description: "Only parts of the type `text` are read" }),
  text: Schema.optionalKey(Schema.String)
})

const Message = Schema.Struct({
  id: Schema.optionalKey(Schema.String),
  role: Schema.String.annotate({ description: "`user` or `assistant`; messages with any other role are ignored" }),
  parts: Schema.Array(Part)
})

/** The body, as the document declares it; `read` reads it. */
export const UseChatPayload = Schema.Struct({
  id: Schema.String.annotate({
    description:
      "The client's id of the conversation. It has memory if nobody can guess it: see `memory` of the first frame"
  }),
  messages: Schema.Array(Message).annotate({
    description:
      "The conversation, oldest message first. Empty to have the last message of a conversation answered again"
  }),
  trigger: Schema.optionalKey(
    Schema.String.annotate({ description: "`submit-message`, or `regenerate-message` to replace the last answer" })
  ),
  messageId: Schema.optionalKey(
    Schema.String.annotate({
      description: "The id of the newest message if it replaces an earlier one and all that followed it"
    })
  )
}).annotate({
  identifier: "UseChatRequest",
  title: "UseChatRequest",
  description: "The body of `useChat`. It has no `message`. Its errors are sentences in `text/plain`",
  examples: [
    {
      id: "9b8d7c6e-1f2a-4b3c-8d4e-5f6a7b8c9d0e",
      messages: [{ id: "m1", role: "user", parts: [{ type: "text", text: "When do you open?" }] }],
      trigger: "submit-message"
    }
  ]
})

/** A body of `useChat`, as far as it must be known to be one. */
interface Body extends Record<string, unknown> {
  readonly id: string
  readonly messages: ReadonlyArray<unknown>
}

/** Whether a body is read as `useChat`'s: it has no `message`, but `messages` and an `id`. */
export const isUseChat = (body: unknown): body is Body =>
  Predicate.isObject(body) &&
  !Object.hasOwn(body, "message") &&
  typeof body["id"] === "string" &&
  Array.isArray(body["messages"])

/** The most UTF-16 units of an id. */
const maxId = 256

const toMessage = (message: unknown): ReadonlyArray<ClientTurns.ClientMessage> =>
  Predicate.isObject(message) && typeof message["role"] === "string"
    ? [
        {
          id: typeof message["id"] === "string" ? message["id"] : null,
          role: message["role"],
          text: ClientMessages.textOfParts(message["parts"])
        }
      ]
    : []

export interface Turns {
  readonly id: string
  /** Null asks for another answer to the last message that the edge keeps. */
  readonly turns: ClientTurns.ClientTurns | null
  readonly kind: ClientTurns.Kind
}

const invalid = (field: "id" | "messages", msg: string) =>
  Result.fail<ReadonlyArray<ValidationError>>([
    { type: "value_error", loc: ["body", field], msg: `Value error, ${msg}` }
  ])

/** Reads a body. The faults are sentences for the visitor. */
export const read = (body: unknown): Result.Result<Turns, ReadonlyArray<ValidationError>> => {
  if (!isUseChat(body)) return invalid("messages", "a body without `message` needs `messages` and an `id`")
  const { id, messages } = body
  if (id.length > maxId) return invalid("id", `the id of a chat may have at most ${maxId} characters`)
  const isRegenerating = body["trigger"] === "regenerate-message"
  if (isRegenerating && messages.length === 0) return Result.succeed({ id, turns: null, kind: "regenerate" })
  const read = messages.flatMap(toMessage)
  return Result.map(ClientMessages.turnsOf(read), (turns): Turns => {
    // `sendMessage` names the message that it replaces. The results of tools name an answer.
    const isEdited = body["messageId"] !== undefined && body["messageId"] === turns.messageId
    return { id, turns, kind: isRegenerating ? "regenerate" : isEdited ? "edit" : "new" }
  })
}
