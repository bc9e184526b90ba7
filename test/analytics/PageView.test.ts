import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as PageView from "../../src/analytics/PageView.ts"
import * as Origin from "../../src/platform/http/Origin.ts"

const chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"

const facts = {
  hostedWebsiteId: "497f6eca-6276-4993-bfeb-53cbbbba6f08",
  receivedAt: 1_764_000_000_000,
  address: "192.0.2.77",
  userAgent: chrome,
  client: PageView.parseUserAgent(chrome),
  country: "NO",
  salt: new Uint8Array(32).fill(7)
}

/** Texts with characters that databases and parsers reject. */
const UnsafeText = Schema.Array(
  Schema.Union([
    Schema.String,
    Schema.Literals([
      "\0",
      "\ud800",
      "\udc00",
      "?",
      "#",
      "&",
      "=",
      "%",
      "%00",
      "utm_source=",
      "://",
      "http://",
      "😀",
      "/"
    ])
  ])
).check(Schema.isMaxLength(12))

const text = (parts: ReadonlyArray<string>) => parts.join("")

const textsOf = (view: PageView.PageView): ReadonlyArray<string> =>
  [
    view.path,
    ...Object.values(view.campaign),
    view.referrerHost,
    view.referrerPath,
    view.deviceType,
    view.sessionId,
    view.browser,
    view.os
  ].filter((value) => value !== null)

/** Hosts that are easy to confuse with one another. */
const Host = Schema.TemplateLiteral([
  Schema.Literals(["", "www.", "WWW.", "www.www.", "blog.", "xwww."]),
  Schema.Literals(["shop.example", "Shop.Example", "shöp.example", "evil-shop.example", "shop.example.evil.example"]),
  Schema.Literals(["", ":443", ":8443"])
])
const Scheme = Schema.Literals(["https://", "http://"])
const OriginOf = Schema.TemplateLiteral([Scheme, Host])

