/**
 * Lists the conversations of this process for the owner of their website.
 *
 * @module
 */
import { Effect, Layer, Option, Stream } from "effect"
import * as AnswerHealth from "../../core/chat/conversation/AnswerHealth.ts"
import * as Transcript from "../../core/chat/conversation/Transcript.ts"
import { latestFirst } from "../../core/text/Cursor.ts"
import { ConversationStore } from "../../services/chat/ConversationStore.ts"
import { Transcripts } from "../../services/chat/Transcripts.ts"

export const layer: Layer.Layer<Transcripts, never, ConversationStore> = Layer.effect(
  Transcripts,
  Effect.map(ConversationStore, (store) => {
    const all = Effect.fnUntraced(function* (instanceId: string) {
      const summaries = yield* store.list({ instanceId, limit: Number.MAX_SAFE_INTEGER, before: null })
      const read = yield* Effect.forEach(summaries, (summary) =>
        Effect.map(
          store.read({ instanceId, conversationId: summary.conversationId }),
          Option.map((messages) => ({ ...summary, messages }))
        )
      )
      return read.flatMap(Option.toArray)
    })
    return Transcripts.of({
      stream: ({ filter, instanceId }) =>
        Stream.filter(store.stream({ instanceId, since: filter.since ?? null }), (conversation) =>
          Transcript.matches(conversation, filter)
        ),
      list: ({ after, filter, instanceId, limit }) =>
        Effect.map(all(instanceId), (conversations) => {
          const matching = conversations.filter(
            (conversation) =>
              Transcript.matches(conversation, filter) &&
              (after === null || latestFirst(after, Transcript.positionOf(conversation)) < 0)
          )
          const items = matching.slice(0, limit).map(Transcript.toSummary)
          const last = items.at(-1)
          return { items, next: matching.length > limit && last !== undefined ? Transcript.positionOf(last) : null }
        }),
      answerHealth: (instanceId) =>
        Effect.map(all(instanceId), (conversations) => AnswerHealth.of(AnswerHealth.outcomesOf(conversations))),
      find: ({ conversationId, instanceId }) =>
        Effect.map(all(instanceId), (conversations) =>
          Option.fromUndefinedOr(conversations.find((conversation) => conversation.conversationId === conversationId))
        )
    })
  })
)
