/**
 * Running answers on a store in memory, for their tests.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { Context, Duration, Effect, Layer, Option, Scope, Stream } from "effect"
import * as ScriptedAgent from "../../src/chat/AgentStream.ts"
import type { AgentEvent } from "../../src/chat/agent/Agent.ts"
import * as ChatEndpoint from "../../src/chat/ChatEndpoint.ts"
import * as ChatResponse from "../../src/chat/ChatResponse.ts"
import { ConversationStore } from "../../src/chat/ConversationStore.ts"
import * as AnswerParts from "../../src/chat/conversations/AnswerParts.ts"
import type { AnswerEnding, ConversationKey } from "../../src/chat/conversations/Conversation.ts"
import * as Instance from "../../src/chat/Instance.ts"
import * as InstanceDirectory from "../../src/chat/InstanceDirectory.ts"
import * as RunningAnswers from "../../src/chat/RunningAnswers.ts"
import { MessageId } from "../../src/platform/Id.ts"
import * as MemoryConversationStore from "./MemoryConversationStore.ts"
import { poll } from "./Wait.ts"

/** The methods of the store. */
export type Store = ConversationStore["Service"]

export const accepted: AgentEvent = { _tag: "Accepted" }
export const text = (delta: string): AgentEvent => ({ _tag: "Text", delta })

/** An answer that sends one text and never ends. */
export const endless = (delta = "on") => Stream.concat(Stream.make(accepted, text(delta)), Stream.never)

/** The answers of a process, and its shutdown. */
export class Running extends Context.Service<
  Running,
  { readonly answers: RunningAnswers.RunningAnswers; readonly drain: ChatResponse.Drain }
>()("hydracore/test/support/Running") {}

/** Running answers on a store in memory. `overrides` replaces methods of the store. */
export const layer = (options: {
  readonly script: ScriptedAgent.Script
  readonly resume?: Option.Option<Duration.Duration>
  readonly maxBytes?: number
  readonly grace?: Duration.Input
  readonly overrides?: (store: Store) => Partial<Store>
}) => {
  const storage = MemoryConversationStore.layer.pipe(Layer.provideMerge(InstanceDirectory.layerMemory()))
  const replaced = Layer.effect(
    ConversationStore,
    Effect.map(ConversationStore, (store) => ConversationStore.of({ ...store, ...options.overrides?.(store) }))
  )
  return Layer.effect(
    Running,
    Effect.gen(function* () {
      const drain = yield* ChatResponse.makeDrain({ grace: options.grace ?? "1 second" })
      const answers = yield* RunningAnswers.make({
        resume: options.resume ?? Option.some(Duration.minutes(1)),
        maxDuration: "1 minute",
        maxBytes: options.maxBytes ?? 1_000,
        graceExpired: drain.expired
      })
      return { answers, drain }
    })
  ).pipe(
    Layer.provideMerge(
      Layer.mergeAll(Layer.provideMerge(replaced, storage), ScriptedAgent.layerScripted(options.script))
    )
  )
}

/** Begins the answer to a message, in the scope `request`. By default, that scope is never closed. */
export const begin = Effect.fnUntraced(function* (
  key: ConversationKey,
  options: { readonly request?: Scope.Scope; readonly message?: string; readonly onEnd?: () => void } = {}
) {
  const { answers } = yield* Running
  const agent = yield* ScriptedAgent.AgentStream
  const measured = yield* ChatEndpoint.makeMeasured
  const answerId = MessageId.make(randomUUID())
  const message = options.message ?? "hello"
  const events = yield* answers
    .begin({
      key,
      answerId,
      message: { messageId: MessageId.make(randomUUID()), text: message },
      isResumable: true,
      events: measured(
        agent.stream({
          instance: Instance.make(key.instanceId, { name: "a", agent_url: "http://agent" }),
          session: "s",
          messages: [{ role: "user", text: message }]
        })
      ),
      onEnd: options.onEnd ?? (() => {})
    })
    .pipe(Scope.provide(options.request ?? (yield* Scope.make())))
  return { answerId, events }
})

/** The text and the ending of each answer of a conversation. */
export const answersOf = (key: ConversationKey) =>
  ConversationStore.use((store) =>
    Effect.map(store.read(key), (read) =>
      Option.getOrElse(read, () => []).flatMap(
        (message): ReadonlyArray<readonly [string, AnswerEnding | null]> =>
          message.role === "assistant" ? [[AnswerParts.textOf(message.parts), message.ending]] : []
      )
    )
  )

/** Waits until the last answer of a conversation has ended. */
export const awaitEnd = (key: ConversationKey) => poll(answersOf(key), (answers) => answers.at(-1)?.[1] !== null)
