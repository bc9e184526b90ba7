/**
 * Conversations, as the operator reads them: of instances of all websites and of none, and by the id that a client made.
 *
 * @module
 */
import { Effect, Option, Schema } from "effect"
import { ConversationStore } from "../../chat/ConversationStore.ts"
import type { ConversationKey } from "../../chat/conversations/Conversation.ts"
import * as Transcript from "../../chat/conversations/Transcript.ts"
import { InstanceDirectory, requireInstance } from "../../chat/InstanceDirectory.ts"
import { ConversationList } from "../../chat/OwnerConversationsApi.ts"
import * as ConversationHandlers from "../../chat/OwnerConversationsHttp.ts"
import * as Question from "../../chat/Question.ts"
import { Transcripts } from "../../chat/Transcripts.ts"
import { ConversationId, type InstanceId } from "../../platform/Id.ts"
import * as Cursor from "../../platform/text/Cursor.ts"

export const make = Effect.fnUntraced(function* () {
  const requireOne = requireInstance(yield* InstanceDirectory)
  const store = yield* ConversationStore
  const transcripts = yield* Transcripts
  /** The keys under which a conversation may be stored: its id, or the hash of an id that a client made. */
  const keysOf = (instanceId: InstanceId, id: string) =>
    Effect.map(
      store.hashKey,
      (hashKey): ReadonlyArray<ConversationKey> =>
        [id, Question.ofClientId(hashKey, instanceId, id)]
          .filter(Schema.is(ConversationId))
          .map((conversationId) => ({ instanceId, conversationId }))
    )
  return {
    /** The conversation with the latest message first. */
    list: Effect.fnUntraced(function* (
      instanceId: InstanceId,
      { cursor, limit }: { readonly cursor?: Cursor.Position; readonly limit: number }
    ) {
      yield* requireOne("all", instanceId)
      const filter = Transcript.toListFilter({}, "UTC")
      const page = yield* transcripts.list({ reach: "all", instanceId, filter, after: cursor ?? null, limit })
      const next = page.next === null ? null : Cursor.format(page.next)
      return ConversationList.make({ conversations: page.items, next })
    }),
    /** Finds a conversation by its id, or by the one that its client made. */
    read: Effect.fnUntraced(function* (instanceId: InstanceId, id: string) {
      for (const key of yield* keysOf(instanceId, id)) {
        const found = yield* transcripts.find("all", key)
        if (Option.isSome(found)) return Transcript.Transcript.make(found.value)
      }
      return yield* Effect.fail(ConversationHandlers.noConversation)
    }),
    /** The lines of an export. */
    export: Effect.fnUntraced(function* (instanceId: InstanceId, query: { readonly from?: string }) {
      yield* requireOne("all", instanceId)
      const filter = Transcript.toFilter(query, "UTC")
      return ConversationHandlers.linesOf(transcripts.stream({ reach: "all", instanceId, filter }))
    }),
    /** Deletes a conversation of this id, or of this id that its client made. */
    delete: Effect.fnUntraced(function* (instanceId: InstanceId, id: string) {
      const keys = yield* keysOf(instanceId, id)
      const deleted = yield* Effect.forEach(keys, (key) => store.delete("all", key))
      if (!deleted.includes(true)) return yield* Effect.fail(ConversationHandlers.noConversation)
    })
  }
})
