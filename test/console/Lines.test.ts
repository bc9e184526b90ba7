import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as Lines from "../../src/console/setup/Lines.ts"
import * as Site from "../../src/sites/Site.ts"

describe("console/setup/Lines", () => {
  it("a host name is completed to an origin, and nothing else is changed", () => {
    assert.deepStrictEqual(Lines.parseOrigins("shop.example\n www.shop.example:8443/, https://a.example"), [
      "https://shop.example",
      "https://www.shop.example:8443/",
      "https://a.example"
    ])
    for (const text of [
      "localhost:3000",
      "127.0.0.1:8080",
      "shop.example/path",
      "http://shop.example",
      "*.shop.example",
      "ann@shop.example"
    ]) {
      assert.deepStrictEqual(Lines.parseOrigins(text), [text])
    }
    assert.strictEqual(Lines.completeUrl(" agent.example.com:8443/v1?a=b"), "https://agent.example.com:8443/v1?a=b")
    for (const text of [
      "localhost:3000/v1",
      "127.0.0.1/v1",
      "http://agent.example.com/v1",
      "mailto:ann@shop.example",
      ""
    ]) {
      assert.strictEqual(Lines.completeUrl(text), text)
    }
    assert.deepStrictEqual(
      [0, 1, 2].map((index) => Lines.lineOf("\na.example, b.example\n\nc.example", index)),
      [2, 2, 4]
    )
    for (const origin of Lines.parseOrigins("shop.example, a.example:81/")) {
      assert.isTrue(Option.isSome(Site.parseOrigin(origin)), origin)
    }
  })
})
