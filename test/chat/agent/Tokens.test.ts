import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { AgentRequest } from "../../../src/chat/agent/Agent.ts"
import * as Tokens from "../../../src/chat/agent/Tokens.ts"
import * as Instance from "../../../src/chat/Instance.ts"

const count = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 10_000 }))

const request = (text: string, maxTokens: number, instructions: string | null = null): AgentRequest => ({
  instance: Instance.make("i-1", { name: "n", agentUrl: "http://agent", maxTokens, instructions }),
  session: "s",
  messages: [{ role: "user", text }]
})

describe("chat/agent/Tokens", () => {
  it.prop(
    "the sum of grants never exceeds the limit, and each grant is between the request's minimum and its maximum",
    [count, Schema.Array(Schema.Tuple([count, count]))],
    ([limit, demands]) => {
      let used = 0
      for (const [one, other] of demands) {
        const demand = { min: Math.min(one, other), max: Math.max(one, other) }
        const tokens = Tokens.grant(limit, used, demand)
        if (tokens === null) assert.isBelow(limit - used, demand.min)
        else {
          assert.isTrue(tokens >= demand.min && tokens <= demand.max)
          used += tokens
        }
        assert.isAtMost(used, limit)
      }
    }
  )

  it.prop(
    "the minimum demand exceeds the input, and the maximum demand is the input plus `maxTokens`",
    [Schema.String, count],
    ([text, maxTokens]) => {
      const { min, max } = Tokens.demandOf(request(text, maxTokens))
      const input = Tokens.ofRequest(request(text, maxTokens))
      assert.isAbove(min, input)
      assert.strictEqual(max, input + maxTokens)
      assert.isAtMost(min, max)
    }
  )

  it("counts the instructions, and estimates the tokens of a text from its bytes", () => {
    assert.isAbove(Tokens.ofRequest(request("Hi", 1, "Be brief.")), Tokens.ofRequest(request("Hi", 1)))
    assert.strictEqual(Tokens.ofText("漢字"), 2)
    assert.strictEqual(Tokens.ofText(""), 0)
  })
})
