import { assert, it } from "@effect/vitest"
import * as AgentActivity from "../../../src/chat/agent/AgentActivity.ts"

it("an activity is a general word, and never reveals the name of a tool", () => {
  const tool = (name: string, state: "running" | "done" = "running") =>
    AgentActivity.of({ _tag: "Tool", id: "1", name, state })
  for (const name of ["web_search", "file_search", "web_fetch", "tool_search_tool_bm25", "Browser"]) {
    assert.strictEqual(tool(name), "searching", name)
  }
  assert.strictEqual(tool("read_customer_debts"), "working")
  assert.isNull(tool("web_search", "done"))
  assert.strictEqual(AgentActivity.of({ _tag: "Reasoning", delta: "secret" }), "thinking")
  assert.isNull(AgentActivity.of({ _tag: "Text", delta: "a" }))
})
