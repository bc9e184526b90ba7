import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as OperatorsKey from "../../src/chat/OperatorsKey.ts"

const CostSettings = Schema.Struct({
  agentProtocol: Schema.Literals(["openai-chat", "openai-responses", "anthropic"]),
  agentModel: Schema.NullOr(Schema.Literals(["small", "large"])),
  agentKeyHeader: Schema.NullOr(Schema.Literals(["api-key", "x-key"])),
  agentBody: Schema.Null,
  agentHeaders: Schema.Null,
  memory: Schema.Literals(["edge", "agent"]),
  historyMessages: Schema.Literals([40, 500]),
  historyCharacters: Schema.Literals([60_000, 1_000_000]),
  maxTokens: Schema.Literals([4096, 1_000_000]),
  dailyTokens: Schema.NullOr(Schema.Literals([9, 1_000_000]))
})

const KeyEnv = Schema.NullOr(Schema.Literal("AGENT_KEY"))

describe("chat/OperatorsKey", () => {
  it.prop(
    "with the operator's key, no setting that affects costs can change; with another key, all can",
    [CostSettings, CostSettings, KeyEnv],
    ([before, change, agentKeyEnv]) => {
      const refused = OperatorsKey.refusedOf({ ...before, agentKeyEnv }, change)
      const isSame = JSON.stringify(before) === JSON.stringify(change)
      assert.strictEqual(refused === undefined, agentKeyEnv === null || isSame)
    }
  )

  it("a change that leaves out the settings that affect costs is not refused", () => {
    const before = {
      agentKeyEnv: "AGENT_KEY",
      ...Schema.decodeUnknownSync(CostSettings)({
        agentProtocol: "anthropic",
        agentModel: null,
        agentKeyHeader: null,
        agentBody: null,
        agentHeaders: null,
        memory: "edge",
        historyMessages: 40,
        historyCharacters: 60_000,
        maxTokens: 4096,
        dailyTokens: null
      })
    }
    assert.isUndefined(OperatorsKey.refusedOf(before, {}))
    assert.strictEqual(OperatorsKey.refusedOf(before, { dailyTokens: 9 }), "daily_tokens")
    const additions = { names: ["n"], sealed: new Uint8Array() }
    assert.strictEqual(OperatorsKey.refusedOf(before, { agentBody: additions }), "agent_body")
    const withHeaders = { ...before, agentHeaders: additions }
    assert.strictEqual(OperatorsKey.refusedOf(withHeaders, { agentHeaders: null }), "agent_headers")
  })
})
