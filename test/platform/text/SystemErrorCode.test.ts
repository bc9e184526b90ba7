import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as SystemErrorCode from "../../../src/platform/text/SystemErrorCode.ts"

describe("platform/text/SystemErrorCode", () => {
  it("returns the code of a system error, and undefined for any other value", () => {
    assert.strictEqual(SystemErrorCode.of(Object.assign(new Error("x"), { code: "ENOTFOUND" })), "ENOTFOUND")
    assert.strictEqual(SystemErrorCode.suffix({ code: "UND_ERR_SOCKET" }), " (UND_ERR_SOCKET)")
    for (const other of [undefined, null, "ENOTFOUND", new Error("ENOTFOUND"), { code: 7 }, { code: "no code" }]) {
      assert.isUndefined(SystemErrorCode.of(other))
      assert.strictEqual(SystemErrorCode.suffix(other), "")
    }
  })

  it.prop("returns only capitals, digits and underscores, for any thrown value", [Schema.Unknown], ([code]) => {
    assert.match(SystemErrorCode.suffix({ code }), /^( \([A-Z0-9_]+\))?$/)
  })
})
