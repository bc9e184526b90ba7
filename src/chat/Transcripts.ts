/**
 * Reads the conversations of instances for their owner. The interface only; see `chat/postgres/Transcripts`.
 * `ConversationStore.delete` deletes a conversation.
 *
 * @module
 */
import { Context, type Effect, type Option, type Stream } from "effect"
import type { InstanceId, WebsiteConfigId } from "../platform/Id.ts"
import type { StorageUnavailable } from "../platform/Storage.ts"
import type { Position } from "../platform/text/Cursor.ts"
import type { Access } from "../sites/access/Access.ts"
import type { ConversationKey } from "./conversations/Conversation.ts"
import type {
  AllPage,
  AnswerHealth,
  Filter,
  ListFilter,
  OpenTranscript,
  Page,
  Transcript
} from "./conversations/Transcript.ts"
import type { Reach } from "./InstanceDirectory.ts"

export class Transcripts extends Context.Service<
  Transcripts,
  {
    /** At most `limit` conversations, latest `updated_at` first. Searches at most `Transcript.windowSize` conversations. */
    readonly list: (query: {
      readonly reach: Reach
      readonly instanceId: InstanceId
      readonly filter: ListFilter
      /** Null for the first page. */
      readonly after: Position | null
      readonly limit: number
    }) => Effect.Effect<Page, StorageUnavailable>
    /**
     * The conversations of all instances of these websites in one list; otherwise as `list`. The ids of their positions are made
     * by `Transcript.placeOf`.
     */
    readonly listAll: (query: {
      readonly sites: Access["sites"]
      readonly filter: ListFilter
      readonly after: Position | null
      readonly limit: number
    }) => Effect.Effect<AllPage, StorageUnavailable>
    /** The conversation with this id, or with the id of one of its messages, which is no key to it. */
    readonly find: (
      reach: Reach,
      key: ConversationKey
    ) => Effect.Effect<Option.Option<OpenTranscript>, StorageUnavailable>
    /**
     * Stores that a person opened a conversation, which then waits for nobody. The name is null if it is not known. False if
     * there is no such conversation.
     */
    readonly open: (
      reach: Reach,
      key: ConversationKey,
      name: string | null
    ) => Effect.Effect<boolean, StorageUnavailable>
    /**
     * How many conversations of each website wait for a person, at most `Transcript.maxWaiting` of each of its instances. Websites
     * without any are left out.
     */
    readonly countWaiting: (
      websites: ReadonlyArray<WebsiteConfigId>
    ) => Effect.Effect<ReadonlyMap<WebsiteConfigId, number>, StorageUnavailable>
    /** Whether the instance answers its visitors. */
    readonly answerHealth: (reach: Reach, instanceId: InstanceId) => Effect.Effect<AnswerHealth, StorageUnavailable>
    /** The conversations of an instance in the order in which they began, read one at a time. */
    readonly stream: (query: {
      readonly reach: Reach
      readonly instanceId: InstanceId
      readonly filter: Filter
    }) => Stream.Stream<Transcript, StorageUnavailable>
  }
>()("hydracore/chat/Transcripts") {}
