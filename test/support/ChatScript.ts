/**
 * Agents, responses and expected texts for the tests of `chat/ChatResponse`.
 */
import { type Cause, Effect, Queue, Stream } from "effect"
import type { AgentError } from "../../src/chat/AgentStream.ts"
import type { AgentEvent } from "../../src/chat/agent/Agent.ts"
import * as ChatEndpoint from "../../src/chat/ChatEndpoint.ts"
import * as ChatResponse from "../../src/chat/ChatResponse.ts"
import * as ChatStream from "../../src/chat/ChatStream.ts"

export type Agent = Stream.Stream<AgentEvent, AgentError>

export const accepted: AgentEvent = { _tag: "Accepted" }
export const stop: AgentEvent = { _tag: "Finish", reason: "stop" }
const dialect = ChatStream.uiMessageStream({ messageId: "m-1", conversationId: "c-1", memory: false })

export const text = (delta: string): AgentEvent => ({ _tag: "Text", delta })

/** Begins the chat of an agent, in the request's scope. `graceExpired` completes when the process must end. */
export const begin = (
  agent: Agent,
  rest: Partial<ChatResponse.Options> = {},
  graceExpired: Effect.Effect<void> = Effect.never
) =>
  Effect.flatMap(Effect.all([ChatResponse.make(graceExpired), ChatEndpoint.makeMeasured]), ([begin, measured]) =>
    begin(measured(agent), {
      instanceId: "i-1",
      messageId: "m-1",
      dialect,
      heartbeat: "15 seconds",
      readTimeout: "1 minute",
      maxDuration: "15 minutes",
      maxBytes: 1_000_000,
      ...rest
    })
  )

/** The response to a chat with this agent, in the request's scope. */
export const respond = (...options: Parameters<typeof begin>) =>
  Effect.flatMap(begin(...options), ChatResponse.toResponse)

/** The text that the visitor gets for these events. */
export const wire = (...events: ReadonlyArray<ChatStream.Event>): string =>
  ChatStream.encodeAll(ChatStream.initial({ messageId: "m-1", dialect, maxBytes: 1_000_000 }), events)[1]

/** An agent that streams offered events, and records whether its stream was closed. */
export const driven = Effect.gen(function* () {
  const queue = yield* Queue.unbounded<AgentEvent, AgentError | Cause.Done>()
  let isClosed = false
  const agent: Agent = Stream.fromQueue(queue).pipe(
    Stream.ensuring(
      Effect.sync(() => {
        isClosed = true
      })
    )
  )
  return { queue, agent, isClosed: () => isClosed }
})
