/** Which pages of the console a log-in may name: its own addresses, but not those of links, which hold secrets. */
import { assert, describe, it } from "@effect/vitest"
import * as Address from "../../../src/console/Address.ts"
import * as ConsolePage from "../../../src/sites/access/ConsolePage.ts"

describe("sites/access/ConsolePage", () => {
  it("a log-in names the console's pages", () => {
    const site = "d3103444-5715-435e-9210-44ebd3e1fd69"
    for (const page of ["overview", "inbox", "conversations", "setup"]) {
      assert.isTrue(ConsolePage.isNameable(Address.format({ ...Address.initial, site, page, item: "a b/ü" })), page)
    }
    assert.isTrue(ConsolePage.isNameable("#/"))
  })

  it("a log-in names no link, whose secret would be in the mail, and no other address", () => {
    for (const text of [
      "",
      "#",
      "#/link/hcl_secret",
      "#/share/secret",
      "#/a b",
      '#/"',
      "#/<",
      "https://evil.example/",
      "//evil"
    ]) {
      assert.isFalse(ConsolePage.isNameable(text), text)
    }
    assert.isFalse(ConsolePage.isNameable(`#/${"a".repeat(ConsolePage.maxLength)}`))
  })
})
