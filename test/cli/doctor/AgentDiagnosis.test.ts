import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Diagnosis from "../../../src/cli/doctor/Diagnosis.ts"
import * as Certificate from "../../../src/platform/outward/Certificate.ts"
import { Facts, findingsOf } from "../../support/DoctorFacts.ts"

describe("cli/doctor/Diagnosis: agents", () => {
  it.prop(
    "every asked instance has a finding, which is a problem unless the agent answers or its tokens are used up",
    [Facts],
    ([facts]) => {
      const findings = findingsOf(facts, "agents")
      if (facts.agents === null) return assert.deepStrictEqual(findings, [])
      facts.agents.asked.forEach(({ instance_id, outcome }, index) => {
        assert.strictEqual(
          findings[index]?.severity,
          ["Answered", "TokensUsed"].includes(outcome._tag) ? "ok" : "problem"
        )
        assert.include(findings[index]?.finding, instance_id)
        if (outcome._tag === "Unavailable" || outcome._tag === "Silent") {
          const isRefused = Certificate.faultOf(outcome.reason) !== undefined
          assert.strictEqual(findings[index]?.finding.includes("has a certificate that was refused"), isRefused)
          assert.strictEqual(findings[index]?.advice?.includes("Check that it runs"), !isRefused)
        }
      })
    }
  )

  it.prop("the advice for an agent names the command that updates its instance", [Facts], ([facts]) => {
    const agents = facts.agents?.asked ?? []
    const asked = agents.map((agent) => ({ ...agent, instance_id: "an-id" }))
    const findings = findingsOf({ ...facts, agents: { asked, others: 0 } }, "agents")
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

  it.prop("the instances that were not asked are counted in one finding", [Facts], ([facts]) => {
    const { asked, others } = facts.agents ?? { asked: [], others: 0 }
    const [finding, ...more] = findingsOf(facts, "agents").slice(asked.length)
    assert.deepStrictEqual(more, [])
    assert.strictEqual(finding?.severity, others === 0 ? undefined : "ok")
    if (others > 0) assert.include(finding?.finding, `: ${others}. --ask `)
  })

  it.prop(
    "the newest three instances are asked by default, otherwise all or those of the ids",
    [
      Schema.UniqueArray(Schema.Int).check(Schema.isMaxLength(8)),
      Schema.Union([
        Schema.Literals(["all", "newest"]),
        Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: -9, maximum: 9 })))
      ])
    ],
    ([ids, ask]) => {
      const instances = ids.map((id) => ({ instance_id: String(id) }))
      const wanted = typeof ask === "string" ? ask : ask.map(String)
      const asked = Diagnosis.choose(instances, wanted)
      if (wanted === "all") assert.deepStrictEqual(asked, instances)
      else if (wanted === "newest") assert.deepStrictEqual(asked, instances.slice(-3))
      else
        assert.deepStrictEqual(
          asked,
          instances.filter(({ instance_id }) => wanted.includes(instance_id))
        )
    }
  )

  it("an owner's agent in a private network is not reported as down", () => {
    const outcome = { _tag: "Unavailable", reason: "ENOTPUBLIC" } as const
    const { advice, finding } = Diagnosis.ofAgent({ instance_id: "an-id", name: "Support", outcome })
    assert.include(finding, "was not found on the public internet")
    assert.notInclude(advice, "Check that it runs")
    assert.include(advice, "`npm run -s hydracore -- instance update --instance an-id --agent-url <url>`")
  })
})
