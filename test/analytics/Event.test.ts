import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Event from "../../src/analytics/Event.ts"
import * as PageView from "../../src/analytics/PageView.ts"

const chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"

const facts: PageView.VisitorFacts = {
  hostedWebsiteId: "497f6eca-6276-4993-bfeb-53cbbbba6f08",
  receivedAt: 1_764_000_000_000,
  address: "192.0.2.77",
  userAgent: chrome,
  client: PageView.parseUserAgent(chrome),
  country: "NO",
  salt: new Uint8Array(32).fill(7)
}

/** Text that the contract accepts: it is well-formed, but may contain NUL. It has no email address, which would be masked. */
const Text = Schema.String.check(Schema.makeFilter((text: string) => text.isWellFormed() && !/@|%40/.test(text)))
const Name = Schema.Union([Text, Schema.Literals(["__proto__", "constructor", "a\0b"])])

describe("analytics/Event", () => {
  it("masks email addresses in the name, the path and the properties", () => {
    const mail = "zoe.person@victim.example"
    const event = Event.make(
      { name: `Mail ${mail}`, page_path: `/u/${mail}`, properties: { email: mail, [mail]: true, count: 2 } },
      facts
    )
    assert.strictEqual(event.name, "Mail (email)")
    assert.strictEqual(event.path, "/u/(email)")
    assert.deepStrictEqual(event.properties, { email: "(email)", "(email)": true, count: 2 })
  })

  it.prop(
    "stores every property under its name, with NUL replaced",
    [Name, Schema.Record(Name, Schema.Union([Name, Schema.Finite, Schema.Boolean]))],
    ([name, properties]) => {
      const event = Event.make({ name, page_path: "/", properties }, facts)
      assert.strictEqual(event.name, name.replaceAll("\0", "\uFFFD"))
      const expected = new Map(
        Object.entries(properties).map(([key, value]) => [
          key.replaceAll("\0", "\uFFFD"),
          typeof value === "string" ? value.replaceAll("\0", "\uFFFD") : typeof value === "number" ? value + 0 : value
        ])
      )
      assert.deepStrictEqual(new Map(Object.entries(event.properties ?? {})), expected)
      assert.notInclude(JSON.stringify(event), "\\u0000")
    }
  )

  it.prop(
    "rounds an amount to thousandths",
    [Schema.Finite.check(Schema.isBetween({ minimum: -1e11, maximum: 1e11 }))],
    ([amount]) => {
      const { revenue } = Event.make({ name: "Sale", page_path: "/", revenue: { amount, currency: "eur" } }, facts)
      assert.strictEqual(revenue?.currency, "EUR")
      assert.approximately(revenue?.amount ?? Number.NaN, amount, 0.000_6)
      assert.isFalse(Object.is(revenue?.amount, -0))
    }
  )

  it("has the visitor, session and path of a page view of the same visitor, and no address", () => {
    const event = Event.make(
      { name: "Signup", page_path: "https://shop.example/a?utm_source=x#y", session_id: "s" },
      facts
    )
    const view = PageView.make({ page_path: "/a", session_id: "s" }, facts, PageView.noReferrer)
    const { browser, country, deviceType, hostedWebsiteId, os, path, receivedAt, sessionId, visitorHash } = view
    assert.deepStrictEqual(event, {
      ...{ browser, country, deviceType, hostedWebsiteId, os, path, receivedAt, sessionId, visitorHash },
      ...{ name: "Signup", properties: null, revenue: null, isInteractive: true }
    })
    assert.notInclude(JSON.stringify(event), facts.address)
  })
})
