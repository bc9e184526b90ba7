/**
 * The running answers of this process, by their id and by their conversation. When a visitor's new message ends a running answer,
 * the conversation may for a while have both that answer and the next one.
 *
 * @module
 */
import type { ConversationKey } from "../core/chat/conversation/Conversation.ts"
import type { RunningAnswer } from "./RunningAnswer.ts"

export interface Entry {
  readonly answerId: string
  readonly key: ConversationKey
  readonly answer: RunningAnswer
}

const nameOf = ({ conversationId, instanceId }: ConversationKey): string => `${instanceId} ${conversationId}`

export class AnswerTable<E extends Entry> {
  private readonly byId = new Map<string, E>()
  private readonly byConversation = new Map<string, Set<E>>()

  get size(): number {
    return this.byId.size
  }

  all(): ReadonlyArray<E> {
    return [...this.byId.values()]
  }

  get(answerId: string): E | undefined {
    return this.byId.get(answerId)
  }

  ofConversation(key: ConversationKey): ReadonlyArray<E> {
    return [...(this.byConversation.get(nameOf(key)) ?? [])]
  }

  add(entry: E): void {
    const name = nameOf(entry.key)
    const entries = this.byConversation.get(name) ?? new Set()
    this.byConversation.set(name, entries.add(entry))
    this.byId.set(entry.answerId, entry)
  }

  remove(entry: E): void {
    const name = nameOf(entry.key)
    const entries = this.byConversation.get(name)
    entries?.delete(entry)
    if (entries?.size === 0) this.byConversation.delete(name)
    this.byId.delete(entry.answerId)
  }
}
