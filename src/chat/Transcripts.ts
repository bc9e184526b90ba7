/**
 * Lists the conversations of an instance for its owner. The interface only; see `chat/postgres/Transcripts`.
 * `ConversationStore.delete` deletes a conversation.
 *
 * @module
 */

import { Context, type Effect, type Option, type Stream } from "effect"
import type { InstanceId } from "../platform/Id.ts"
import type { StorageUnavailable } from "../platform/Storage.ts"
import type { Position } from "../platform/text/Cursor.ts"
import type { AnswerHealth } from "./conversations/AnswerHealth.ts"
import type { Conversation, ConversationKey } from "./conversations/Conversation.ts"
import type { Filter, Page } from "./conversations/Transcript.ts"

export class Transcripts extends Context.Service<
  Transcripts,
  {
    /** At most `limit` conversations, latest `updatedAt` first. Searches at most `Transcript.windowSize` conversations. */
    readonly list: (query: {
      readonly instanceId: InstanceId
      readonly filter: Filter
      /** Null for the first page. */
      readonly after: Position | null
      readonly limit: number
    }) => Effect.Effect<Page, StorageUnavailable>
    readonly find: (key: ConversationKey) => Effect.Effect<Option.Option<Conversation>, StorageUnavailable>
    /** Whether the instance answers its visitors. */
    readonly answerHealth: (instanceId: InstanceId) => Effect.Effect<AnswerHealth, StorageUnavailable>
    /** The conversations of an instance in the order in which they began, read one at a time. */
    readonly stream: (query: {
      readonly instanceId: InstanceId
      readonly filter: Filter
    }) => Stream.Stream<Conversation, StorageUnavailable>
  }
>()("hydracore/chat/Transcripts") {}
