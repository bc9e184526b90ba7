import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as AgentClient from "../../../src/chat/agent/AgentClient.ts"

const endpointOf = (url: string, path = "chat/completions"): string | undefined =>
  Option.getOrUndefined(Option.map(AgentClient.endpointOf(url, path), ({ href }) => href))

describe("chat/agent/AgentClient: the endpoint", () => {
  it("appends the path to the bases that providers document", () => {
    for (const [base, expected] of [
      ["http://localhost:11434", "http://localhost:11434/v1/chat/completions"],
      ["https://api.openai.com/v1/", "https://api.openai.com/v1/chat/completions"],
      ["https://api.groq.com/openai/v1", "https://api.groq.com/openai/v1/chat/completions"],
      ["https://openrouter.ai/api/v1", "https://openrouter.ai/api/v1/chat/completions"],
      [
        "https://generativelanguage.googleapis.com/v1beta/openai/",
        "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions"
      ],
      [
        "https://x.openai.azure.com/openai/deployments/gpt?api-version=2024-10-21",
        "https://x.openai.azure.com/openai/deployments/gpt/chat/completions?api-version=2024-10-21"
      ],
      ["https://open.bigmodel.cn/api/paas/v4", "https://open.bigmodel.cn/api/paas/v4/chat/completions"],
      ["https://api.perplexity.ai", "https://api.perplexity.ai/chat/completions"],
      ["https://agents.example/7/#x", "https://agents.example/7/v1/chat/completions"]
    ] as const) {
      assert.strictEqual(endpointOf(base), expected)
    }
    assert.strictEqual(endpointOf("https://api.anthropic.com", "messages"), "https://api.anthropic.com/v1/messages")
    assert.strictEqual(endpointOf("https://api.openai.com/v1", "responses"), "https://api.openai.com/v1/responses")
  })

  it("uses the full URL of an endpoint unchanged", () => {
    for (const url of ["https://a.example/chat/completions", "https://a.example/x/chat/completions/?key=1"]) {
      assert.strictEqual(endpointOf(url), url)
    }
  })

  it("accepts only http and https URLs", () => {
    for (const url of ["not an address", "ftp://a.example/", "http://", ""]) assert.isUndefined(endpointOf(url))
  })
})
