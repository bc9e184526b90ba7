import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as SystemCode from "../../src/core/SystemCode.ts"

describe("core/SystemCode", () => {
  it("is the code of an error, and of nothing else", () => {
    assert.strictEqual(SystemCode.of(Object.assign(new Error("x"), { code: "ENOTFOUND" })), "ENOTFOUND")
    assert.strictEqual(SystemCode.inBrackets({ code: "UND_ERR_SOCKET" }), " (UND_ERR_SOCKET)")
    for (const other of [undefined, null, "ENOTFOUND", new Error("ENOTFOUND"), { code: 7 }, { code: "no code" }]) {
      assert.isUndefined(SystemCode.of(other))
      assert.strictEqual(SystemCode.inBrackets(other), "")
    }
  })

  it.prop("nothing but capitals, digits and underscores comes out, whatever is thrown", [Schema.Unknown], ([code]) => {
    assert.match(SystemCode.inBrackets({ code }), /^( \([A-Z0-9_]+\))?$/)
  })
})
