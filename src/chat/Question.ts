/**
 * A visitor's question to an instance, independent of the client's protocol.
 *
 * @module
 */
import type { ClientConversation } from "./conversations/ClientConversation.ts"
import type { Request } from "./conversations/Replacement.ts"

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

/** What a visitor asks. `conversationId` is the client's; in a `Message`, an undefined or empty one begins a conversation. */
export type Question =
  /** A message alone. The edge or the agent keeps the conversation's history. */
  | { readonly _tag: "Message"; readonly conversationId: string | undefined; readonly text: string }
  /** The newest message of a conversation that the edge keeps. */
  | ({
      readonly _tag: "Newest"
      readonly conversationId: string
      readonly text: string
      /** The client's id of the message; null if the message has none. */
      readonly messageId: string | null
    } & Pick<Request, "kind" | "targetId">)
  /**
   * Another answer in a conversation that the edge keeps: to the last message, unless `targetId` is the id of another message
   * or of its answer.
   */
  | { readonly _tag: "Regenerate"; readonly conversationId: string; readonly targetId: string | null }
  /** The whole conversation. The client keeps it. */
  | ({
      readonly _tag: "Conversation"
      readonly conversationId: string | undefined
      readonly conversation: ClientConversation
      /**
       * Whether the client resumes answers and reads its conversation by `conversationId`. If not, the answer ends when its
       * reader leaves, and the conversation is stored for the owner only.
       */
      readonly isResumable: boolean
      /** Whether the client reads the tokens of the answer. */
      readonly wantsUsage?: boolean
    } & Pick<Request, "kind" | "targetId" | "isKnownComplete">)
