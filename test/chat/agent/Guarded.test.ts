/** The guard that blocks requests to owners' agents on private addresses, and the stored keys of agents. */
import { randomBytes } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Sealing from "../../../src/platform/secrets/Sealing.ts"
import { ask, done, exchange, failure, layer, secretsKey, streams, textOf } from "../../support/AgentExchange.ts"
import { says } from "../../support/TestUpstream.ts"

describe("agent: guarded instances and stored keys", () => {
  it.effect("a guarded agent is not reached on a private address, whether its URL has the address or a name", () =>
    Effect.gen(function* () {
      const { result, upstream } = yield* exchange(streams(says("a"), done), { guarded: true })
      assert.deepStrictEqual(failure(result), {
        tag: "AgentRefused",
        reason: "the agent could not be reached (ENOTPUBLIC)"
      })
      assert.lengthOf(upstream.received, 0)
      // The resolver of the test answers with an address of a private network.
      const named = { ...upstream.instance, agent_url: "http://agent.example.com/", guarded: true }
      assert.include(failure((yield* ask(named)).result).reason, "ENOTPUBLIC")
    }).pipe(Effect.provide(layer))
  )

  it.effect("an agent whose URL was set on the command line is reached on a private address too", () =>
    Effect.gen(function* () {
      const { events } = yield* exchange(streams(says("a"), done), { guarded: false })
      assert.strictEqual(textOf(events), "a")
    }).pipe(Effect.provide(layer))
  )

  it.effect(
    "a stored key is sent instead of a key in the environment; a key that was stored for another instance is not sent",
    () =>
      Effect.gen(function* () {
        const seal = (context: string) => Sealing.seal(secretsKey, randomBytes(Sealing.nonceBytes), context, "sk-1")
        const { upstream } = yield* exchange(streams(says("a"), done))
        const { instance_id: instanceId } = upstream.instance
        yield* ask({ ...upstream.instance, agent_key: seal(instanceId), agent_key_env: "AGENT_KEY" })
        assert.strictEqual(upstream.received.at(-1)?.headers["authorization"], "Bearer sk-1")
        yield* ask({ ...upstream.instance, agent_key: seal(instanceId), agent_key_header: "api-key" })
        assert.strictEqual(upstream.received.at(-1)?.headers["api-key"], "sk-1")
        const count = upstream.received.length
        const { result } = yield* ask({ ...upstream.instance, agent_key: seal("another") })
        assert.strictEqual(failure(result).reason, "SECRETS_KEY does not decrypt the agent's key")
        assert.lengthOf(upstream.received, count)
      }).pipe(Effect.provide(layer))
  )
})
