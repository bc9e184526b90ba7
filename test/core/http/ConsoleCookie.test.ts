import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as ConsoleCookie from "../../../src/core/http/ConsoleCookie.ts"

describe("core/http/ConsoleCookie", () => {
  it.prop("a cookie is accepted only in requests of the same origin", [Schema.String], ([text]) => {
    assert.isTrue(ConsoleCookie.isSameOrigin("same-origin"))
    for (const site of [undefined, "", "none", "same-site", "cross-site", "Same-Origin", text]) {
      assert.strictEqual(ConsoleCookie.isSameOrigin(site), site === "same-origin")
    }
  })

  it("only a page on http and loopback gets a cookie that needs no TLS", () => {
    for (const origin of ["http://127.0.0.1:8080", "http://localhost", "http://[::1]:8080", "http://127.8.8.8"]) {
      assert.isFalse(ConsoleCookie.isSecure(origin), origin)
    }
    for (const origin of [
      undefined,
      "",
      "null",
      "https://localhost",
      "https://127.0.0.1:8443",
      "http://edge.example",
      "http://10.0.0.4",
      "http://localhost.evil.example",
      "http://127.0.0.1.evil.example"
    ]) {
      assert.isTrue(ConsoleCookie.isSecure(origin), origin)
    }
  })
})
