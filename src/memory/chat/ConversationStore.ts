/**
 * Keeps conversations in this process, for tests and trials: at most `maxConversations` of them, with at most `maxSize` UTF-16
 * units in total. Beyond these bounds, it evicts the conversations that have been idle for longest.
 *
 * @module
 */
import { randomBytes } from "node:crypto"
import { Effect, Layer } from "effect"
import * as ConversationHash from "../../core/chat/conversation/ConversationHash.ts"
import * as FanOut from "../../core/delivery/FanOut.ts"
import { ConversationStore } from "../../services/chat/ConversationStore.ts"
import { InstanceDirectory } from "../../services/chat/InstanceDirectory.ts"
import * as PendingChats from "../analytics/PendingChats.ts"
import * as DeliveryTables from "../delivery/DeliveryTables.ts"
import * as Reads from "./ConversationReads.ts"
import * as Table from "./ConversationTable.ts"
import * as Writes from "./ConversationWrites.ts"

export const layer = (options: Table.Options = {}): Layer.Layer<ConversationStore, never, InstanceDirectory> =>
  Layer.effect(
    ConversationStore,
    Effect.gen(function* () {
      const instances = yield* InstanceDirectory
      const pendingChats = yield* PendingChats.PendingChats
      const deliveries = yield* DeliveryTables.DeliveryTables
      const table = Table.make(options)
      const remove = (conversation: Table.StoredConversation): void => {
        table.remove(conversation)
        deliveries.eraseSubject(FanOut.conversationSubject(conversation))
      }
      return ConversationStore.of({
        ...Reads.make(table, instances, remove),
        ...Writes.make(table, instances, pendingChats, deliveries, remove),
        hashKey: Effect.succeed(ConversationHash.keyOf(randomBytes(32)))
      })
    })
  ).pipe(Layer.provide([PendingChats.layer, DeliveryTables.layer]))
