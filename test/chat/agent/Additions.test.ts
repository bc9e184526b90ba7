/** What an instance adds to the requests of its agent. */

import { randomBytes } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Instance } from "../../../src/chat/Instance.ts"
import * as SealedAdditions from "../../../src/chat/SealedAdditions.ts"
import { InstanceId } from "../../../src/platform/Id.ts"
import * as Sealing from "../../../src/platform/secrets/Sealing.ts"
import { ask, done, failure, layer, secretsKey, streams } from "../../support/AgentExchange.ts"
import { type Received, says, start } from "../../support/TestUpstream.ts"

const seal = (
  kind: SealedAdditions.Kind,
  values: Readonly<Record<string, unknown>>,
  { instance_id: instanceId }: Instance
) => SealedAdditions.seal(secretsKey, randomBytes(Sealing.nonceBytes), instanceId, kind, values)

const bodyOf = (received: Received | undefined): unknown => JSON.parse(received?.body ?? "")

describe("agent: additions to requests", () => {
  it.effect("are sent in every protocol, and replace nothing that the service sets", () =>
    Effect.gen(function* () {
      const upstream = yield* start(streams(says("Hi"), done))
      for (const agentProtocol of ["openai-chat", "openai-responses", "anthropic"] as const) {
        const instance = {
          ...upstream.instance,
          agent_protocol: agentProtocol,
          agent_key_env: "AGENT_KEY",
          agent_model: "m"
        }
        yield* ask(instance)
        const { body, headers } = { ...upstream.received.at(-1), body: bodyOf(upstream.received.at(-1)) }
        const additional = { temperature: 0.2, agent_id: "a" }
        const agentHeaders = { "x-title": "Shop", accept: "text/html", authorization: "Bearer b", "x-api-key": "b" }
        yield* ask({
          ...instance,
          agent_body: seal(
            "body",
            { ...additional, model: "other", stream: false, messages: [], input: "x" },
            instance
          ),
          agent_headers: seal("headers", agentHeaders, instance)
        })
        const sent = upstream.received.at(-1)
        assert.deepInclude(bodyOf(sent), { ...additional, ...(body as object) })
        assert.strictEqual(sent?.headers["x-title"], "Shop")
        const keyHeader = agentProtocol === "anthropic" ? "x-api-key" : "authorization"
        for (const name of ["accept", "content-type", keyHeader]) {
          assert.strictEqual(sent?.headers[name], headers?.[name], name)
        }
      }
    }).pipe(Effect.provide(layer))
  )

  it.effect("do not replace the key in a header of the instance", () =>
    Effect.gen(function* () {
      const upstream = yield* start(streams(says("Hi"), done))
      const instance = { ...upstream.instance, agent_key_env: "AGENT_KEY", agent_key_header: "Api-Key" }
      yield* ask({ ...instance, agent_headers: seal("headers", { "api-key": "b", "x-a": "1" }, instance) })
      const { headers } = upstream.received[0] ?? assert.fail("no request")
      assert.deepStrictEqual([headers["api-key"], headers["x-a"]], ["the-key", "1"])
    }).pipe(Effect.provide(layer))
  )

  it.effect("of another instance, or sealed as something else, are not sent, and neither is the request", () =>
    Effect.gen(function* () {
      const upstream = yield* start(streams(says("Hi"), done))
      const { instance } = upstream
      const other = { ...instance, instance_id: InstanceId.make("22222222-2222-4222-8222-222222222222") }
      for (const [additions, what] of [
        [{ agent_body: seal("body", { a: 1 }, other) }, "fields"],
        [{ agent_body: seal("headers", { a: 1 }, instance) }, "fields"],
        [{ agent_headers: seal("headers", { a: "1" }, other) }, "headers"],
        [{ agent_headers: { names: [], sealed: new Uint8Array(40) } }, "headers"]
      ] as const) {
        const { result } = yield* ask({ ...instance, ...additions })
        assert.strictEqual(failure(result).reason, `SECRETS_KEY does not decrypt the additional ${what}`)
      }
      assert.lengthOf(upstream.received, 0)
    }).pipe(Effect.provide(layer))
  )
})
