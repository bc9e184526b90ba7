import { assert, describe, it } from "@effect/vitest"
import * as AgentDiagnosis from "../../../src/core/doctor/AgentDiagnosis.ts"
import * as Certificate from "../../../src/core/doctor/Certificate.ts"
import { Facts, findingsOf } from "../../support/DoctorFacts.ts"

describe("core/doctor/AgentDiagnosis", () => {
  it.prop(
    "every instance has a finding, which is a problem unless the agent answers or its tokens are used up",
    [Facts],
    ([facts]) => {
      const findings = findingsOf(facts, "agents")
      if (facts.agents === null) return assert.deepStrictEqual(findings, [])
      facts.agents.forEach(({ instanceId, outcome }, index) => {
        assert.strictEqual(
          findings[index]?.severity,
          ["Answered", "TokensUsed"].includes(outcome._tag) ? "ok" : "problem"
        )
        assert.include(findings[index]?.finding, instanceId)
        if (outcome._tag === "Unavailable" || outcome._tag === "Silent") {
          const isRefused = Certificate.faultOf(outcome.reason) !== undefined
          assert.strictEqual(findings[index]?.finding.includes("has a certificate that was refused"), isRefused)
          assert.strictEqual(findings[index]?.advice?.includes("Check that it runs"), !isRefused)
        }
      })
    }
  )

  it.prop("the advice for an agent names the command that updates its instance", [Facts], ([facts]) => {
    const agents = facts.agents ?? []
    const findings = findingsOf(
      { ...facts, agents: agents.map((agent) => ({ ...agent, instanceId: "an-id" })) },
      "agents"
    )
    agents.forEach(({ outcome }, index) => {
      const advice = findings[index]?.advice ?? ""
      const advises = (flag: string) => assert.include(advice, `instance update --instance an-id ${flag} <`)
      if (outcome._tag === "Unavailable" || outcome._tag === "Silent") advises("--agent-url")
      else if (outcome._tag === "NoKey") advises("--agent-key-env")
      else if (outcome._tag === "Failed") advises("--agent-protocol")
      else if (outcome._tag === "Refused") {
        if ([401, 403].includes(outcome.status)) {
          assert.include(advice, "If the key was entered in the console, enter a valid one there.")
          advises("--agent-key-env")
        } else if ([307, 404, 405].includes(outcome.status)) advises("--agent-url")
        else if (outcome.status === 400) advises("--agent-protocol")
      }
    })
  })

  it("an owner's agent in a private network is not reported as down", () => {
    const outcome = { _tag: "Unavailable", reason: "ENOTPUBLIC" } as const
    const { advice, finding } = AgentDiagnosis.ofAgent({ instanceId: "an-id", name: "Support", outcome })
    assert.include(finding, "was not found on the public internet")
    assert.notInclude(advice, "Check that it runs")
    assert.include(advice, "`npm run -s hydracore -- instance update --instance an-id --agent-url <url>`")
  })
})
