/**
 * The frames of a chat stream: the UI message stream of the AI SDK, version 1, as Server-Sent Events. A stream begins with
 * `start`. Each text is a `text-start`, one or more `text-delta` and a `text-end`; `source-url` and `data-activity` may occur
 * anywhere before the end. At most one `error` follows, then `finish`. The data of the last event is `[DONE]`.
 *
 * @module
 */
import { Schema } from "effect"

const id = Schema.String.annotate({ description: "The id of the text: the same in all its frames" })

const Start = Schema.Struct({
  type: Schema.Literal("start"),
  messageId: Schema.String,
  messageMetadata: Schema.Struct({
    conversation_id: Schema.String.annotate({ description: "Send it with the next message of this conversation" }),
    memory: Schema.Boolean.annotate({
      description: "Whether later messages of this conversation include this one as history"
    })
  })
}).annotate({ title: "Start" })

const TextStart = Schema.Struct({ type: Schema.Literal("text-start"), id }).annotate({ title: "TextStart" })

const TextDelta = Schema.Struct({
  type: Schema.Literal("text-delta"),
  id,
  delta: Schema.String.annotate({ description: "Text to append" })
}).annotate({ title: "TextDelta" })

const TextEnd = Schema.Struct({ type: Schema.Literal("text-end"), id }).annotate({ title: "TextEnd" })

const Source = Schema.Struct({
  type: Schema.Literal("source-url"),
  sourceId: Schema.String,
  url: Schema.String.annotate({ description: "A page that the answer relies on" }),
  title: Schema.optionalKey(Schema.String)
}).annotate({ title: "Source" })

const Activity = Schema.Struct({
  type: Schema.Literal("data-activity"),
  data: Schema.Struct({ activity: Schema.Literals(["thinking", "searching", "working"]) }),
  transient: Schema.Literal(true)
}).annotate({
  title: "Activity",
  description: "What the agent is doing while it sends no text. It is not part of the message"
})

const Failed = Schema.Struct({
  type: Schema.Literal("error"),
  errorText: Schema.String.annotate({ description: "A sentence for the visitor" })
}).annotate({ title: "Error" })

const Finish = Schema.Struct({
  type: Schema.Literal("finish"),
  finishReason: Schema.Literals(["stop", "length", "content-filter", "error", "other"])
}).annotate({ title: "Finish" })

export const ChatFrame = Schema.Union([
  Start,
  TextStart,
  TextDelta,
  TextEnd,
  Source,
  Activity,
  Failed,
  Finish
]).annotate({
  identifier: "ChatFrame"
})

export type ChatFrame = typeof ChatFrame.Type

const example: ChatFrame = {
  type: "text-delta",
  id: "0d3b7c52-6f0e-4c8e-a1d7-5e0f4b9c2a63",
  delta: "From nine to five."
}

/** The data of the last event. */
export const done = "[DONE]"

/** One event of the stream: a frame, or the end. Comments (`: ping`) keep an idle stream open. */
export const ChatEvent = Schema.Struct({
  data: Schema.Union([Schema.Literal(done), Schema.fromJsonString(ChatFrame)])
}).annotate({
  identifier: "ChatEvent",
  // The OpenAPI document shows the encoded value.
  examples: [{ data: JSON.stringify(example) as never }]
})
