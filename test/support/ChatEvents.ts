/**
 * Arbitrary events of a chat stream, for property tests.
 */
import { Schema } from "effect"
import type * as ChatStream from "../../src/chat/ChatStream.ts"

/** Short texts, so that halves of surrogate pairs are joined and separated in every way. */
export const Piece = Schema.Array(
  Schema.Literals(["a", "é", "\n", "\r", "\u2028", "\ud83d", "\ude00", "data: [DONE]"])
).pipe(Schema.check(Schema.isMaxLength(4)))
/** A number of tokens. JSON has no -0. */
const Tokens = Schema.Int.check(Schema.makeFilter((tokens) => !Object.is(tokens, -0)))
export const Text = Schema.Struct({ _tag: Schema.Literal("Text"), delta: Piece })
export const Event = Schema.Union([
  Schema.Struct({ _tag: Schema.Literal("Accepted") }),
  Text,
  Text,
  Text,
  Schema.Struct({ _tag: Schema.Literal("Refusal"), delta: Piece }),
  Schema.Struct({ _tag: Schema.Literal("Reasoning"), delta: Piece }),
  Schema.Struct({ _tag: Schema.Literal("Source"), url: Schema.String, title: Schema.NullOr(Schema.String) }),
  Schema.Struct({
    _tag: Schema.Literal("Tool"),
    id: Schema.String,
    name: Schema.Literals(["web_search", "run_code"]),
    state: Schema.Literals(["running", "done"])
  }),
  Schema.Struct({ _tag: Schema.Literal("Usage"), inputTokens: Tokens, outputTokens: Tokens }),
  Schema.Struct({
    _tag: Schema.Literal("Finish"),
    reason: Schema.Literals(["stop", "length", "content-filter", "other"])
  }),
  Schema.Struct({
    _tag: Schema.Literal("Failed"),
    failure: Schema.Literals([
      "agent-timeout",
      "agent-broken",
      "agent-empty",
      "agent-declined",
      "too-long",
      "too-much",
      "shutting-down",
      "internal"
    ])
  })
])

export const toEvent = (event: typeof Event.Type): ChatStream.Event =>
  event._tag === "Text" || event._tag === "Refusal" || event._tag === "Reasoning"
    ? { _tag: event._tag, delta: event.delta.join("") }
    : event

/**
 * The text of the events up to the first one that ends the stream. Halves of a surrogate pair
 * are not joined across the start of a tool.
 */
export const textOf = (events: ReadonlyArray<ChatStream.Event>): string => {
  const texts = [""]
  for (const event of events) {
    if (event._tag === "Finish" || event._tag === "Failed") break
    if (event._tag === "Text" || event._tag === "Refusal") texts[texts.length - 1] += event.delta
    else if (event._tag === "Tool" && event.state === "running") texts.push("")
  }
  return texts.map((text) => text.toWellFormed()).join("")
}
