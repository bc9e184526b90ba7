import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as AgentCheck from "../../../src/chat/agent/AgentCheck.ts"

const Status = Schema.Int.check(Schema.isBetween({ minimum: 300, maximum: 599 }))

describe("chat/agent/AgentCheck", () => {
  it.prop("every status of a refusal belongs to a listed problem", [Status], ([status]) => {
    const problem = AgentCheck.problemOf({ _tag: "Refused", status })
    assert.include(AgentCheck.problems, problem)
    // Only the operator of the agent can fix a 5xx.
    assert.strictEqual(problem === "failing" || problem === "busy", status >= 500)
  })

  it("every problem belongs to an outcome, and an answer is not a problem", () => {
    const problems = new Set<AgentCheck.Problem | null>([
      ...Array.from({ length: 300 }, (_, index) => AgentCheck.problemOf({ _tag: "Refused", status: 300 + index })),
      ...["ECONNREFUSED", "CERT_HAS_EXPIRED", "ENOTPUBLIC"].map((reason) =>
        AgentCheck.problemOf({ _tag: "Unavailable", reason })
      ),
      AgentCheck.problemOf({ _tag: "Failed", reason: "" }),
      AgentCheck.problemOf({ _tag: "Silent", reason: "" }),
      AgentCheck.problemOf({ _tag: "NoKey", variable: "" }),
      AgentCheck.problemOf({ _tag: "LockedKey" }),
      AgentCheck.problemOf({ _tag: "TokensUsed" }),
      AgentCheck.problemOf({ _tag: "Answered", text: "", firstWordMillis: null })
    ])
    assert.sameMembers([...problems], [...AgentCheck.problems, null])
  })
})
