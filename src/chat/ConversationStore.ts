/**
 * Keeps the conversations of instances with `memory: "edge"`. The interface only; see
 * `chat/postgres/ConversationStore`.
 *
 * Each conversation orders its messages: `begin` is atomic, and at most one answer of a conversation runs, over all
 * processes. A running answer holds a lease of `leaseMillis`, which `renew` extends. An answer whose lease has expired reads
 * as `cut`, with its stored text; if its process is alive after all, `renew` lets it run again.
 *
 * @module
 */

import type { KeyObject } from "node:crypto"
import { Context, type Effect, type Option, Schema } from "effect"
import type { MessageId } from "../platform/Id.ts"
import type { RecordRefused, StorageUnavailable } from "../platform/Storage.ts"
import type { AgentEvent, ModelMessage } from "./agent/Agent.ts"
import type { AnswerEnding, ConversationKey, Message, MessagePart } from "./conversations/Conversation.ts"
import type { Bounds } from "./conversations/History.ts"
import type { Reach } from "./InstanceDirectory.ts"

/** The conversation has reached `maxMessages` or `maxSize`. Nothing was changed. */
export class ConversationFull extends Schema.TaggedError<ConversationFull>()("ConversationFull", {}) {}

/** The conversation has no message to answer again. Nothing was changed. */
export class NothingToRegenerate extends Schema.TaggedError<NothingToRegenerate>()("NothingToRegenerate", {}) {}

/** A visitor's message, or the request for another answer to an earlier one, and the answer that begins. */
export interface NewTurn {
  readonly key: ConversationKey
  /**
   * The visitor's message. `clientId` is the client's own id for the message, for which `Conversation.isClientId` holds. Null
   * requests another answer to an earlier message (regenerate), which replaces everything after that message.
   */
  readonly message: { readonly messageId: MessageId; readonly text: string; readonly clientId?: string } | null
  /**
   * The id of the visitor's message that is answered again, or that the new message replaces together with everything after it.
   * If it is absent or not in the conversation, the visitor's last message is answered again, or the new message is appended.
   */
  readonly from?: MessageId | undefined
  /** The hashes of the visitor to credit with the chat that begins (see `Leads`); none or absent if the turn is not a lead. */
  readonly visitorHashes?: ReadonlyArray<string> | undefined
  /** The message id of the answer that begins. */
  readonly answerId: MessageId
}

/** The ending of an answer and all of its parts. */
export interface EndedAnswer {
  readonly ending: AnswerEnding
  readonly parts: ReadonlyArray<MessagePart>
}

/** The stored progress of an answer after a position. */
export interface AnswerProgress {
  /** The events from the position on. Empty once the answer has ended: use its parts instead. */
  readonly events: ReadonlyArray<AgentEvent>
  /** The position after these events, for the next call. */
  readonly next: number
  /** Null while the answer runs. `AnswerParts.missing` returns the events that a reader still lacks. */
  readonly ended: EndedAnswer | null
}

export class ConversationStore extends Context.Service<
  ConversationStore,
  {
    /**
     * The messages to send to the agent, oldest first: those of a conversation that `History.newest` selects, or none if there
     * is no such conversation. They include a running answer with its text so far.
     */
    readonly history: (query: {
      readonly key: ConversationKey
      readonly bounds: Bounds
    }) => Effect.Effect<ReadonlyArray<ModelMessage>, StorageUnavailable>

    /**
     * Adds a visitor's message and begins the answer to it. Creates the conversation if there is none, and ends an
     * answer that still runs as `superseded`, with its text so far. `RecordRefused` if there is no such instance.
     * The pending lead of `visitorHashes` is stored in the same commit.
     */
    readonly begin: (
      turn: NewTurn
    ) => Effect.Effect<void, StorageUnavailable | RecordRefused | ConversationFull | NothingToRegenerate>

    /**
     * Stores events of a running answer, so that other processes can follow it. `position` is how many events of the answer
     * were stored before these. Each call costs a row: gather the events of 100 ms or more in one call. False if the answer no
     * longer runs.
     */
    readonly append: (piece: {
      readonly answerId: MessageId
      readonly position: number
      readonly events: ReadonlyArray<AgentEvent>
    }) => Effect.Effect<boolean, StorageUnavailable | RecordRefused>

    /**
     * Extends the leases of these answers, and returns which of the answers still run. The others have ended or were deleted. A
     * lease that was extended less than `renewMillis` ago is not extended, so that more frequent calls write nothing.
     */
    readonly renew: (answerIds: ReadonlyArray<MessageId>) => Effect.Effect<ReadonlySet<MessageId>, StorageUnavailable>

    /**
     * Ends an answer with these parts. The first ending wins: false if the answer had already ended. If another process ended
     * the answer (`stopped`, `superseded`, `cut`), that process had only the stored text; these parts replace that text if
     * they are longer.
     */
    readonly complete: (answer: {
      readonly answerId: MessageId
      readonly parts: ReadonlyArray<MessagePart>
      readonly ending: AnswerEnding
      /** In tokens, as the agent reported it. */
      readonly usage: { readonly inputTokens: number; readonly outputTokens: number } | null
    }) => Effect.Effect<boolean, StorageUnavailable | RecordRefused>

    /** The id of the running answer of a conversation; none if no answer runs. */
    readonly running: (key: ConversationKey) => Effect.Effect<Option.Option<MessageId>, StorageUnavailable>

    /**
     * The stored progress of answers, each from its `position` on; 0 is the first event. An answer that does not exist is not
     * in the result. One call serves many answers, because a process has many readers of other processes' answers.
     */
    readonly follow: (
      answers: ReadonlyArray<{ readonly answerId: MessageId; readonly position: number }>
    ) => Effect.Effect<ReadonlyMap<MessageId, AnswerProgress>, StorageUnavailable>

    /**
     * Ends the running answer of a conversation as `stopped`, with its stored text, on any process. False if none runs.
     */
    readonly stop: (key: ConversationKey) => Effect.Effect<boolean, StorageUnavailable>

    /**
     * The messages of a conversation, oldest first; none if there is no such conversation. A running answer has the parts
     * stored so far.
     */
    readonly read: (key: ConversationKey) => Effect.Effect<Option.Option<ReadonlyArray<Message>>, StorageUnavailable>

    /**
     * The id of the visitor's message that follows an answer; none if no message follows, or the conversation lacks the
     * answer.
     */
    readonly messageAfter: (
      key: ConversationKey,
      answerId: MessageId
    ) => Effect.Effect<Option.Option<MessageId>, StorageUnavailable>

    /** Rates an answer; a later rating replaces an earlier one. False if the conversation has no such answer. */
    readonly rate: (rating: {
      readonly key: ConversationKey
      readonly messageId: MessageId
      readonly rating: "up" | "down"
      readonly comment: string | null
    }) => Effect.Effect<boolean, StorageUnavailable | RecordRefused>

    /** Deletes a conversation within reach, and its messages. False if there is none. */
    readonly delete: (reach: Reach, key: ConversationKey) => Effect.Effect<boolean, StorageUnavailable>

    /** The key for the hashes of ids (`Question`). It is generated once per store, and is the same in every process. */
    readonly hashKey: Effect.Effect<KeyObject, StorageUnavailable>
  }
>()("hydracore/chat/ConversationStore") {}
