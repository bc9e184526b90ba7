/**
 * Keeps the conversations of instances with `memory: "edge"`. The interface alone; see `memory/chat/ConversationStore` and
 * `postgres/chat/ConversationStore`.
 *
 * Each conversation orders its messages: `begin` is atomic, and at most one answer of a conversation runs, on whichever
 * process. A running answer holds a lease, which `renew` extends: an answer whose lease has run out counts as `cut`.
 *
 * @module
 */
import { Context, type Effect, type Option, Schema } from "effect"
import type { AgentEvent, Turn } from "../../core/chat/Agent.ts"
import type {
  AnswerEnding,
  ConversationKey,
  ConversationSummary,
  Message,
  MessagePart
} from "../../core/chat/Conversation.ts"
import type { RecordRefused, StorageUnavailable } from "../Storage.ts"

/** The conversation holds as many messages or characters as one may. */
export class ConversationFull extends Schema.TaggedError<ConversationFull>()("ConversationFull", {}) {}

export interface History {
  /** The newest turns within the bounds, oldest first. */
  readonly turns: ReadonlyArray<Turn>
  /** Whether an answer runs, on any process. */
  readonly isAnswering: boolean
}

export interface NewTurn {
  readonly key: ConversationKey
  /** The visitor's message; null asks for another answer to the last one (regenerate), which replaces the last answer. */
  readonly message: { readonly messageId: string; readonly text: string } | null
  /** The message id of the answer that begins. */
  readonly answerId: string
}

/** Events of an answer from a position on. */
export interface AnswerPiece {
  readonly events: ReadonlyArray<AgentEvent>
  /** The position after these events, for the next call. */
  readonly next: number
  /** How the answer ended, if it did and no event follows; null while it runs. */
  readonly ending: AnswerEnding | null
}

export class ConversationStore extends Context.Service<
  ConversationStore,
  {
    /** The turns to send to the agent: at most `messages`, and at most `characters` UTF-16 units, cut from the oldest. */
    readonly history: (
      key: ConversationKey,
      bounds: { readonly messages: number; readonly characters: number }
    ) => Effect.Effect<History, StorageUnavailable>

    /**
     * Appends a visitor's message and begins the answer to it. Creates the conversation if there is none, and ends an
     * answer that still runs as `superseded`, with what it said so far.
     */
    readonly begin: (turn: NewTurn) => Effect.Effect<void, StorageUnavailable | RecordRefused | ConversationFull>

    /** Stores events of a running answer, so that other processes can follow it. False if it runs no more. */
    readonly append: (
      answerId: string,
      events: ReadonlyArray<AgentEvent>
    ) => Effect.Effect<boolean, StorageUnavailable | RecordRefused>

    /** Extends the leases of answers, and returns those that still run: the others were stopped, superseded or deleted. */
    readonly renew: (answerIds: ReadonlyArray<string>) => Effect.Effect<ReadonlySet<string>, StorageUnavailable>

    /** Ends an answer. The first ending stays: false if it had ended. */
    readonly complete: (answer: {
      readonly answerId: string
      readonly parts: ReadonlyArray<MessagePart>
      readonly ending: AnswerEnding
      /** In tokens, as the agent reported it. */
      readonly usage: { readonly inputTokens: number; readonly outputTokens: number } | null
    }) => Effect.Effect<boolean, StorageUnavailable | RecordRefused>

    /** The running answer of a conversation. */
    readonly running: (key: ConversationKey) => Effect.Effect<Option.Option<string>, StorageUnavailable>

    /** The stored events of an answer from `position` on, 0 being the first; none if there is no such answer. */
    readonly follow: (
      answerId: string,
      position: number
    ) => Effect.Effect<Option.Option<AnswerPiece>, StorageUnavailable>

    /** Ends the running answer of a conversation as `stopped`, on whichever process it runs. False if none runs. */
    readonly stop: (key: ConversationKey) => Effect.Effect<boolean, StorageUnavailable>

    /** The messages of a conversation, oldest first; none if there is no such conversation. */
    readonly read: (key: ConversationKey) => Effect.Effect<Option.Option<ReadonlyArray<Message>>, StorageUnavailable>

    /** Rates an answer. False if the conversation has no such answer. */
    readonly rate: (rating: {
      readonly key: ConversationKey
      readonly messageId: string
      readonly rating: "up" | "down"
      readonly comment: string | null
    }) => Effect.Effect<boolean, StorageUnavailable | RecordRefused>

    /** The conversations of an instance, newest first; `before` is the `updatedAt` and the id that the last page ended with. */
    readonly list: (query: {
      readonly instanceId: string
      readonly limit: number
      readonly before: { readonly updatedAt: number; readonly conversationId: string } | null
    }) => Effect.Effect<ReadonlyArray<ConversationSummary>, StorageUnavailable>

    /** Deletes a conversation and its messages. False if there is none. */
    readonly delete: (key: ConversationKey) => Effect.Effect<boolean, StorageUnavailable>

    /** The 32 bytes that hash conversation ids for agents. Made once for a store, the same for every process. */
    readonly hashKey: Effect.Effect<Uint8Array, StorageUnavailable>
  }
>()("hydracore/services/ConversationStore") {}
