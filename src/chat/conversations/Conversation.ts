/**
 * A conversation as the edge keeps it: messages of parts, as the AI SDK's UIMessage has them, and how each answer ended.
 * Types, bounds and formats only.
 *
 * @module
 */
import { Schema } from "effect"
import { ConversationId, InstanceId, type MessageId } from "../../platform/Id.ts"
import { AgentFinish } from "../agent/Agent.ts"

/** The maximum number of messages of one conversation, answers included. */
export const maxMessages = 500

/** The maximum number of UTF-16 units (`AnswerParts.sizeOf`) of a conversation that accepts another message. */
export const maxSize = 1_000_000

/** The maximum number of code points of a visitor's message, and of the comment on an answer. */
export const maxMessageLength = 8_000

/** The duration of a running answer's lease, in milliseconds. */
export const leaseMillis = 8_000

/** How often the leases of running answers are extended, in milliseconds: several times within one lease. */
export const renewMillis = 2_000

/** Whether a client's id for a message is stored: it may have any printable ASCII characters except spaces. */
export const isClientId = (text: string): boolean => /^[\x21-\x7e]{1,256}$/.test(text)

/** Identifies a conversation. Instances never share a conversation, even if the ids are equal. */
export const ConversationKey = Schema.Struct({ instanceId: InstanceId, conversationId: ConversationId })

export interface ConversationKey extends Schema.Schema.Type<typeof ConversationKey> {}

const isKey = Schema.is(ConversationKey)

export const MessagePart = Schema.Union([
  Schema.Struct({ type: Schema.Literal("text"), text: Schema.String }),
  Schema.Struct({
    type: Schema.Literal("source-url"),
    sourceId: Schema.String,
    url: Schema.String,
    title: Schema.optionalKey(Schema.String)
  })
])

export type MessagePart = typeof MessagePart.Type

/**
 * How an answer ended:
 * - a finish reason: the agent finished; only earlier versions stored `tool-calls`;
 * - `stopped`: the visitor stopped the answer;
 * - `superseded`: the visitor's next message ended it;
 * - `failed`: the agent failed, or a bound of the edge ended it;
 * - `cut`: its process died or was stopped, and the rest is lost.
 */
export const AnswerEnding = Schema.Literals([...AgentFinish.literals, "stopped", "superseded", "failed", "cut"])

export type AnswerEnding = typeof AnswerEnding.Type

export interface VisitorMessage {
  readonly messageId: MessageId
  /** The client's own id for the message, if known. A client that edits a message sends this id. See `isClientId`. */
  readonly clientId?: string
  readonly role: "user"
  readonly parts: ReadonlyArray<MessagePart>
  /** Milliseconds since 1970. */
  readonly createdAt: number
}

export interface AgentAnswer {
  readonly messageId: MessageId
  readonly role: "assistant"
  readonly parts: ReadonlyArray<MessagePart>
  readonly createdAt: number
  /** Null while the answer runs. */
  readonly ending: AnswerEnding | null
  readonly rating: "up" | "down" | null
  readonly comment: string | null
}

export type Message = VisitorMessage | AgentAnswer

/** What is known of the visit in which a conversation began. All are null until the visit is found (see `analytics/Lead`). */
export interface ConversationVisit {
  /** The path of the page on which it began. */
  readonly page: string | null
  /** The source of the visit. */
  readonly source: string | null
  /** The visitor's country, an ISO 3166 code. */
  readonly country: string | null
}

export const unknownVisit: ConversationVisit = { page: null, source: null, country: null }

/** The subject of a conversation's events. The statements that write events use the same form. */
export const subjectOf = ({ conversationId, instanceId }: ConversationKey): string => `${instanceId} ${conversationId}`

/** The conversation that a subject names; undefined if it names none. */
export const keyOfSubject = (subject: string): ConversationKey | undefined => {
  const [instanceId, conversationId, ...more] = subject.split(" ")
  const key = { instanceId, conversationId }
  return more.length === 0 && isKey(key) ? key : undefined
}
