import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { AgentEvent } from "../../../src/core/chat/Agent.ts"
import * as AnswerParts from "../../../src/core/chat/AnswerParts.ts"
import type { MessagePart } from "../../../src/core/chat/Conversation.ts"
import { Event } from "../../suites/ConversationStore.ts"

const Events = Schema.Array(Event).check(Schema.isMaxLength(20))

describe("core/chat/AnswerParts", () => {
  it.prop(
    "the text is all that was said, in one part, and every source is there once, in order",
    [Events],
    ([events]) => {
      const parts = AnswerParts.fromEvents(events)
      const said = events
        .map((event) => (event._tag === "Text" || event._tag === "Refusal" ? event.delta : ""))
        .join("")
      assert.strictEqual(AnswerParts.textOf(parts), said)
      assert.lengthOf(
        parts.filter(({ type }) => type === "text"),
        said === "" ? 0 : 1
      )
      assert.deepStrictEqual(
        parts.flatMap((part) => (part.type === "source-url" ? [part.url] : [])),
        [...new Set(events.flatMap((event) => (event._tag === "Source" ? [event.url] : [])))]
      )
      const ids = parts.flatMap((part) => (part.type === "source-url" ? [part.sourceId] : []))
      assert.strictEqual(new Set(ids).size, ids.length)
    }
  )

  it.prop("events in two runs give the same parts as in one", [Events, Events], ([first, second]) => {
    assert.deepStrictEqual(
      AnswerParts.addAll(AnswerParts.fromEvents(first), second),
      AnswerParts.fromEvents([...first, ...second])
    )
  })

  it.prop("what a reader lacks leads from its parts to all of them", [Events, Events], ([first, second]) => {
    const had = AnswerParts.fromEvents(first)
    const all = AnswerParts.fromEvents([...first, ...second])
    assert.deepStrictEqual(AnswerParts.addAll(had, AnswerParts.missing(had, all)), all)
    assert.deepStrictEqual(AnswerParts.missing(all, all), [])
  })

  it("limits the number of sources and the length of their addresses, and truncates long titles", () => {
    const source = (url: string, title: string | null = null): AgentEvent => ({ _tag: "Source", url, title })
    const many = Array.from({ length: 60 }, (_, index) => source(`https://example.com/${index}`))
    assert.lengthOf(AnswerParts.fromEvents(many), AnswerParts.maxSources)
    assert.deepStrictEqual(AnswerParts.fromEvents([source(`https://example.com/${"x".repeat(2_000)}`)]), [])
    const [titled] = AnswerParts.fromEvents([source("https://example.com/", `${"x".repeat(299)}😀`)])
    assert.strictEqual(titled?.type === "source-url" ? titled.title : null, `${"x".repeat(299)}\uFFFD`)
  })

  it("the size of parts is that of their texts, addresses and titles", () => {
    const parts: ReadonlyArray<MessagePart> = [
      { type: "text", text: "12345" },
      { type: "source-url", sourceId: "source-1", url: "123", title: "12" },
      { type: "source-url", sourceId: "source-2", url: "1" }
    ]
    assert.strictEqual(AnswerParts.sizeOf(parts), 11)
  })
})
