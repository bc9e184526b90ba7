/**
 * The chat of a widget with an instance's agent, and the middleware of all chat endpoints, which `chat/WidgetHttp` implements.
 *
 * The widget token authorizes a chat with one instance: as the header `X-Widget-Token`, or as a bearer token for clients of
 * OpenAI's API. The middleware counts the request against the rate limit, checks the token and the page's origin, and provides
 * the instance.
 *
 * @module
 */
import { Context, Schema, SchemaGetter } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as HttpApiSecurity from "effect/http-api/HttpApiSecurity"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Errors from "../platform/contract/Errors.ts"
import { Unauthorized, Validation } from "../platform/contract/Errors.ts"
import * as Field from "../platform/contract/Field.ts"
import * as Headers from "../platform/contract/Headers.ts"
import { streamed } from "../platform/contract/OpenApi.ts"
import type { Received } from "../platform/contract/Received.ts"
import { InstanceId } from "../platform/Id.ts"
import { ChatEvent } from "./ChatFrame.ts"
import { maxMessageLength } from "./conversations/Conversation.ts"
import type { Instance } from "./Instance.ts"
import { UseChatPayload } from "./UseChat.ts"

/** A request that may use an instance. */
export class Admitted extends Context.Service<
  Admitted,
  {
    readonly instance: Instance
    /** The response headers of the rate limit. */
    readonly headers: Record<string, string>
  }
>()("hydracore/chat/Admitted") {}

/** An annotation of an endpoint: whether its requests send a message to the agent, and so have the limit of chats. */
export const SendsMessage = Context.Reference<boolean>("hydracore/chat/SendsMessage", {
  defaultValue: () => false
})

export class WidgetTokenSecurity extends HttpApiMiddleware.Service<WidgetTokenSecurity, { provides: Admitted }>()(
  "hydracore/chat/WidgetTokenSecurity",
  {
    error: Unauthorized,
    security: {
      widgetToken: HttpApiSecurity.apiKey({ key: "X-Widget-Token", in: "header" }).pipe(
        HttpApiSecurity.annotate(
          OpenApi.Description,
          "A token of the instance: `hwt_` and 43 characters. It is good for chat with this instance only."
        )
      )
    }
  }
) {}

/** Reads a body that may repeat its conversation. */
export class ConversationBody extends HttpApiMiddleware.Service<ConversationBody, { provides: Received }>()(
  "hydracore/chat/ConversationBody"
) {}

/** Reads the body of the widget's chat. The errors of a body of `useChat` are sentences. */
export class ChatBody extends HttpApiMiddleware.Service<ChatBody, { provides: Received }>()(
  "hydracore/chat/ChatBody"
) {}

/** Gives errors the form of OpenAI's API. */
export class OpenAiForm extends HttpApiMiddleware.Service<OpenAiForm>()("hydracore/chat/OpenAiForm") {}

/** Answers a request that does not validate. The response gets its form from `OpenAiForm`. */
export class OpenAiValidation extends HttpApiMiddleware.Service<OpenAiValidation>()(
  "hydracore/chat/OpenAiValidation"
) {}

/** The body of a chat message. */
export const ChatPayload = Schema.Struct({
  message: Field.Text({ title: "Message", maxLength: maxMessageLength }),
  conversation_id: Field.OptionalText({ title: "Conversation Id" })
}).annotate({
  identifier: "WidgetChatRequest",
  examples: [{ message: "When do you open?", conversation_id: "9b8d7c6e-1f2a-4b3c-8d4e-5f6a7b8c9d0e" }]
})

export type ChatPayload = typeof ChatPayload.Type

export const chatParams = { instance_id: Field.Id(InstanceId, { title: "Instance Id" }) }

export const widgetTokenHeader = {
  "x-widget-token": Schema.optionalKey(
    Schema.String.annotate({
      description: "A token of this instance: `hwt_` and 43 characters. Missing or wrong: 401."
    })
  )
}

export const chatErrors = [...Errors.common, Errors.Unauthorized, Errors.Forbidden, ...Errors.ofChat] as const

/** An error response to a body of `useChat`. */
const sentence = (status: number) =>
  Schema.String.annotate({ title: "Sentence", description: "What a visitor reads" }).pipe(
    Schema.decodeTo(Schema.TaggedStruct("Sentence", { text: Schema.String }), {
      decode: SchemaGetter.transform((text: string) => ({ _tag: "Sentence" as const, text })),
      encode: SchemaGetter.transform(({ text }) => text)
    }),
    HttpApiSchema.asText({ contentType: "text/plain" }),
    HttpApiSchema.status(status)
  )

const sentences = [
  sentence(401),
  sentence(403),
  sentence(422),
  sentence(429),
  sentence(502),
  sentence(503),
  sentence(504)
] as const

export const chat = HttpApiEndpoint.post("chat", "/v1/public/widget/:instance_id/chat", {
  params: chatParams,
  headers: widgetTokenHeader,
  payload: [ChatPayload, Field.asBeacon(ChatPayload), UseChatPayload],
  success: HttpApiSchema.WithHeaders(HttpApiSchema.StreamSse({ events: ChatEvent }), {
    ...Headers.rateLimit,
    ...Headers.chatStream
  }),
  error: [...chatErrors, ...sentences]
})
  .middleware(Validation)
  .middleware(WidgetTokenSecurity)
  .middleware(ChatBody)
  .annotate(SendsMessage, true)
  .annotateMerge(
    OpenApi.annotations({
      identifier: "widget_chat",
      transform: streamed("The agent's answer: the UI message stream of the AI SDK, version 1"),
      summary: "Widget Chat",
      description:
        "Public widget chat; authenticates with the `X-Widget-Token` header. Widget tokens are scoped to one instance and good for chat only. They are not tenant JWTs. The control plane validates the token, then streams SSE from the agent."
    })
  )

export class WidgetGroup extends HttpApiGroup.make("widget")
  .add(chat)
  .annotateMerge(OpenApi.annotations({ title: "Widget", description: "Chat with an instance's agent" })) {}
