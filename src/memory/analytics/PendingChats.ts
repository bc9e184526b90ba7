/**
 * The pending leads of chats in memory. The memory layers of `ConversationStore` and `Leads` add them, and `Leads` matches them.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { Context, Layer } from "effect"

/** A chat that began on a page with a tracker. */
export interface Chat {
  readonly instanceId: string
  readonly sessionId: string
  /** Milliseconds since 1970. */
  readonly receivedAt: number
}

/** The lead of a chat whose website is not looked up yet. */
export interface PendingChat extends Chat {
  readonly leadId: string
}

export class PendingChats extends Context.Service<
  PendingChats,
  {
    readonly add: (chat: Chat) => void
    readonly all: () => ReadonlyArray<PendingChat>
    readonly remove: (leadIds: ReadonlySet<string>) => void
  }
>()("hydracore/memory/PendingChats") {}

export const layer: Layer.Layer<PendingChats> = Layer.sync(PendingChats, () => {
  let chats: ReadonlyArray<PendingChat> = []
  return {
    add: (chat) => {
      chats = [...chats, { ...chat, leadId: randomUUID() }]
    },
    all: () => chats,
    remove: (leadIds) => {
      chats = chats.filter(({ leadId }) => !leadIds.has(leadId))
    }
  }
})
