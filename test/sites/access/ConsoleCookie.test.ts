import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as ConsoleSession from "../../../src/sites/access/ConsoleSession.ts"

describe("sites/access/ConsoleSession", () => {
  it.prop("a cookie is accepted only in requests of the same origin", [Schema.String], ([text]) => {
    assert.isTrue(ConsoleSession.isSameOrigin("same-origin"))
    for (const site of [undefined, "", "none", "same-site", "cross-site", "Same-Origin", text]) {
      assert.strictEqual(ConsoleSession.isSameOrigin(site), site === "same-origin")
    }
  })

  it("only a page on http and loopback gets a cookie that needs no TLS", () => {
    const host = "127.0.0.1:8080"
    for (const origin of ["http://127.0.0.1:8080", "http://localhost", "http://[::1]:8080", "http://127.8.8.8"]) {
      assert.isFalse(ConsoleSession.mustBeSecure({ origin, host }), origin)
      assert.isTrue(ConsoleSession.mustBeSecure({ origin, host: "edge.example" }), origin)
      assert.isTrue(ConsoleSession.mustBeSecure({ origin, host: undefined }), origin)
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
      assert.isTrue(ConsoleSession.mustBeSecure({ origin, host }), origin)
    }
  })

  const Other = Schema.String.pipe(Schema.check(Schema.isPattern(/^[a-z]{0,8}=?[a-z ]{0,8}$/)))

  it.prop(
    "a cookie is accepted only if its name occurs once, and the local name only on a loopback host",
    [Schema.Array(Other), Schema.Array(Other)],
    (others) => {
      const { localCookieName: localName, secureCookieName: secureName } = ConsoleSession
      for (const name of [secureName, localName]) {
        for (const host of ["localhost:8080", "[::1]", "edge.example", "", undefined]) {
          const isAccepted = (...pairs: ReadonlyArray<string>) =>
            ConsoleSession.isCookieAccepted(name, { cookie: [...others[0], ...pairs, ...others[1]].join("; "), host })
          const isUsable = name === secureName || (host !== "edge.example" && host !== "" && host !== undefined)
          assert.strictEqual(isAccepted(`${name}=a`), isUsable)
          assert.strictEqual(isAccepted(`${name}=a`, `x${name}=b`, `${name}x=c`), isUsable)
          assert.isFalse(isAccepted())
          for (const second of [`${name}=a`, `${name}=b`, `${name}=`, name, ` ${name} =b`]) {
            assert.isFalse(isAccepted(`${name}=a`, second), second)
            assert.isFalse(isAccepted(second, `${name}=a`), second)
          }
        }
      }
    }
  )
})