describe("analytics/PageView", () => {
  it("masks email addresses in the path, the campaign and the referrer, also one that the length limit would cut", () => {
    const mail = "zoe.person@victim.example"
    const page = (path: string) =>
      PageView.make({ page_path: path }, facts, PageView.splitReferrer(`https://x.example/${path}`))
    const view = page(`/u/${mail}?utm_campaign=${encodeURIComponent(mail)}&utm_source=a%20${mail}`)
    assert.deepStrictEqual(
      [view.path, view.campaign.name, view.campaign.source, view.referrerPath],
      ["/u/(email)", "(email)", "a (email)", "//u/(email)"]
    )
    const long = `/${"a/".repeat(1_020)}${mail}`
    assert.isTrue(page(long).path.length <= PageView.bounds.path)
    assert.notInclude(page(long).path, "zoe")
  })

  it.prop(
    "a referrer is kept if and only if its host is neither the page's nor one of the website's",
    [
      Schema.TemplateLiteral([Scheme, Host, Schema.Literals(["", "/", "/a?b#c"])]),
      Schema.NullOr(OriginOf),
      Schema.Array(OriginOf).check(Schema.isMaxLength(3))
    ],
    ([address, page, website]) => {
      const referrer = PageView.splitReferrer(address)
      const origin = page === null ? null : Origin.canonical(page)
      const origins = website.flatMap((text) => Origin.canonical(text) ?? [])
      const nameOf = (url: string) => new URL(url).host.replace(/^www\./, "")
      const ownHosts = [...(page === null ? [] : [page]), ...website].map(nameOf)
      const foreign = PageView.foreignReferrer(referrer, origin, origins)
      assert.deepStrictEqual(foreign, ownHosts.includes(nameOf(address)) ? PageView.noReferrer : referrer)
      assert.strictEqual(PageView.foreignReferrer(referrer, null, []), referrer)
      assert.deepStrictEqual(PageView.foreignReferrer(foreign, origin, origins), foreign)
      assert.deepStrictEqual(PageView.foreignReferrer(PageView.noReferrer, origin, origins), PageView.noReferrer)
    }
  )

  it.prop(
    "every text of a view can be stored, whatever the client sent",
    [UnsafeText, UnsafeText, UnsafeText, UnsafeText],
    ([path, from, device, session]) => {
      const view = PageView.make(
        {
          page_path: text(path),
          device_type: text(device),
          session_id: text(session)
        },
        facts,
        PageView.splitReferrer(`https://example.org/${text(from)}`)
      )
      for (const stored of textsOf(view)) {
        assert.isTrue(stored.isWellFormed() && !stored.includes("\0"), JSON.stringify(stored))
      }
      assert.isAtMost(view.path.length, PageView.bounds.path)
      assert.isAtMost(view.sessionId?.length ?? 0, PageView.bounds.sessionId)
      assert.isAtMost(view.deviceType?.length ?? 0, PageView.bounds.deviceType)
      assert.notInclude(view.path, "?")
      assert.notInclude(view.path, "#")
      assert.notStrictEqual(view.path, "")
    }
  )

  it.prop("parses a campaign's parameters", [Schema.String, Schema.String], ([source, name]) => {
    const query = new URLSearchParams({ utm_source: source, secret: "no", utm_campaign: name })
    const { campaign, path } = PageView.splitPath(`/shop?${query}#top`)
    const stored = (value: string) =>
      value === "" ? null : value.slice(0, PageView.bounds.campaign).toWellFormed().replaceAll("\0", "\uFFFD")
    assert.strictEqual(path, "/shop")
    // A lone surrogate does not survive in a query, which is UTF-8.
    assert.strictEqual(campaign.source, stored(source.toWellFormed()))
    assert.strictEqual(campaign.name, stored(name.toWellFormed()))
    assert.isNull(campaign.medium)
  })

  it.prop("parses the campaign of any query", [UnsafeText, UnsafeText], ([before, after]) => {
    const query = `${text(before)}&%75tm_source=${text(after)}&utm%5Fmedium=b`.replaceAll("#", "")
    const params = new URLSearchParams(query)
    for (const path of [`/a?${query}`, `https://example.org/a?${query}`]) {
      const { campaign } = PageView.splitPath(path)
      assert.strictEqual(campaign.medium, params.get("utm_medium") && "b")
      assert.strictEqual(campaign.source === null, !params.get("utm_source"))
    }
  })

  it.prop("stores only plausible screen widths", [Schema.Finite], ([width]) => {
    const { screenWidth } = PageView.make(
      { page_path: "/", screen_width: Math.trunc(width) },
      facts,
      PageView.noReferrer
    )
    const possible = Math.trunc(width) >= 1 && Math.trunc(width) <= 32_767
    assert.strictEqual(screenWidth, possible ? Math.trunc(width) : null)
  })

  it.prop(
    "a visitor hash differs between websites, salts, addresses and user agents",
    [Schema.String, Schema.String, Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 }))],
    ([address, userAgent, change]) => {
      const visitor = { ...facts, address, userAgent }
      const others = [
        { ...visitor, address: `${address}1` },
        { ...visitor, userAgent: `${userAgent}1` },
        { ...visitor, hostedWebsiteId: "another" },
        { ...visitor, salt: new Uint8Array(32).fill(8) }
      ]
      const hash = PageView.visitorHash(visitor)
      assert.match(hash, /^[0-9a-f]{32}$/)
      assert.strictEqual(hash, PageView.visitorHash({ ...visitor, salt: Uint8Array.from(visitor.salt) }))
      assert.notStrictEqual(hash, PageView.visitorHash(others[change]!))
    }
  )

  it("the addresses of an IPv6 network of 64 bits have one visitor hash, and so has an IPv4 address in both spellings", () => {
    const hashOf = (address: string) => PageView.visitorHash({ ...facts, address })
    assert.strictEqual(hashOf("2001:db8:1:2:3:4:5:6"), hashOf("2001:db8:1:2::7"))
    assert.notStrictEqual(hashOf("2001:db8:1:2::7"), hashOf("2001:db8:1:3::7"))
    assert.strictEqual(hashOf("::ffff:192.0.2.77"), hashOf("192.0.2.77"))
    assert.notStrictEqual(hashOf("192.0.2.77"), hashOf("192.0.2.78"))
  })

  it("reads a referrer's host and path only", () => {
    assert.deepStrictEqual(PageView.splitReferrer("https://user:pw@news.example:8443/a/b?token=secret#x"), {
      host: "news.example:8443",
      path: "/a/b",
      isSpam: false
    })
    for (const none of [undefined, null, "", "about:blank", "android-app://com.example", "not a url", "javascript:1"]) {
      assert.deepStrictEqual(PageView.splitReferrer(none), PageView.noReferrer, String(none))
    }
  })

  it("extracts the path of an absolute URL", () => {
    assert.strictEqual(PageView.splitPath("https://shop.example/cart?x=1#y").path, "/cart")
    assert.strictEqual(PageView.splitPath("https://shop.example").path, "/")
  })

  it("the device type is the one sent, else that of the user agent, else that of the screen width", () => {
    const unknown = { browser: null, os: null, deviceType: null, isBot: false }
    assert.strictEqual(PageView.deviceType("kiosk", facts.client, 100), "kiosk")
    assert.strictEqual(PageView.deviceType("", facts.client, 100), "desktop")
    assert.strictEqual(PageView.deviceType(null, unknown, 375), "mobile")
    assert.strictEqual(PageView.deviceType(null, unknown, 768), "tablet")
    assert.strictEqual(PageView.deviceType(null, unknown, 1440), "desktop")
    assert.isNull(PageView.deviceType(null, unknown, null))
  })

  it("no field of a view holds the address", () => {
    assert.notInclude(JSON.stringify(PageView.make({ page_path: "/" }, facts, PageView.noReferrer)), facts.address)
  })
})
