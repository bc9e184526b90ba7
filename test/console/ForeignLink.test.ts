import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { foreignHref } from "../../src/console/conversations/ForeignLink.ts"

const origin = "https://edge.example.com"

describe("console/conversations/ForeignLink", () => {
  it.prop("a link leads to an http or https address of another host", [Schema.String], ([text]) => {
    for (const address of [text, `https:${text}`, `//${text}`, `https://edge.example.com/${text}`, `#/link/${text}`]) {
      const href = foreignHref(address, origin)
      if (href === undefined) continue
      const url = new URL(href)
      assert.match(url.protocol, /^https?:$/)
      assert.notStrictEqual(url.hostname, "edge.example.com")
      assert.notMatch(url.hostname, /\.invalid$/)
      assert.strictEqual(foreignHref(href, origin), href)
    }
  })

  it("relative addresses and those of the console are no links, in any notation", () => {
    for (const address of [
      "#/link/hcl_secret",
      "/console/#/link/hcl_secret",
      "?a",
      "page",
      "//edge.example.com/console/#/link/x",
      "https:/console/",
      "https:#/link/x",
      "https://edge.example.com/console/#/link/x",
      "HTTPS://EDGE.example.com:443/",
      "http://edge.example.com:8080/",
      "\\\\edge.example.com/console",
      "mailto:ann@example.com",
      "javascript:alert(1)",
      ""
    ]) {
      assert.isUndefined(foreignHref(address, origin), address)
    }
    assert.strictEqual(foreignHref("https://shop.example/tours?a=1#b", origin), "https://shop.example/tours?a=1#b")
    assert.strictEqual(foreignHref('<http://shop.example> "title"', origin), "http://shop.example/")
  })
})
