import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { allowedMethods, mayLookUp } from "../../src/server/Middleware.ts"

const templates = [
  { method: "POST", path: "/v1/forms" },
  { method: "GET", path: "/healthz" },
  { method: "POST", path: "/v1/widget/:id/chat" },
  { method: "GET", path: "/v1/embed.:hash.js" }
]

describe("server/Middleware", () => {
  it("allowedMethods lists the methods of a path", () => {
    assert.deepStrictEqual(allowedMethods(templates, "/v1/forms"), ["POST", "OPTIONS"])
    assert.deepStrictEqual(allowedMethods(templates, "/healthz"), ["GET", "HEAD", "OPTIONS"])
    assert.deepStrictEqual(allowedMethods(templates, "/v1/widget/anything/chat"), ["POST", "OPTIONS"])
    assert.deepStrictEqual(allowedMethods(templates, "/v1/embed.1f.js"), ["GET", "HEAD", "OPTIONS"])
    for (const path of ["/v1/embed.js", "/v1/embed..js", "/v1/embed.1f.ts", "/v1/embed.1f.js/"]) {
      assert.deepStrictEqual(allowedMethods(templates, path), [], path)
    }
    for (const path of ["/", "", "/v1/forms/", "/V1/forms", "/v1/widget//chat", "/v1/widget/a/b/chat"]) {
      assert.deepStrictEqual(allowedMethods(templates, path), [], path)
    }
  })

  it.prop("a parameter may be any segment that is not empty", [Schema.String], ([text]) => {
    const segment = encodeURIComponent(text.toWellFormed())
    if (segment !== "") assert.isNotEmpty(allowedMethods(templates, `/v1/widget/${segment}/chat`))
  })

  it("a path with an escape, a `;` or a `#` is looked up only if a template has a parameter there", () => {
    for (const path of ["/v1/forms", "/v1/widget/%7Ba%7D/chat", "/v1/widget/a;b/chat", "/demo/other"]) {
      assert.isTrue(mayLookUp(templates, path), path)
    }
    for (const path of ["/v1/%66orms", "/v1/forms;x=1", "/v1/forms#a", "/v1/widget/a/chat;x=1", "/v1%2Fforms", "/%"]) {
      assert.isFalse(mayLookUp(templates, path), path)
    }
  })
})
