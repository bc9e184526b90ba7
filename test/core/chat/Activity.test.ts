import { assert, it } from "@effect/vitest"
import * as Activity from "../../../src/core/chat/Activity.ts"

it("an activity is a general word, and never reveals the name of a tool", () => {
  const tool = (name: string, state: "running" | "done" = "running") =>
    Activity.of({ _tag: "Tool", id: "1", name, state })
  for (const name of ["web_search", "file_search", "web_fetch", "tool_search_tool_bm25", "Browser"]) {
    assert.strictEqual(tool(name), "searching", name)
  }
  assert.strictEqual(tool("read_customer_debts"), "working")
  assert.isNull(tool("web_search", "done"))
  assert.strictEqual(Activity.of({ _tag: "Reasoning", delta: "secret" }), "thinking")
  assert.isNull(Activity.of({ _tag: "Text", delta: "a" }))
})
