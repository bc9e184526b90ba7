/**
 * The body that `useChat` of the AI SDK sends. With each message, it sends the whole conversation, unless the application's
 * `prepareSendMessagesRequest` chooses to send the newest message alone.
 *
 * Parts other than text, roles other than `user` and `assistant`, and unknown members are ignored. Error messages are sentences
 * for visitors, because `useChat` shows them.
 *
 * `messageId` is the argument of the SDK's `sendMessage` or `regenerate`. With `submit-message`, it is the id of the message that
 * the newest message replaces; it is absent if the newest message replaces none. With `regenerate-message`, it is the id of the
 * answer to replace, or of the message to answer again; if it is absent, the last answer is replaced.
 *
 * @module
 */
import { Predicate, Result, Schema } from "effect"
import type { ValidationError } from "../platform/contract/Errors.ts"
import * as Fault from "../platform/contract/Fault.ts"
import * as ClientMessages from "./ClientMessages.ts"
import type * as ClientConversation from "./conversations/ClientConversation.ts"
import type { Question } from "./Question.ts"

const Part = Schema.Struct({
  type: Schema.String.annotate({ description: "Only parts of the type `text` are read" }),
  text: Schema.optionalKey(Schema.String)
})

const Message = Schema.Struct({
  id: Schema.optionalKey(Schema.String),
  role: Schema.String.annotate({ description: "`user` or `assistant`; messages with any other role are ignored" }),
  parts: Schema.Array(Part)
})

/** The body as the OpenAPI document declares it. */
const Declared = Schema.Struct({
  id: Schema.String.annotate({
    description:
      "The client's id of the conversation. The service keeps the conversation only if the id cannot be guessed: see `memory` of the first frame"
  }),
  messages: Schema.optionalKey(
    Schema.Array(Message).annotate({
      description:
        "The conversation, oldest message first. Empty to request another answer to a message of a stored conversation"
    })
  ),
  message: Schema.optionalKey(
    Message.annotate({
      description: "The newest message, in place of `messages`, if the service keeps the conversation (`memory`)"
    })
  ),
  trigger: Schema.optionalKey(
    Schema.String.annotate({
      description:
        "`submit-message`, or `regenerate-message` to replace an answer. Without a `messageId`, that is the last answer"
    })
  ),
  messageId: Schema.optionalKey(
    Schema.String.annotate({
      description:
        "With `submit-message`, the id of the earlier message that the newest one replaces, with all that followed it. With `regenerate-message`, the id of the answer to replace, or of the message to answer again"
    })
  )
})

/** A body of `useChat`. */
interface Body extends Record<string, unknown> {
  readonly id: string
}

const isNewestMessage = (message: unknown): boolean => Predicate.isObject(message) && Array.isArray(message["parts"])

const isRegenerate = (body: Record<string, unknown>): boolean => body["trigger"] === "regenerate-message"

/**
 * Whether a body is one of `useChat`: it has an `id`, and either `messages`, a `message` with parts, or the trigger that needs
 * neither. In the service's own body, `message` is a text.
 */
export const isUseChat = (body: unknown): body is Body =>
  Predicate.isObject(body) &&
  typeof body["id"] === "string" &&
  (Object.hasOwn(body, "message")
    ? isNewestMessage(body["message"])
    : Array.isArray(body["messages"]) || (!Object.hasOwn(body, "messages") && isRegenerate(body)))

/** The maximum length of an id, in UTF-16 units. */
const maxId = 256

const toMessage = (message: unknown): ReadonlyArray<ClientConversation.ClientMessage> =>
  Predicate.isObject(message) && typeof message["role"] === "string"
    ? [
        {
          id: typeof message["id"] === "string" ? message["id"] : null,
          role: message["role"],
          text: ClientMessages.textOfParts(message["parts"])
        }
      ]
    : []

const invalid = (field: "id" | "messages", msg: string) =>
  Result.fail<ReadonlyArray<ValidationError>>([
    { type: "value_error", loc: ["body", field], msg: `Value error, ${msg}` }
  ])

/** Reads a body. The error messages are sentences for the visitor. */
export const read = (body: unknown): Result.Result<Question, ReadonlyArray<ValidationError>> => {
  if (!isUseChat(body)) return invalid("messages", "a body without `message` needs `messages` and an `id`")
  const { id, message, messages, messageId } = body
  if (id.length > maxId) return invalid("id", `the id of a chat may have at most ${maxId} characters`)
  const kind = isRegenerate(body) ? "regenerate" : "new"
  const targetId = typeof messageId === "string" ? messageId : null
  if (message !== undefined) {
    return Result.map(
      ClientMessages.conversationOf(toMessage(message)),
      (conversation): Question => ({
        _tag: "Message",
        conversationId: id,
        kind,
        targetId,
        text: conversation.message,
        messageId: conversation.messageId
      })
    )
  }
  const all = Array.isArray(messages) ? messages : []
  if (kind === "regenerate" && all.length === 0)
    return Result.succeed({ _tag: "Regenerate", conversationId: id, targetId })
  return Result.map(
    ClientMessages.conversationOf(all.flatMap(toMessage)),
    // assistant-ui always sends `tools`, which other clients do not, and it always sends the whole conversation.
    (conversation): Question => ({
      _tag: "Conversation",
      conversationId: id,
      kind,
      targetId,
      conversation,
      isKnownComplete: Predicate.isObject(body["tools"]),
      isResumable: true
    })
  )
}

const isReadable = Schema.makeFilter<unknown>(
  (body) => {
    const result = read(body)
    return Result.isSuccess(result)
      ? undefined
      : Fault.issue(...result.failure.map(({ loc, msg, type }) => ({ msg, type, path: loc.slice(1).map(String) })))
  },
  { toJsonSchema: () => Schema.toJsonSchemaDocument(Declared, { onExcessProperty: "error" }).schema }
)

const Readable = Schema.Any.annotate(Fault.recognizedBy(isUseChat)).check(isReadable) as Schema.Codec<
  typeof Declared.Encoded
>

/** The body as a client sends it. What `read` does not read of it may have any form. */
export const UseChatPayload = Readable.annotate({
  identifier: "UseChatRequest",
  description:
    "The body of `useChat`: an `id` with `messages`, or with a `message` that is an object. Its errors are sentences in `text/plain`",
  examples: [
    {
      id: "9b8d7c6e-1f2a-4b3c-8d4e-5f6a7b8c9d0e",
      messages: [{ id: "m1", role: "user", parts: [{ type: "text", text: "When do you open?" }] }],
      trigger: "submit-message"
    }
  ]
})
