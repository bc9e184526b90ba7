import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Sources from "../../../src/analytics/reports/Sources.ts"

const Text = Schema.Union([
  Schema.Literals(["www.google.com", "www.example.org", "www.", "GOOGLE.de", "www.google", "a.b.search.yahoo.com"]),
  Schema.String
])

describe("analytics/reports/Sources", () => {
  it("gives all spellings of a network one name", () => {
    for (const text of ["www.google.com", "google.de", "google.co.uk", "google", "Google", "ADWORDS"]) {
      assert.strictEqual(Sources.nameOf(text), "Google")
    }
    for (const text of ["t.co", "twitter", "X", "mobile.twitter.com"]) assert.strictEqual(Sources.nameOf(text), "X")
    for (const text of ["l.facebook.com", "fb", "m.facebook.com"]) {
      assert.strictEqual(Sources.nameOf(text), "Facebook")
    }
    assert.strictEqual(Sources.nameOf("mail.google.com"), "Gmail")
    assert.strictEqual(Sources.nameOf("news.ycombinator.com"), "Hacker News")
    assert.strictEqual(Sources.nameOf("www.amazon.de"), "Amazon")
  })

  it("keeps the text of any other source, without www", () => {
    assert.strictEqual(Sources.nameOf("Newsletter May"), "Newsletter May")
    assert.strictEqual(Sources.nameOf("www.example.org"), "example.org")
    assert.strictEqual(Sources.nameOf("google.com.evil.example"), "google.com.evil.example")
    assert.strictEqual(Sources.nameOf("not-t.co"), "not-t.co")
  })

  it("names every word and host of the list, and the name itself", () => {
    for (const { domain, hosts, name, words } of Sources.sources) {
      const texts = [...words, ...hosts, ...(domain === undefined ? [] : [`${domain}.com`])]
      assert.deepStrictEqual([name, ...texts.map(Sources.nameOf)], [name, ...texts.map(() => name)])
      assert.strictEqual(Sources.nameOf(name), name)
    }
  })

  it.prop("a name has no other name", { text: Text }, ({ text }) => {
    assert.strictEqual(Sources.nameOf(Sources.nameOf(text)), Sources.nameOf(text))
  })
})
