/**
 * The AI SDK's `useChat`, unchanged: the `Chat` of `@ai-sdk/react` with a `DefaultChatTransport` that has an `api` and `headers`.
 *
 * @module
 */
import { Chat } from "@ai-sdk/react"
import { DefaultChatTransport, type PrepareSendMessagesRequest, type UIMessage } from "ai"
import { Effect, Stream } from "effect"
import type { ModelMessage } from "../../src/core/chat/agent/Agent.ts"
import * as MemoryAgentStream from "../../src/memory/chat/AgentStream.ts"
import { AgentBroken, AgentBusy } from "../../src/services/chat/AgentStream.ts"
import { TestServer } from "./TestServer.ts"
import { until } from "./Wait.ts"

export interface RecordedRequest {
  readonly session: string
  readonly messages: ReadonlyArray<ModelMessage>
}

/**
 * An agent that records its requests. The messages `busy` and `break` make it fail. The answer to a message that begins with
 * `wait` waits for the gate of this message; `ended` counts such answers that have ended.
 */
export const recorder = () => {
  const requests: Array<RecordedRequest> = []
  const gates = new Map<string, PromiseWithResolvers<void>>()
  let ended = 0
  const script: MemoryAgentStream.Script = ({ message, session, messages }) => {
    requests.push({ session, messages })
    if (message === "busy") return Stream.fail(new AgentBusy({ reason: "test", retryAfter: 7 }))
    if (message === "break") {
      return Stream.concat(
        Stream.take(MemoryAgentStream.texts(["half"]), 2),
        Stream.fail(new AgentBroken({ reason: "test" }))
      )
    }
    if (message.startsWith("wait")) {
      const gate = Promise.withResolvers<void>()
      gates.set(message, gate)
      return Stream.take(MemoryAgentStream.texts(["begun"]), 2).pipe(
        Stream.concat(Stream.drain(Stream.fromEffect(Effect.promise(() => gate.promise)))),
        Stream.concat(Stream.drop(MemoryAgentStream.texts([" and done"]), 1)),
        Stream.ensuring(Effect.sync(() => ended++))
      )
    }
    return MemoryAgentStream.texts([`${requests.length}: `, message])
  }
  return { requests, gates, script, ended: () => ended }
}

export const textOf = (message: UIMessage | undefined): string =>
  message?.parts.map((part) => (part.type === "text" ? part.text : "")).join("") ?? ""

/** A `Chat` that is connected to the service as in an application. */
export const useChat = (
  options: {
    readonly id?: string
    readonly token?: string
    readonly instanceId?: string
    readonly messages?: Array<UIMessage>
    readonly prepareSendMessagesRequest?: PrepareSendMessagesRequest<UIMessage>
  } = {}
) =>
  Effect.map(
    TestServer,
    ({ instance, url, widgetToken }) =>
      new Chat<UIMessage>({
        ...(options.id === undefined ? {} : { id: options.id }),
        ...(options.messages === undefined ? {} : { messages: options.messages }),
        transport: new DefaultChatTransport({
          api: `${url}/v1/public/widget/${options.instanceId ?? instance.instanceId}/chat`,
          headers: { "X-Widget-Token": options.token ?? widgetToken },
          ...(options.prepareSendMessagesRequest === undefined
            ? {}
            : { prepareSendMessagesRequest: options.prepareSendMessagesRequest })
        })
      })
  )

export const send = (chat: Chat<UIMessage>, text: string) => Effect.promise(() => chat.sendMessage({ text }))

/** Sends a message that begins with `wait`, and waits for the first text of its answer. Returns the promise of `sendMessage`. */
export const begin = Effect.fnUntraced(function* (chat: Chat<UIMessage>, text: string) {
  const sent = chat.sendMessage({ text })
  yield* until("the first text", () => textOf(chat.lastMessage) === "begun" && chat.lastMessage?.role === "assistant")
  return sent
})
