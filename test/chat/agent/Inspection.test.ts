import { assert, describe, it } from "@effect/vitest"
import { type Duration, Effect } from "effect"
import * as AgentCheck from "../../../src/chat/agent/AgentCheck.ts"
import { ofOperator } from "../../../src/chat/agent/AgentCheck.ts"
import * as Inspection from "../../../src/chat/agent/Inspection.ts"
import type { Instance } from "../../../src/chat/Instance.ts"
import { done, layer, secret, streams } from "../../support/AgentExchange.ts"
import { finishes, instanceAt, type Respond, says, start } from "../../support/TestUpstream.ts"

const inspect = (url: string, rest: Partial<Instance> = {}, timeout: Duration.Input = "10 seconds") =>
  Inspection.ask(instanceAt(url, rest), ofOperator, timeout)

/** Inspects an agent that responds with `respond`. */
const inspectAgent = (respond: Respond, rest: Partial<Instance> = {}) =>
  Effect.gen(function* () {
    const agent = yield* start(respond)
    return { agent, outcome: yield* inspect(agent.url, rest) }
  })

describe("chat/agent/Inspection", () => {
  it.live("sends one real question, with the key, and reads only the first character of the answer", () =>
    Effect.gen(function* () {
      const { agent, outcome: answered } = yield* inspectAgent(streams(says("OK"), says(" then")), {
        agent_key_env: "AGENT_KEY"
      })
      assert.deepInclude(answered, { _tag: "Answered", text: "O" })
      assert.lengthOf(agent.received, 1)
      assert.strictEqual(agent.received[0]?.headers["authorization"], "Bearer the-key")
      assert.include(agent.received[0]?.body, '"max_tokens":64')
    }).pipe(Effect.provide(layer))
  )

  it.live("a model that reasons until its tokens are used up passes; a model without any output fails", () =>
    Effect.gen(function* () {
      const { outcome: reasoned } = yield* inspectAgent(streams(finishes("length"), done))
      assert.deepStrictEqual(reasoned, { _tag: "Answered", text: "", firstWordMillis: null })
      const { outcome: silent } = yield* inspectAgent(streams(finishes("stop"), done))
      assert.strictEqual(silent._tag, "Failed")
    }).pipe(Effect.provide(layer))
  )

  it.live("distinguishes a refusal, a failure, no connection and a missing key, and repeats no text of the agent", () =>
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
      const { agent, outcome: keyless } = yield* inspectAgent(streams(done), { agent_key_env: "UNSET" })
      assert.deepStrictEqual(keyless, { _tag: "NoKey", variable: "UNSET" })
      assert.lengthOf(agent.received, 0)
      // This process did not encrypt the stored key.
      const { outcome: locked } = yield* inspectAgent(streams(done), { agent_key: new Uint8Array(40) })
      assert.deepStrictEqual(locked, { _tag: "LockedKey" })
    }).pipe(Effect.provide(layer))
  )

  it.live("requests to an owner's agent reach the public internet only", () =>
    Effect.gen(function* () {
      const { agent, outcome } = yield* inspectAgent(streams(says("OK"), done), { guarded: true })
      assert.lengthOf(agent.received, 0)
      const named = yield* inspect("https://agent.example.com/v1", { guarded: true })
      for (const refused of [outcome, named]) assert.strictEqual(AgentCheck.problemOf(refused), "not-public")
    }).pipe(Effect.provide(layer))
  )

  it.live("an agent that does not answer in time is silent", () =>
    Effect.gen(function* () {
      const agent = yield* start(() => {})
      const late = yield* inspect(agent.url, {}, "100 millis")
      assert.match(late._tag === "Silent" ? late.reason : "", /^no answer in /)
    }).pipe(Effect.provide(layer))
  )

  it.live("reads the beginning of an answer, and what arrived of an answer that does not end", () =>
    Effect.gen(function* () {
      const beginningOf = Effect.fnUntraced(function* (
        respond: Respond,
        characters: number,
        timeout: Duration.Input = "10 seconds"
      ) {
        const agent = yield* start(respond)
        const question = { text: "When?", maxTokens: 9, characters }
        const outcome = yield* Inspection.ask(instanceAt(agent.url), question, timeout)
        return outcome._tag === "Answered" ? outcome.text : outcome
      })
      const answer = streams(says(" At"), says(" nine 🎉"), finishes("stop"), done)
      assert.strictEqual(yield* beginningOf(answer, 500), "At nine 🎉")
      assert.strictEqual(yield* beginningOf(answer, 5), "At ni")
      // A half of a character is not shown.
      assert.strictEqual(yield* beginningOf(answer, 9), "At nine ")
      const hangs: Respond = (_, response) => {
        response.writeHead(200, { "content-type": "text/event-stream" })
        response.write(says("At"))
      }
      assert.strictEqual(yield* beginningOf(hangs, 500, "3 seconds"), "At")
    }).pipe(Effect.provide(layer))
  )
})
