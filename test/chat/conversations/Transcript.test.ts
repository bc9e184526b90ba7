import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { type AnswerEnding, endings } from "../../../src/chat/conversations/Conversation.ts"
import * as Transcript from "../../../src/chat/conversations/Transcript.ts"

describe("chat/conversations/Transcript", () => {
  it("an answer is missing if it broke off, or ended empty although the visitor did not end it", () => {
    const text = [{ type: "text", text: "Hi" }] as const
    const broken: ReadonlyArray<AnswerEnding> = ["failed", "cut"]
    const byVisitor: ReadonlyArray<AnswerEnding> = ["stopped", "superseded"]
    for (const ending of endings) {
      assert.strictEqual(Transcript.isMissing({ ending, parts: text }), broken.includes(ending), ending)
      assert.strictEqual(Transcript.isMissing({ ending, parts: [] }), !byVisitor.includes(ending), ending)
    }
    assert.isFalse(Transcript.isMissing({ ending: null, parts: [] }))
  })

  it.prop("a preview is short, on one line and well formed", [Schema.String], ([text]) => {
    for (const original of [text, text.repeat(200), `${"x".repeat(198)}😀😀`]) {
      const preview = Transcript.preview(original)
      assert.isAtMost(preview.length, 200)
      assert.notMatch(preview, /[\r\n]/)
      assert.isTrue(preview.isWellFormed())
    }
  })
})
