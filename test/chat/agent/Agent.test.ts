import { assert, it } from "@effect/vitest"
import * as Agent from "../../../src/chat/agent/Agent.ts"

it("an activity is a general word, and never reveals the name of a tool", () => {
  const tool = (name: string, state: "running" | "done" = "running") =>
    Agent.activityOf({ _tag: "Tool", id: "1", name, state })
  for (const name of ["web_search", "file_search", "web_fetch", "tool_search_tool_bm25", "Browser"]) {
    assert.strictEqual(tool(name), "searching", name)
  }
  assert.strictEqual(tool("read_customer_debts"), "working")
  assert.isNull(tool("web_search", "done"))
  assert.strictEqual(Agent.activityOf({ _tag: "Reasoning", delta: "secret" }), "thinking")
  assert.isNull(Agent.activityOf({ _tag: "Text", delta: "a" }))
})
