import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { distance, describe as sentenceOf, unknown } from "../../../src/platform/settings/Environment.ts"

const settings = new Set([
  "DATABASE_URL",
  "HOST",
  "PORT",
  "PUBLIC_URL",
  "RATE_LIMIT_FORMS",
  "SECRETS_KEY",
  "TRUSTED_PROXIES"
])
const Word = Schema.String.check(Schema.isPattern(/^[A-D]{0,6}$/), Schema.isMaxLength(6))
const Position = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5 }))

describe("platform/settings/Environment", () => {
  it.prop(
    "one insertion, deletion, replacement or swap of neighbours is a distance of 1",
    [Word, Position],
    ([a, at]) => {
      const [left, right] = [a.slice(0, at), a.slice(at)]
      assert.strictEqual(distance(a, a), 0)
      assert.strictEqual(distance(a, `${left}X${right}`), 1)
      if (right === "") return
      assert.strictEqual(distance(a, left + right.slice(1)), 1)
      assert.strictEqual(distance(a, `${left}X${right.slice(1)}`), 1)
      const swapped = left + right.slice(1, 2) + right.slice(0, 1) + right.slice(2)
      assert.strictEqual(distance(a, swapped), swapped === a ? 0 : 1)
    }
  )

  it.prop("the distance is the same in both directions, and at most the longer length", [Word, Word], ([a, b]) => {
    assert.strictEqual(distance(a, b), distance(b, a))
    assert.isAtMost(distance(a, b), Math.max(a.length, b.length))
  })

  it("suggests the setting whose name is nearly the same", () => {
    for (const [name, suggestion] of [
      ["RATE_LIMIT_FROMS", "RATE_LIMIT_FORMS"],
      ["PUBLIC_ULR", "PUBLIC_URL"],
      ["DATABSE_URLS", "DATABASE_URL"],
      ["SECRET_KEY", "SECRETS_KEY"],
      ["TRUSTED_PROXY", "TRUSTED_PROXIES"],
      ["port", "PORT"]
    ] as const) {
      assert.deepStrictEqual(unknown([name], settings), [{ name, suggestion }])
      assert.include(sentenceOf({ name, suggestion }), `did you mean ${suggestion}?`)
    }
  })

  it("reports other variables only if their prefix is this service's", () => {
    for (const name of ["RATE_LIMIT_PAGES", "HYDRACORE_PORT_NUMBER", "CHAT_LIMIT"]) {
      assert.deepStrictEqual(unknown([name], settings), [{ name, suggestion: null }])
    }
    for (const name of [
      ...settings,
      // The system's, and other programs'.
      ...["HOME", "HOSTNAME", "PATH", "PWD", "DATABASE_PASSWORD", "REDIS_PORT", "OPENAI_API_KEY"],
      // Set by Kubernetes for a service of that name.
      ...["HYDRACORE_EDGE_SERVICE_HOST", "HYDRACORE_EDGE_SERVICE_PORT_HTTP", "CHAT_PORT", "CHAT_PORT_80_TCP_ADDR"],
      // An instance may name it as the variable of its agent's key.
      ...["CHAT_AGENT_KEY", "HYDRACORE_TOKEN_FILE"]
    ]) {
      assert.deepStrictEqual(unknown([name], settings), [], name)
    }
  })

  it("suggests no setting that is set: the other variable is then another program's", () => {
    assert.deepStrictEqual(unknown(["SECRETS_KEY", "SECRET_KEY"], settings), [])
  })
})
