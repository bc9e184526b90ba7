/**
 * `POST /v1/public/widget/{instance_id}/chat`: a visitor's message to an instance's agent, whose answer is streamed.
 *
 * For an instance with `memory: "edge"`, the service sends the conversation's earlier messages to the agent and stores the new
 * ones. A body of `useChat` contains the whole conversation, or only its newest message.
 *
 * @module
 */
import { Context, Effect, Layer, Result } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { Api } from "../../contract/Api.ts"
import * as BodyReader from "../../contract/BodyReader.ts"
import * as UseChat from "../../contract/chat/UseChat.ts"
import { ChatPayload } from "../../contract/chat/Widget.ts"
import * as RequestBody from "../../platform/http/RequestBody.ts"
import type { Question } from "../chat/Question.ts"
import * as ErrorMapping from "../request/ErrorMapping.ts"
import * as ErrorSentence from "../request/ErrorSentence.ts"
import * as RequestHead from "../request/RequestHead.ts"
import * as ChatEndpoint from "./ChatEndpoint.ts"

const readPayload = BodyReader.make(ChatPayload)

/** For a `ChatPayload`, a body with a single message. Errors are JSON. */
const singleMessage = (respond: ChatEndpoint.Respond): ChatEndpoint.ClientApi => ({
  token: ChatEndpoint.widgetToken,
  read: (body) =>
    Result.map(readPayload(body), ({ conversation_id, message }) => ({
      question: { _tag: "Message", conversationId: conversation_id ?? undefined, text: message },
      respond
    })),
  toRefusal: (response) => response
})

/** The question of a body of `useChat`. */
const questionOf = (client: UseChat.ClientQuestion): Question => {
  const { id: conversationId, ...question } = client
  return question._tag === "Conversation"
    ? { ...question, conversationId, isResumable: true }
    : { ...question, conversationId }
}

/** For a body of `useChat`. Errors are sentences. */
const useChat = (respond: ChatEndpoint.Respond): ChatEndpoint.ClientApi => ({
  token: ChatEndpoint.widgetToken,
  read: (body) => Result.map(UseChat.read(body), (client) => ({ question: questionOf(client), respond })),
  toRefusal: ErrorSentence.asText
})

/**
 * Whether an unparsed body is probably of `useChat`. JSON escapes the quotation marks in a text, so each match is a key or a
 * whole text.
 */
const isLikelyUseChat = (bytes: Uint8Array): boolean => {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return buffer.includes('"id"') && ['"messages"', '"parts"', '"trigger"'].some((key) => buffer.includes(key))
}

/** The handler of the chat endpoint. */
export class ChatHandler extends Context.Service<ChatHandler, ChatEndpoint.Handler>()("hydracore/http/Chat") {}

/** The endpoint. */
export const endpoint: Layer.Layer<ChatHandler, never, ChatEndpoint.ChatEndpoint> = Layer.effect(
  ChatHandler,
  Effect.map(ChatEndpoint.ChatEndpoint, ({ make, stream }) => {
    const respond = stream(ChatEndpoint.uiMessageStream)
    const apis = { singleMessage: singleMessage(respond), useChat: useChat(respond) }
    return make({
      of: (body) => (UseChat.isUseChat(body) ? apis.useChat : apis.singleMessage),
      guess: (bytes) => (isLikelyUseChat(bytes) ? apis.useChat : apis.singleMessage)
    })
  })
)

/** Serves the contract's group through the router; requires `endpoint`. */
export const group = HttpApiBuilder.group(
  Api,
  "widget",
  Effect.fnUntraced(function* (handlers) {
    const chat = yield* ChatHandler
    return handlers.handleRaw("chat", ({ params, request }) =>
      Effect.flatMap(
        RequestBody.readConversation(request, (bytes) => !isLikelyUseChat(bytes)),
        (bytes) => chat(RequestHead.fromRequest(request), params.instance_id, bytes)
      ).pipe(Effect.flatMap(ChatEndpoint.toResponse), Effect.catchTags(ErrorMapping.ofBytes))
    )
  })
)

/** `group` with `endpoint`. */
export const layer = (options: ChatEndpoint.Options) =>
  Layer.provide(group, Layer.provide(endpoint, ChatEndpoint.layer(options)))
