/**
 * Prepares a turn of a conversation that the edge keeps: the messages to send to the agent, to store, and to replace.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { Effect, Option } from "effect"
import type { StorageUnavailable } from "../platform/Storage.ts"
import type { AgentRequest } from "./agent/Agent.ts"
import { type ConversationStore, type NewTurn, NothingToRegenerate } from "./ConversationStore.ts"
import * as AnswerParts from "./conversations/AnswerParts.ts"
import * as ClientConversation from "./conversations/ClientConversation.ts"
import { type ConversationKey, isClientId, type Message } from "./conversations/Conversation.ts"
import * as History from "./conversations/History.ts"
import * as Replacement from "./conversations/Replacement.ts"
import type { Question } from "./Question.ts"

/** What to store, and what to send to the agent. */
export interface PreparedTurn extends Pick<NewTurn, "message" | "from"> {
  readonly messages: AgentRequest["messages"]
}

type Of<Tag extends Question["_tag"]> = Question & { readonly _tag: Tag }
type Messages = ReadonlyArray<Message>

/** A new message of the visitor's. A client's id that fails `Conversation.isClientId` is dropped. */
const newMessage = (text: string, clientId: string | null = null): NonNullable<NewTurn["message"]> => ({
  messageId: randomUUID(),
  text,
  ...(clientId !== null && isClientId(clientId) ? { clientId } : {})
})

const toStore = (
  replaced: Replacement.Replaced,
  message: NonNullable<NewTurn["message"]>
): Pick<NewTurn, "message" | "from"> => {
  switch (replaced._tag) {
    case "Nothing":
      return { message }
    case "From":
      return { message, from: replaced.messageId }
    case "After":
      return { message: null, from: replaced.messageId }
  }
}

/** The messages before the one that `replaced` names; all if it names none. */
const before = (messages: Messages, replaced: Replacement.Replaced) =>
  History.toModelMessages(
    replaced._tag === "Nothing"
      ? messages
      : messages.slice(
          0,
          messages.findIndex(({ messageId }) => messageId === replaced.messageId)
        )
  )

/** Makes the function that prepares a turn. */
export const make = (store: ConversationStore["Service"]) => {
  const messagesOf = (key: ConversationKey): Effect.Effect<Messages, StorageUnavailable> =>
    Effect.map(
      store.read(key),
      Option.getOrElse((): Messages => [])
    )

  /** Prepares a message at the end of the conversation. */
  const append = (key: ConversationKey, message: NonNullable<NewTurn["message"]>, bounds: History.Bounds) =>
    Effect.map(
      store.history({ key, bounds, isRegenerating: false }),
      (history): PreparedTurn => ({ message, messages: History.withMessage(history, message.text, bounds) })
    )

  const newest = (question: Of<"Newest">, key: ConversationKey, bounds: History.Bounds) => {
    const { kind, messageId, targetId, text } = question
    const message = newMessage(text, messageId)
    if (kind === "new" && targetId === null) return append(key, message, bounds)
    return Effect.map(messagesOf(key), (stored): PreparedTurn => {
      const conversation = { history: [], message: text, messageId, answerId: null }
      const replaced = Replacement.replaced(stored, { kind, targetId, conversation, isKnownComplete: false })
      return { ...toStore(replaced, message), messages: History.withMessage(before(stored, replaced), text, bounds) }
    })
  }

  const regenerateLast = (key: ConversationKey, bounds: History.Bounds) =>
    Effect.flatMap(
      store.history({ key, bounds, isRegenerating: true }),
      (history): Effect.Effect<PreparedTurn, NothingToRegenerate> => {
        const last = history.at(-1)
        return last === undefined
          ? Effect.fail(new NothingToRegenerate())
          : Effect.succeed({ message: null, messages: History.withMessage(history.slice(0, -1), last.text, bounds) })
      }
    )

  const regenerate = ({ targetId }: Of<"Regenerate">, key: ConversationKey, bounds: History.Bounds) =>
    targetId === null
      ? regenerateLast(key, bounds)
      : Effect.flatMap(messagesOf(key), (stored) => {
          const question = stored[Replacement.indexOfAnswered(stored, targetId)]
          if (question === undefined) return regenerateLast(key, bounds)
          const replaced: Replacement.Replaced = { _tag: "After", messageId: question.messageId }
          const text = AnswerParts.textOf(question.parts)
          return Effect.succeed<PreparedTurn>({
            message: null,
            from: question.messageId,
            messages: History.withMessage(before(stored, replaced), text, bounds)
          })
        })

  /**
   * The visitor's stored message that the new message replaces: the one after the answer from which the client continues. Some
   * clients edit a message without sending its id. Only clients of `useChat` send the ids of answers.
   */
  const branchOf = ({ isResumable, conversation }: Of<"Conversation">, key: ConversationKey) =>
    isResumable && conversation.answerId !== null && conversation.history.at(-1)?.role === "assistant"
      ? store.messageAfter(key, conversation.answerId)
      : Effect.succeedNone

  const ofConversation = (question: Of<"Conversation">, key: ConversationKey, bounds: History.Bounds) => {
    const { isResumable, isKnownComplete, kind, targetId, conversation: sent } = question
    const messages = ClientConversation.bounded(sent, bounds)
    const message = newMessage(sent.message, isResumable ? sent.messageId : null)
    if (kind === "new" && targetId === null && !(isKnownComplete && sent.history.length === 0)) {
      return Effect.map(
        branchOf(question, key),
        (from): PreparedTurn => ({ message, from: Option.getOrUndefined(from), messages })
      )
    }
    return Effect.map(
      messagesOf(key),
      (stored): PreparedTurn => ({ ...toStore(Replacement.replaced(stored, question), message), messages })
    )
  }

  return (
    question: Question,
    key: ConversationKey,
    bounds: History.Bounds
  ): Effect.Effect<PreparedTurn, StorageUnavailable | NothingToRegenerate> => {
    switch (question._tag) {
      case "Message": {
        const message = newMessage(question.text)
        // A conversation that begins has no history.
        return question.conversationId
          ? append(key, message, bounds)
          : Effect.succeed({ message, messages: [{ role: "user", text: question.text }] })
      }
      case "Newest":
        return newest(question, key, bounds)
      case "Regenerate":
        return regenerate(question, key, bounds)
      case "Conversation":
        return ofConversation(question, key, bounds)
    }
  }
}
