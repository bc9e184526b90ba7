import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Instance from "../../src/chat/Instance.ts"

const CostSettings = Schema.Struct({
  agent_protocol: Schema.Literals(["openai-chat", "openai-responses", "anthropic"]),
  agent_model: Schema.NullOr(Schema.Literals(["small", "large"])),
  agent_key_header: Schema.NullOr(Schema.Literals(["api-key", "x-key"])),
  agent_body: Schema.Null,
  agent_headers: Schema.Null,
  memory: Schema.Literals(["edge", "agent"]),
  history: Schema.Literals([40, 500]),
  history_characters: Schema.Literals([60_000, 1_000_000]),
  max_tokens: Schema.Literals([4096, 1_000_000]),
  daily_tokens: Schema.NullOr(Schema.Literals([9, 1_000_000]))
})

const KeyEnv = Schema.NullOr(Schema.Literal("AGENT_KEY"))

describe("chat/Instance", () => {
  it.prop(
    "with the operator's key, no setting that affects costs can change; with another key, all can",
    [CostSettings, CostSettings, KeyEnv],
    ([before, change, agentKeyEnv]) => {
      const refused = Instance.reservedChange({ ...before, agent_key_env: agentKeyEnv }, change)
      const isSame = JSON.stringify(before) === JSON.stringify(change)
      assert.strictEqual(refused === undefined, agentKeyEnv === null || isSame)
    }
  )

  it("a change that leaves out the settings that affect costs is not refused", () => {
    const before = {
      agent_key_env: "AGENT_KEY",
      ...Schema.decodeUnknownSync(CostSettings)({
        agent_protocol: "anthropic",
        agent_model: null,
        agent_key_header: null,
        agent_body: null,
        agent_headers: null,
        memory: "edge",
        history: 40,
        history_characters: 60_000,
        max_tokens: 4096,
        daily_tokens: null
      })
    }
    assert.isUndefined(Instance.reservedChange(before, {}))
    assert.strictEqual(Instance.reservedChange(before, { daily_tokens: 9 }), "daily_tokens")
    const additions = { names: ["n"], sealed: new Uint8Array() }
    assert.strictEqual(Instance.reservedChange(before, { agent_body: additions }), "agent_body")
    const withHeaders = { ...before, agent_headers: additions }
    assert.strictEqual(Instance.reservedChange(withHeaders, { agent_headers: null }), "agent_headers")
  })
})
