import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Inspection from "../../src/agent/Inspection.ts"
import type { Instance } from "../../src/core/chat/Instance.ts"
import { done, layer, secret, streams } from "../support/AgentExchange.ts"
import { finishes, instanceAt, type Respond, says, start } from "../support/TestUpstream.ts"

const inspect = (url: string, rest: Partial<Instance> = {}) =>
  Effect.map(Inspection.inspect(instanceAt(url, rest), "200 millis"), ({ outcome }) => outcome)

/** Inspects an agent that responds with `respond`. */
const inspectAgent = (respond: Respond, rest: Partial<Instance> = {}) =>
  Effect.gen(function* () {
    const agent = yield* start(respond)
    return { agent, outcome: yield* inspect(agent.url, rest) }
  })

describe("agent/Inspection", () => {
  it.live("asks one real question, with the key, and looks no further than the first word", () =>
    Effect.gen(function* () {
      const { agent, outcome: answered } = yield* inspectAgent(streams(says("OK"), says(" then")), {
        agentKeyEnv: "AGENT_KEY"
      })
      assert.deepStrictEqual(answered, { _tag: "Answered" })
      assert.lengthOf(agent.received, 1)
      assert.strictEqual(agent.received[0]?.headers["authorization"], "Bearer the-key")
      assert.include(agent.received[0]?.body, '"max_tokens":64')
    }).pipe(Effect.provide(layer))
  )

  it.live("a model that reasons until its tokens are used up works; one that says nothing does not", () =>
    Effect.gen(function* () {
      const { outcome: reasoned } = yield* inspectAgent(streams(finishes("length"), done))
      assert.deepStrictEqual(reasoned, { _tag: "Answered" })
      const { outcome: silent } = yield* inspectAgent(streams(finishes("stop"), done))
      assert.strictEqual(silent._tag, "Failed")
    }).pipe(Effect.provide(layer))
  )

  it.live("tells a refusal, a fault, an absence and a missing key apart, without a word of the agent's", () =>
    Effect.gen(function* () {
      for (const status of [307, 401, 404, 429, 500, 503]) {
        const { outcome: refused } = yield* inspectAgent((_, response) => void response.writeHead(status).end(secret))
        assert.deepStrictEqual(refused, { _tag: "Refused", status })
      }
      const { outcome: page } = yield* inspectAgent((_, response) => {
        response.writeHead(200, { "content-type": "text/html" }).end(secret)
      })
      assert.strictEqual(page._tag, "Failed")
      const { outcome: broken } = yield* inspectAgent(streams(`data: ${secret}\n\n`))
      assert.strictEqual(broken._tag, "Failed")
      assert.notInclude(JSON.stringify([page, broken]), secret)
      assert.deepStrictEqual(yield* inspect("http://127.0.0.1:1"), { _tag: "Unavailable", reason: "ECONNREFUSED" })
      assert.strictEqual((yield* inspect("ftp://127.0.0.1"))._tag, "Unavailable")
      const { agent, outcome: keyless } = yield* inspectAgent(streams(done), { agentKeyEnv: "UNSET" })
      assert.deepStrictEqual(keyless, { _tag: "NoKey", variable: "UNSET" })
      assert.lengthOf(agent.received, 0)
    }).pipe(Effect.provide(layer))
  )

  it.live("an agent that is silent is away", () =>
    Effect.gen(function* () {
      const { outcome: late } = yield* inspectAgent(() => {})
      assert.match(late._tag === "Unavailable" ? late.reason : "", /^no answer in /)
    }).pipe(Effect.provide(layer))
  )
})
