/**
 * The endpoints for a widget's conversation: resume or stop its running answer, read its messages, and rate an answer. For
 * the id of a conversation without memory, `stream` responds 204 and the other endpoints 404.
 *
 * @module
 */
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Errors from "../platform/contract/Errors.ts"
import { Validation } from "../platform/contract/Errors.ts"
import * as Field from "../platform/contract/Field.ts"
import * as Headers from "../platform/contract/Headers.ts"
import { streamed } from "../platform/contract/OpenApi.ts"
import { Body } from "../platform/contract/Received.ts"
import { InstanceId, MessageId, WebsiteConfigId } from "../platform/Id.ts"
import { ChatEvent } from "./ChatFrame.ts"
import { MessagePart, maxMessageLength } from "./conversations/Conversation.ts"
import { contactOffers } from "./Instance.ts"
import { WidgetTokenSecurity } from "./WidgetApi.ts"

const base = "/v1/public/widget/:instance_id/chat/:conversation_id"

const params = {
  instance_id: Field.Id(InstanceId, { title: "Instance Id" }),
  conversation_id: Schema.String.annotate({ description: "The `conversation_id` of the chat's first frame" })
}

const token = {
  "x-widget-token": Schema.optionalKey(Schema.String.annotate({ description: "A token of this instance" }))
}

const admission = [
  ...Errors.common,
  Errors.Unauthorized,
  Errors.Forbidden,
  Errors.TooManyRequests,
  Errors.ServiceUnavailable
] as const

const errors = [...admission, Errors.NotFound] as const

const NoContent = HttpApiSchema.WithHeaders(HttpApiSchema.NoContent, Headers.rateLimit)

export const stream = HttpApiEndpoint.get("stream", `${base}/stream`, {
  params,
  headers: token,
  success: [
    HttpApiSchema.WithHeaders(HttpApiSchema.StreamSse({ events: ChatEvent }), {
      ...Headers.rateLimit,
      ...Headers.chatStream
    }),
    NoContent
  ],
  error: admission
})
  .middleware(Validation)
  .middleware(WidgetTokenSecurity)
  .annotateMerge(
    OpenApi.annotations({
      identifier: "conversation_stream",
      transform: streamed("The agent's answer: the UI message stream of the AI SDK, version 1"),
      summary: "Resume the running answer",
      description: "Streams the running answer from its first frame to its end. 204 if no answer is running."
    })
  )

export const stop = HttpApiEndpoint.post("stop", `${base}/stop`, {
  params,
  headers: token,
  success: NoContent,
  error: errors
})
  .middleware(Validation)
  .middleware(WidgetTokenSecurity)
  .annotateMerge(
    OpenApi.annotations({
      identifier: "conversation_stop",
      summary: "Stop the running answer",
      description: "Stops the running answer, if there is one. Its text so far stays in the conversation."
    })
  )

/** The messages of a conversation, as the AI SDK's UIMessage has them. */
export const Conversation = Schema.Struct({
  conversation_id: Schema.String,
  messages: Schema.Array(
    Schema.Struct({
      id: Schema.String,
      role: Schema.Literals(["user", "assistant"]),
      parts: Schema.Array(MessagePart),
      metadata: Schema.Struct({
        created_at: Schema.String.annotate({ format: "date-time" }),
        ending: Schema.optionalKey(
          Schema.NullOr(Schema.String).annotate({ description: "How the answer ended; null while it is running" })
        ),
        rating: Schema.optionalKey(Schema.NullOr(Schema.Literals(["up", "down"])))
      })
    })
  )
}).annotate({
  identifier: "Conversation",
  examples: [
    {
      conversation_id: "9b8d7c6e-1f2a-4b3c-8d4e-5f6a7b8c9d0e",
      messages: [
        {
          id: "0d3b7c52-6f0e-4c8e-a1d7-5e0f4b9c2a63",
          role: "user",
          parts: [{ type: "text", text: "When do you open?" }],
          metadata: { created_at: "2026-11-25T09:00:00.000Z" }
        }
      ]
    }
  ]
})

export type Conversation = typeof Conversation.Type

export const read = HttpApiEndpoint.get("read", base, {
  params,
  headers: token,
  success: HttpApiSchema.WithHeaders(Conversation, Headers.rateLimit),
  error: errors
})
  .middleware(Validation)
  .middleware(WidgetTokenSecurity)
  .annotateMerge(
    OpenApi.annotations({
      identifier: "conversation_read",
      summary: "Read a conversation",
      description: "All messages of the conversation, oldest first."
    })
  )

export const FeedbackPayload = Schema.Struct({
  message_id: Field.Id(MessageId, { title: "Message Id" }),
  rating: Field.Choice(["up", "down"], { title: "Rating" }),
  comment: Field.OptionalText({ title: "Comment", maxLength: maxMessageLength, refuseNul: true })
}).annotate({
  identifier: "Feedback",
  examples: [
    { message_id: MessageId.make("0d3b7c52-6f0e-4c8e-a1d7-5e0f4b9c2a63"), rating: "up", comment: "Thank you!" }
  ]
})

export const feedback = HttpApiEndpoint.post("feedback", `${base}/feedback`, {
  params,
  headers: token,
  payload: FeedbackPayload,
  success: NoContent,
  error: errors
})
  .middleware(Validation)
  .middleware(WidgetTokenSecurity)
  .middleware(Body)
  .annotateMerge(
    OpenApi.annotations({
      identifier: "conversation_feedback",
      summary: "Rate an answer",
      description: "A later rating of the same answer replaces an earlier one."
    })
  )

/** What a visitor can do to be answered by a person. */
export const ContactOffer = Schema.Struct({
  offer: Schema.Literals(contactOffers).annotate({
    description: "When to offer the visitor to leave an address: after an answer failed, always, or never"
  }),
  site_id: Schema.NullOr(WebsiteConfigId).annotate({
    description: "The `site_id` of the submission that holds the address; null if `offer` is `off`"
  })
}).annotate({
  identifier: "ContactOffer",
  examples: [{ offer: "failed", site_id: WebsiteConfigId.make("5a2f4e4c-30a6-4d0c-9b8a-3f1f8c9a7e21") }]
})

export type ContactOffer = typeof ContactOffer.Type

export const contact = HttpApiEndpoint.get("contact", "/v1/public/widget/:instance_id/contact", {
  params: { instance_id: params.instance_id },
  headers: token,
  success: HttpApiSchema.WithHeaders(ContactOffer, Headers.rateLimit),
  error: admission
})
  .middleware(Validation)
  .middleware(WidgetTokenSecurity)
  .annotateMerge(
    OpenApi.annotations({
      identifier: "contact_offer",
      summary: "Read whether a visitor can leave an address",
      description:
        "A visitor who leaves an address sends a submission to `/v1/public/forms/submit`, with the field `hydracore_conversation`: the instance's id, a space, and the conversation's id."
    })
  )

export class ConversationsGroup extends HttpApiGroup.make("conversations")
  .add(stream, stop, read, feedback, contact)
  .annotateMerge(
    OpenApi.annotations({ title: "Conversations", description: "Resume, stop, read and rate what an agent said" })
  ) {}
