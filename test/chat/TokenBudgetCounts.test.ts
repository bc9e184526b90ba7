import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { AgentRequest } from "../../src/chat/agent/Agent.ts"
import * as Instance from "../../src/chat/Instance.ts"
import * as TokenBudget from "../../src/chat/TokenBudget.ts"
import { InstanceId } from "../../src/platform/Id.ts"

const instanceId = InstanceId.make("11111111-1111-4111-8111-111111111111")

const count = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 10_000 }))

const request = (text: string, maxTokens: number, instructions: string | null = null): AgentRequest => ({
  instance: Instance.make(instanceId, { name: "n", agent_url: "http://agent", max_tokens: maxTokens, instructions }),
  session: "s",
  messages: [{ role: "user", text }]
})

describe("chat/TokenBudget: what is counted", () => {
  it.prop(
    "the minimum demand exceeds the input, and the maximum demand is the input plus `maxTokens`",
    [Schema.String, count],
    ([text, maxTokens]) => {
      const { min, max } = TokenBudget.demandOf(request(text, maxTokens))
      const input = TokenBudget.ofRequest(request(text, maxTokens))
      assert.isAbove(min, input)
      assert.strictEqual(max, input + maxTokens)
      assert.isAtMost(min, max)
    }
  )

  it("counts the instructions, and estimates the tokens of a text from its bytes", () => {
    assert.isAbove(TokenBudget.ofRequest(request("Hi", 1, "Be brief.")), TokenBudget.ofRequest(request("Hi", 1)))
    assert.strictEqual(TokenBudget.ofText("漢字"), 2)
    assert.strictEqual(TokenBudget.ofText(""), 0)
  })
})
