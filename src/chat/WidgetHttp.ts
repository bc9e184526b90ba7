/**
 * `POST /v1/public/widget/{instance_id}/chat`: a visitor's message to an instance's agent, whose answer is streamed.
 *
 * For an instance with `memory: "edge"`, the service sends the conversation's earlier messages to the agent and stores the new
 * ones. A body of `useChat` contains the whole conversation, or only its newest message.
 *
 * @module
 */
import { Context, Effect, Layer } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { Api } from "../api/Api.ts"
import { Validation } from "../platform/contract/Errors.ts"
import * as EndpointGroup from "../platform/http/EndpointGroup.ts"
import * as ServiceSpans from "../platform/telemetry/ServiceSpans.ts"
import { ChatBody } from "./ChatBodies.ts"
import * as ChatEndpoint from "./ChatEndpoint.ts"
import type { Question } from "./SendQuestion.ts"
import * as UseChat from "./UseChat.ts"
import { WidgetTokenSecurity } from "./WidgetTokenSecurity.ts"

/** The question of a body of `useChat`. */
const questionOf = (client: UseChat.ClientQuestion): Question => {
  const { id: conversationId, ...question } = client
  return question._tag === "Conversation"
    ? { ...question, conversationId, isResumable: true }
    : { ...question, conversationId }
}

const group = HttpApiBuilder.group(
  Api,
  "widget",
  Effect.fnUntraced(function* (handlers) {
    const { answer, stream } = yield* ChatEndpoint.ChatEndpoint
    const respond = stream(ChatEndpoint.uiMessageStream)
    return handlers.handle(
      "chat",
      ServiceSpans.handler("widget.chat", ({ payload }) => {
        if (!("id" in payload)) {
          const { conversation_id, message } = payload
          return answer({ _tag: "Message", conversationId: conversation_id ?? undefined, text: message }, respond)
        }
        return Effect.matchEffect(Effect.fromResult(UseChat.read(payload)), {
          onFailure: ChatEndpoint.invalid,
          onSuccess: (client) => answer(questionOf(client), respond)
        })
      })
    )
  })
)

/** Serves the contract's group. */
export const layer = Layer.unwrap(
  Effect.gen(function* () {
    const services = yield* Effect.context<ChatEndpoint.ChatEndpoint | ChatBody | Validation | WidgetTokenSecurity>()
    const used = Context.pick(ChatEndpoint.ChatEndpoint, ChatBody, Validation, WidgetTokenSecurity)
    return EndpointGroup.withOnly(group, used(services))
  })
)
