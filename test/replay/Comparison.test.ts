import { assert, describe, it } from "@effect/vitest"
import * as Comparison from "./Comparison.ts"
import * as Recording from "./Recording.ts"

const lines = (...frames: ReadonlyArray<unknown>) => frames.map((frame) => JSON.stringify(frame)).join("\n")

const chat = Recording.parse(
  lines(
    { choices: [{ delta: { reasoning_content: "hm" } }] },
    { choices: [{ delta: { content: "It rains." } }], citations: ["https://a.example/"] },
    { choices: [{ delta: {}, finish_reason: "stop" }] }
  )
)!

const event = (value: unknown): string => `data: ${typeof value === "string" ? value : JSON.stringify(value)}\n\n`
const parts = {
  activity: event({ type: "data-activity", data: { activity: "thinking" }, transient: true }),
  source: event({ type: "source-url", sourceId: "1", url: "https://a.example/" }),
  text: event({ type: "text-delta", id: "1", delta: "It rains." }),
  finish: event({ type: "finish", finishReason: "stop" }),
  done: event("[DONE]")
}
const differences = (body: string, status = 200) =>
  Comparison.compare(Recording.expected(chat), { status, body }).differences

describe("replay", () => {
  it("recognizes the protocol of a recording, and reads what a visitor must get from it", () => {
    assert.strictEqual(chat.protocol, "openai-chat")
    assert.deepStrictEqual(Recording.expected(chat), {
      text: "It rains.",
      citations: ["https://a.example/"],
      hasReasoning: true,
      hasTools: false,
      fails: false
    })
    const failed = Recording.parse(lines({ type: "response.created" }, { type: "error" }))!
    assert.deepInclude(Recording.expected(failed), { text: "", fails: true })
    const tool = { type: "content_block_start", content_block: { type: "tool_use" } }
    assert.deepInclude(Recording.expected(Recording.parse(lines({ type: "message_start" }, tool))!), {
      hasTools: true,
      fails: true
    })
    assert.isNull(Recording.parse("no JSON"))
    assert.isNull(Recording.parse(lines({ any: "thing" })))
  })

  it("finds no difference in a complete answer, and names each part that is missing or different", () => {
    const { activity, done, finish, source, text } = parts
    assert.deepStrictEqual(differences(activity + text + source + finish + done), [])
    for (const [body, difference] of [
      [text + source + finish + done, /reasoning shows no activity/],
      [activity + text + finish + done, /1 citations are missing/],
      [activity + text.replace("rains", "snows") + source + finish + done, /text differs at character 3/],
      [activity + text + source + finish, /has no end/],
      [activity + text + source + event({ type: "error", errorText: "No." }) + done, /an error: No\./]
    ] as const) {
      assert.match(differences(body).join(), difference)
    }
    assert.match(differences("", 502).join(), /status 502/)
  })
})
