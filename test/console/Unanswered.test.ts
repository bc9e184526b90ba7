import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as AnswerParts from "../../src/chat/conversations/AnswerParts.ts"
import { AnswerEnding } from "../../src/chat/conversations/Conversation.ts"
import { isUnanswered } from "../../src/console/conversations/Unanswered.ts"

const Answers = Schema.Array(
  Schema.Struct({ ending: AnswerEnding, text: Schema.Literals(["", "Yes."]), isSourced: Schema.Boolean })
)

const source = { type: "source-url", url: "https://a.example/", title: null } as const

describe("console/conversations/Unanswered", () => {
  it.prop("is what the service stores of the conversation's answers", [Answers], ([answers]) => {
    let expected = false
    const messages = answers.flatMap(({ ending, isSourced, text }) => {
      const parts = [...(text === "" ? [] : [{ type: "text" as const, text }]), ...(isSourced ? [source] : [])]
      expected = AnswerParts.isUnansweredAfter({ ending, size: AnswerParts.sizeOf(parts) }) ?? expected
      return [
        { role: "user" as const, parts: [{ type: "text" as const, text: "?" }] },
        { role: "assistant" as const, parts, ending }
      ]
    })
    assert.strictEqual(isUnanswered(messages), expected)
    assert.isFalse(isUnanswered([...messages, { role: "assistant", parts: [], ending: null }]))
  })
})
