/**
 * The messages of clients that send the whole conversation with each request, in the form of OpenAI and AG-UI.
 *
 * @module
 */
import { Predicate, Result } from "effect"
import type { ValidationError } from "../platform/contract/Errors.ts"
import * as Fault from "../platform/contract/Fault.ts"
import * as Field from "../platform/contract/Field.ts"
import * as ClientConversation from "./conversations/ClientConversation.ts"
import { maxMessageLength } from "./conversations/Conversation.ts"

const part = { type: "object", properties: { type: { type: "string" }, text: { type: "string" } } }

const message = {
  type: "object",
  properties: {
    id: { type: "string" },
    role: { type: "string", description: "`user` or `assistant`. Messages of other roles are ignored." },
    content: {
      anyOf: [{ type: "string" }, { type: "array", items: part }, { type: "null" }],
      description: "A text, or parts. Parts that are not text are ignored."
    }
  },
  required: ["role"]
}

/** The text of the parts of a message; empty for anything else. */
export const textOfParts = (parts: unknown): string =>
  Array.isArray(parts)
    ? parts
        .map((part) =>
          Predicate.isObject(part) && part["type"] === "text" && typeof part["text"] === "string" ? part["text"] : ""
        )
        .join("")
        .toWellFormed()
    : ""

/** The text of a `content`; null if it is invalid. */
const textOf = (content: unknown): string | null => {
  if (content === undefined || content === null) return ""
  if (typeof content === "string") return content.toWellFormed()
  return Array.isArray(content) ? textOfParts(content) : null
}

const fail = (msg: string) => Result.fail(Fault.value(msg))

/** Stops at the first error, because a body may have hundreds of thousands of errors. */
const readMessages: Field.Read<ReadonlyArray<ClientConversation.ClientMessage>> = (input) => {
  if (!Array.isArray(input)) return Result.fail({ type: "list_type", msg: "Input should be a valid list" })
  const messages: Array<ClientConversation.ClientMessage> = []
  for (const [index, message] of input.entries()) {
    if (!Predicate.isObject(message) || typeof message["role"] !== "string") {
      return fail(`message ${index} should be an object with a role`)
    }
    const text = textOf(message["content"])
    if (text === null) return fail(`the content of message ${index} should be a text or a list of parts`)
    messages.push({ id: typeof message["id"] === "string" ? message["id"] : null, role: message["role"], text })
  }
  return Result.succeed(messages)
}

/** A required list of messages. */
export const Messages = Field.custom({ type: "array", items: message, title: "Messages" }, readMessages)

const invalid = (msg: string) =>
  Result.fail<ReadonlyArray<ValidationError>>([
    { type: "value_error", loc: ["body", "messages"], msg: `Value error, ${msg}` }
  ])

/** The conversation up to the visitor's newest message, which must have a text within the bounds of a chat message. */
export const conversationOf = (
  messages: ReadonlyArray<ClientConversation.ClientMessage>
): Result.Result<ClientConversation.ClientConversation, ReadonlyArray<ValidationError>> => {
  const newest = messages.findLast(({ role }) => role === "user")
  const conversation = ClientConversation.read(messages)
  if (newest === undefined || newest.text === "" || conversation === null) {
    return invalid("the newest message has no text; please write one")
  }
  return Field.hasMoreCodePointsThan(conversation.message, maxMessageLength)
    ? invalid(`a message may have at most ${maxMessageLength} characters; please shorten it`)
    : Result.succeed(conversation)
}
