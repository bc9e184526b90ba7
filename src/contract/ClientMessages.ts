/**
 * The messages of clients that send the whole conversation with each request, as OpenAI and AG-UI spell them.
 *
 * @module
 */
import { Schema } from "effect"

/** The text of a message, or its parts: those that are not text are ignored. */
const Content = Schema.Union([
  Schema.String,
  Schema.Array(Schema.Struct({ type: Schema.String, text: Schema.optionalKey(Schema.String) })),
  Schema.Null
])

export const ClientMessage = Schema.Struct({
  id: Schema.optionalKey(Schema.String),
  role: Schema.String.annotate({ description: "`user` or `assistant`. Messages of other roles are ignored." }),
  content: Schema.optionalKey(Content)
}).annotate({ identifier: "ClientMessage", title: "ClientMessage" })

export type ClientMessage = typeof ClientMessage.Type

/** The text of a message; empty if it has none. */
export const textOf = ({ content = null }: ClientMessage): string => {
  if (content === null) return ""
  if (typeof content === "string") return content
  return content.map(({ text, type }) => (type === "text" ? (text ?? "") : "")).join("")
}
