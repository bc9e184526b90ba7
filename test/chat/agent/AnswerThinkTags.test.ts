import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Answer from "../../../src/chat/agent/Answer.ts"

/** The reasoning and the text of these deltas. */
const read = (deltas: ReadonlyArray<string>) => {
  let state = Answer.initialThinking
  let reasoning = ""
  let text = ""
  for (const delta of deltas) {
    const next = Answer.readThinking(state, delta)
    state = next.state
    reasoning += next.reasoning
    text += next.text
  }
  const rest = Answer.endThinking(state)
  return { reasoning: reasoning + rest.reasoning, text: text + rest.text }
}

const Piece = Schema.Literals(["<", "think", ">", "</", "<think>", "</think>", " ", "\n", "a", "<thi", " ".repeat(200)])

describe("chat/agent/Answer: think tags", () => {
  it.prop("the division of a text into deltas does not matter", [Schema.Array(Piece)], ([pieces]) => {
    assert.deepStrictEqual(read(pieces), read([pieces.join("")]))
    assert.deepStrictEqual(read([...pieces.join("")]), read([pieces.join("")]))
  })

  it.prop("a text that does not begin with the tag is not changed", [Schema.Array(Piece)], ([pieces]) => {
    const text = pieces.join("")
    if (!text.trimStart().startsWith("<think>")) assert.deepStrictEqual(read(pieces), { reasoning: "", text })
  })

  it("a tag after a lot of white space is text, whole or split", () => {
    const text = `${" ".repeat(300)}<think>a</think>b`
    assert.deepStrictEqual(read([text]), { reasoning: "", text })
    assert.deepStrictEqual(read([...text]), { reasoning: "", text })
  })

  it("the text between the tags is reasoning, and the rest does not change", () => {
    assert.deepStrictEqual(read(["\n<th", "ink>two and two</thi", "nk>\n\nFour. </think>"]), {
      reasoning: "two and two",
      text: "\n\nFour. </think>"
    })
    assert.deepStrictEqual(read(["<think>without an end </th"]), { reasoning: "without an end </th", text: "" })
  })

  it("white space at the beginning is held back up to a maximum", () => {
    const { state, text } = Answer.readThinking(Answer.initialThinking, " ".repeat(10_000))
    assert.strictEqual(text.length + state.held.length, 10_000)
    assert.isBelow(state.held.length, 300)
  })
})
