/**
 * A visitor's question to an instance, independent of the client's protocol.
 *
 * @module
 */
import type { ClientConversation } from "../../core/chat/ClientConversation.ts"
import type { Request } from "../../core/chat/Replacement.ts"

/** Whether the question is known to begin a conversation. */
export const isFirst = (question: Question): boolean => {
  switch (question._tag) {
    case "Message":
      return !question.conversationId
    case "Newest":
    case "Regenerate":
      return false
    case "Conversation":
      return question.conversation.history.length === 0 && question.kind === "new"
  }
}

/** `conversationId` is the client's; undefined or empty begins a conversation. */
export type Question =
  /** A message alone. The edge or the agent keeps its history. */
  | { readonly _tag: "Message"; readonly conversationId: string | undefined; readonly text: string }
  /** A message of a conversation that the edge keeps, from a client that has ids of its messages. */
  | ({
      readonly _tag: "Newest"
      readonly conversationId: string
      readonly text: string
      /** The client's id of the message; null if it has none. */
      readonly messageId: string | null
    } & Pick<Request, "kind" | "targetId">)
  /** Another answer to a message of a conversation that the edge keeps: the last one, unless `targetId` is another's id. */
  | { readonly _tag: "Regenerate"; readonly conversationId: string; readonly targetId: string | null }
  /** The whole conversation. The client keeps it. */
  | ({
      readonly _tag: "Conversation"
      readonly conversationId: string | undefined
      readonly conversation: ClientConversation
      /**
       * Whether the client resumes answers and reads its conversation by `conversationId`. For one that does not, the answer
       * ends with its reader, and the conversation is stored for the owner only.
       */
      readonly isResumable: boolean
    } & Pick<Request, "kind" | "targetId" | "isWhole">)
