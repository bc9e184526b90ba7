import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Protocol from "../../../src/chat/agent/Protocol.ts"

describe("chat/agent/Protocol", () => {
  it("finds the code in the error bodies of providers", () => {
    for (const [body, code] of [
      [{ error: { code: "model_not_found", type: "invalid_request_error" } }, "model_not_found"],
      [{ error: { code: null, type: "insufficient_quota" } }, "insufficient_quota"],
      [{ type: "error", error: { type: "not_found_error" } }, "not_found_error"],
      [[{ error: { code: 429, status: "RESOURCE_EXHAUSTED" } }], "RESOURCE_EXHAUSTED"],
      [{ code: "Throttling.RateQuota", message: "Slow down" }, "Throttling.RateQuota"],
      [{ object: "error", type: "NotFoundError", code: 404 }, "NotFoundError"],
      [{ error: "There is no model", type: "error" }, undefined],
      [{ detail: "no" }, undefined]
    ] as const) {
      assert.strictEqual(Protocol.errorCodeIn(JSON.stringify(body)), code)
    }
    for (const body of ["", "<html>", "null", "[]", '"insufficient_quota"'])
      assert.isUndefined(Protocol.errorCodeIn(body))
  })

  it.prop("a code is one short word without digits, whatever the provider sends", [Schema.String], ([text]) => {
    for (const code of [text, `sk-${text}`, `${text} ${text}`, "a".repeat(65), "+49 30 1234", "a1b2c3"]) {
      const found = Protocol.errorCodeIn(JSON.stringify({ error: { code } }))
      assert.isTrue(found === undefined || (/^[A-Za-z_.]{3,64}$/.test(found) && found === code))
    }
    assert.isUndefined(Protocol.errorCodeOf({ code: `sk-${text}` }))
  })
})
