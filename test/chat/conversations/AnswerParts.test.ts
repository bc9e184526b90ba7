import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { AgentEvent } from "../../../src/chat/agent/Agent.ts"
import * as ChatStream from "../../../src/chat/ChatStream.ts"
import { uiMessageStream } from "../../../src/chat/ChatStream.ts"
import * as AnswerParts from "../../../src/chat/conversations/AnswerParts.ts"
import type { MessagePart } from "../../../src/chat/conversations/Conversation.ts"
import { Event } from "../../support/Conversations.ts"

const Events = Schema.Array(Event).check(Schema.isMaxLength(20))

/** Stands for a tool between two texts. */
const separator = "\uE000"

type Shown = readonly [type: string, content: string]

const shown = (part: MessagePart): Shown => [part.type, part.type === "text" ? part.text : part.url]

/** The parts that a client of the AI SDK builds from a stream: each at the position of its first frame. */
const clientParts = (frames: string): ReadonlyArray<Shown> => {
  const parts: Array<{ readonly id: string; readonly type: string; content: string }> = []
  for (const line of frames.split("\n").filter((line) => line.startsWith("data: {"))) {
    const frame = JSON.parse(line.slice("data: ".length))
    if (frame.type === "text-start") parts.push({ id: frame.id, type: "text", content: "" })
    if (frame.type === "source-url") parts.push({ id: frame.sourceId, type: frame.type, content: frame.url })
    const text = frame.type === "text-delta" ? parts.find(({ id }) => id === frame.id) : undefined
    if (text !== undefined) text.content += frame.delta
  }
  return parts.map(({ content, type }) => [type, content])
}

describe("chat/conversations/AnswerParts", () => {
  it.prop(
    "the parts have all texts and each source once, in order, and a tool separates two texts",
    [Events],
    ([events]) => {
      const parts = AnswerParts.fromEvents(events)
      const texts = events.map((event) => {
        if (event._tag === "Text" || event._tag === "Refusal") return event.delta
        return event._tag === "Tool" && event.state === "running" ? separator : ""
      })
      assert.deepStrictEqual(
        parts.flatMap((part) => (part.type === "text" ? [part.text] : [])),
        texts
          .join("")
          .split(separator)
          .filter((text) => text !== "")
      )
      assert.deepStrictEqual(
        parts.flatMap((part) => (part.type === "source-url" ? [part.url] : [])),
        [...new Set(events.flatMap((event) => (event._tag === "Source" ? [event.url] : [])))]
      )
      const ids = parts.flatMap((part) => (part.type === "source-url" ? [part.sourceId] : []))
      assert.strictEqual(new Set(ids).size, ids.length)
    }
  )

  it.prop("events added in two steps give the same parts as in one", [Events, Events], ([first, second]) => {
    assert.deepStrictEqual(
      AnswerParts.addAll(AnswerParts.addAll(AnswerParts.none, first), second),
      AnswerParts.addAll(AnswerParts.none, [...first, ...second])
    )
  })

  it.prop("`missing` returns the events that complete the parts of a reader", [Events, Events], ([first, second]) => {
    const received = AnswerParts.addAll(AnswerParts.none, first)
    const all = AnswerParts.addAll(received, second)
    const missing = AnswerParts.missing(received, all.parts)
    assert.deepStrictEqual(AnswerParts.addAll(received, missing).parts, all.parts)
    assert.deepStrictEqual(AnswerParts.missing(all, all.parts), [])
  })

  it.prop("a client that reads the stream has the parts that are stored", [Events], ([list]) => {
    const urls = new Set<string>()
    // An agent cites each page once, and its text is well formed.
    const events = list.flatMap((event): ReadonlyArray<AgentEvent> => {
      if (event._tag === "Source") return urls.has(event.url) || !urls.add(event.url) ? [] : [event]
      return "delta" in event ? [{ ...event, delta: event.delta.toWellFormed() }] : [event]
    })
    const dialect = uiMessageStream({ messageId: "m", conversationId: "c", memory: true })
    const [, frames] = ChatStream.encodeAll(ChatStream.initial({ dialect, messageId: "m", maxBytes: 1_000_000 }), [
      { _tag: "Accepted" },
      ...events.filter(({ _tag }) => _tag !== "Finish"),
      { _tag: "Finish", reason: "stop" }
    ])
    assert.deepStrictEqual(clientParts(frames), AnswerParts.fromEvents(events).map(shown))
  })

  it("limits the number of sources and the length of their URLs, and truncates long titles", () => {
    const source = (url: string, title: string | null = null): AgentEvent => ({ _tag: "Source", url, title })
    const many = Array.from({ length: 60 }, (_, index) => source(`https://example.com/${index}`))
    assert.lengthOf(AnswerParts.fromEvents(many), AnswerParts.maxSources)
    assert.deepStrictEqual(AnswerParts.fromEvents([source(`https://example.com/${"x".repeat(2_048)}`)]), [])
    const [titled] = AnswerParts.fromEvents([source("https://example.com/", `${"x".repeat(299)}😀`)])
    assert.strictEqual(titled?.type === "source-url" ? titled.title : null, `${"x".repeat(299)}\uFFFD`)
  })

  it("the size of parts is that of their texts, URLs and titles", () => {
    const parts: ReadonlyArray<MessagePart> = [
      { type: "text", text: "12345" },
      { type: "source-url", sourceId: "source-1", url: "123", title: "12" },
      { type: "source-url", sourceId: "source-2", url: "1" }
    ]
    assert.strictEqual(AnswerParts.sizeOf(parts), 11)
  })
})
