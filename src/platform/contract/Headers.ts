/**
 * The headers of responses, as schemas. All are optional, since a proxy may remove any of them.
 *
 * @module
 */
import { Schema, SchemaTransformation } from "effect"
import * as Decision from "../http/Decision.ts"

const text = (description: string) => Schema.optionalKey(Schema.String.annotate({ description }))

/** The rate limit (draft-ietf-httpapi-ratelimit-headers-10); absent if no limit is configured or none was checked. */
export const rateLimit = {
  "ratelimit-policy": text('The rate limit: name, requests and window in seconds, such as `"forms";q=5;w=60`'),
  ratelimit: text('What remains of the rate limit, and the seconds until more is allowed, such as `"forms";r=4;t=60`')
}

const seconds = Schema.String.annotate({ description: "Seconds to wait before the request is sent again" }).pipe(
  Schema.decodeTo(Schema.Int, SchemaTransformation.numberFromString)
)

export const retryAfter = { "retry-after": Schema.optionalKey(seconds) }

export const shouldRetry = {
  "x-should-retry": text("`false` if OpenAI's clients should not send the request again by themselves")
}

export const decision = {
  [Decision.header]: Schema.optionalKey(
    Schema.Literals(Decision.decisions).annotate({
      description:
        "Whether the request was counted: `counted`; `repeated` if an earlier request with the same idempotency key was counted; otherwise the reason why it was not counted"
    })
  )
}

/** The name of the header `conversation`. */
export const conversationName = "x-hydracore-conversation"

/** The headers of an error after which a chat can continue. */
export const conversation = {
  [conversationName]: text(
    "The conversation that the message began, although it got no answer: the `conversation_id` of the next message. Absent if the service keeps no such conversation, or if the message named its own"
  )
}

export const allow = { allow: text("The methods of this path") }

export const errorId = {
  "x-error-id": Schema.optionalKey(
    Schema.String.annotate({ format: "uuid", description: "The id of this failure in the log of the service" })
  )
}

export const seeOther = {
  location: text("The page to show next, from the form's field `next`"),
  "cache-control": text("The redirect is not stored")
}

/** The headers of a streamed answer. */
export const eventStream = {
  "cache-control": text("The answer is neither stored nor transformed"),
  "x-accel-buffering": text("Tells proxies not to buffer the answer")
}

/** The headers of a stream in the chat's own protocol. */
export const chatStream = {
  ...eventStream,
  "x-vercel-ai-ui-message-stream": text("The version of the stream's protocol: `v1`")
}
