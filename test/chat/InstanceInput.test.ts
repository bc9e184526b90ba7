import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import type { AgentRequest } from "../../src/chat/agent/Agent.ts"
import { bodyOf, protocols } from "../../src/chat/agent/AgentClient.ts"
import * as Instance from "../../src/chat/Instance.ts"
import * as InstanceInput from "../../src/chat/InstanceInput.ts"
import { instanceAt } from "../support/TestUpstream.ts"

/** Requests that have every member that a protocol can set. */
const requests: ReadonlyArray<AgentRequest> = ["http://agent", "https://api.openai.com/v1"].map((url) => ({
  instance: instanceAt(url, { agent_model: "m", instructions: "Be brief." }),
  session: "s-1",
  messages: [{ role: "user", text: "Hi" }],
  wantsUsage: true
}))

describe("chat/InstanceInput", () => {
  it("refuses every member and header that a protocol sets, so that an addition never replaces one", () => {
    for (const agent_protocol of Instance.protocols) {
      const protocol = protocols[agent_protocol]
      for (const request of requests) {
        const ofProtocol = { ...request, instance: { ...request.instance, agent_protocol } }
        for (const name of Object.keys(bodyOf(ofProtocol))) {
          assert.isTrue(Result.isFailure(InstanceInput.readBody({ [name]: 1 })), name)
        }
        const headers = { ...protocol.headers(request), ...protocol.keyHeaders("k"), traceparent: "", accept: "" }
        for (const name of [...Object.keys(headers), "content-type"]) {
          for (const spelling of [name, name.toUpperCase()]) {
            assert.isTrue(Result.isFailure(InstanceInput.readHeaders([[spelling, "1"]])), spelling)
          }
        }
      }
    }
  })

  it("accepts the fields that providers and frameworks document", () => {
    const body = { temperature: 0, reasoning: { effort: "low" }, tools: [{ type: "web_search" }], agent_id: "a" }
    assert.deepStrictEqual(InstanceInput.parseBody(JSON.stringify(body)), Result.succeed(body))
  })

  it.prop(
    "reads a header whose name and value are valid, without the white space around them",
    [Schema.String],
    ([text]) => {
      const value = text.replace(/[^!-~]/g, "").slice(0, 100)
      const read = InstanceInput.readHeaders([InstanceInput.splitHeader(`X-Title :  ${value} `)])
      assert.deepStrictEqual(Result.getOrNull(read), value === "" ? null : { "x-title": value })
    }
  )

  it.prop("whatever is read is within the limits", [Schema.Record(Schema.String, Schema.Unknown)], ([value]) => {
    const read = InstanceInput.readBody(value)
    if (Result.isSuccess(read)) {
      assert.isAtMost(JSON.stringify(read.success).length, InstanceInput.limits.body)
      assert.deepStrictEqual(read.success, value)
    }
    const headers = InstanceInput.readHeaders(Object.entries(value))
    if (Result.isSuccess(headers)) {
      for (const [name, header] of Object.entries(headers.success))
        assert.match(`${name}: ${header}`, /^[!-~]+: [ -~]+$/)
    }
  })

  it("has bounds", () => {
    const { limits } = InstanceInput
    const fields = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`f${index}`, 1]))
    assert.isTrue(Result.isSuccess(InstanceInput.readBody(fields(limits.fields))))
    const headers = (count: number, value: string) =>
      InstanceInput.readHeaders(Array.from({ length: count }, (_, index) => [`x-${index}`, value] as const))
    assert.isTrue(Result.isSuccess(headers(limits.headers, "1")))
    for (const refused of [
      InstanceInput.readBody(fields(limits.fields + 1)),
      InstanceInput.readBody({ a: "x".repeat(limits.body) }),
      headers(limits.headers + 1, "1"),
      headers(3, "x".repeat(3_000))
    ])
      assert.isTrue(Result.isFailure(refused))
  })
})
