import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as PageView from "../../src/analytics/PageView.ts"
import * as ReferrerSpam from "../../src/analytics/ReferrerSpam.ts"

const listed = ["semalt.com", "darodar.com", "buttons-for-website.com", "compliance-fred.xyz", "social-traffic-3.xyz"]

const Label = Schema.String.check(Schema.isPattern(/^[a-z0-9-]{1,8}$/))

describe("analytics/ReferrerSpam", () => {
  it.prop(
    "a listed domain and its subdomains are spam, with any port; a longer name is not",
    [Schema.Literals(listed), Schema.Array(Label).check(Schema.isMaxLength(3)), Label],
    ([domain, labels, label]) => {
      const host = [...labels, domain].join(".")
      assert.isTrue(ReferrerSpam.isSpam(host))
      assert.isTrue(ReferrerSpam.isSpam(`${host}:8080`))
      assert.isFalse(ReferrerSpam.isSpam(`x${label}${domain}`))
      assert.isFalse(ReferrerSpam.isSpam(`${host}.${label}.example`))
    }
  )

  it("ordinary referrers are not spam", () => {
    const ordinary = ["www.google.com", "t.co", "adf.ly", "localhost:3000", "[::1]:8080", "com", "", "example.xyz"]
    for (const host of ordinary) assert.isFalse(ReferrerSpam.isSpam(host), host)
  })

  it("a view with a listed referrer is excluded as referrer spam, and a bot's view as a bot", () => {
    const referrer = PageView.splitReferrer("http://semalt.semalt.com/crawler.php?u=http://shop.example")
    const client = { browser: null, os: null, deviceType: null, isBot: false }
    assert.strictEqual(PageView.exclusionOf({ client }, referrer), "referrer-spam")
    assert.strictEqual(PageView.exclusionOf({ client: { ...client, isBot: true } }, referrer), "bot")
    assert.isNull(PageView.exclusionOf({ client }, PageView.splitReferrer("https://www.google.com/")))
  })
})
