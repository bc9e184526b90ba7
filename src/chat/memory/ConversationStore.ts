/**
 * Keeps conversations in this process, for tests and trials: at most `maxConversations` of them, with at most `maxSize` UTF-16
 * units in total. Beyond these bounds, it evicts the conversations that have been idle for longest.
 *
 * @module
 */
import { randomBytes } from "node:crypto"
import { Effect, Layer } from "effect"
import { ConversationStore } from "../ConversationStore.ts"
import * as ConversationHash from "../conversations/ConversationHash.ts"
import { InstanceDirectory } from "../InstanceDirectory.ts"
import * as Reads from "./ConversationReads.ts"
import * as Table from "./ConversationTable.ts"
import * as Writes from "./ConversationWrites.ts"

export const layer = (options: Table.Options = {}): Layer.Layer<ConversationStore, never, InstanceDirectory> =>
  Layer.effect(
    ConversationStore,
    Effect.gen(function* () {
      const instances = yield* InstanceDirectory
      const table = Table.make(options)
      return ConversationStore.of({
        ...Reads.make(table, instances),
        ...Writes.make(table, instances),
        hashKey: Effect.succeed(ConversationHash.keyOf(randomBytes(32)))
      })
    })
  )
