import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Origin from "../../../src/platform/http/Origin.ts"

const allowed = ["https://shop.example", "http://localhost:3000", "https://[2001:db8::1]:8443"] as const
const foreign = [
  "https://evil.example",
  "http://shop.example",
  "https://shop.example:444",
  "https://shop.example.evil.example",
  "https://evil-shop.example",
  "https://www.shop.example",
  "http://localhost",
  "null"
] as const

/** Headers that a browser or another client may send. */
const Header = Schema.Union([
  Schema.Literals([...allowed, ...foreign]),
  Schema.Literals([
    "",
    "https://shop.example/",
    "https://shop.example, https://shop.example",
    "https://a@shop.example"
  ]),
  Schema.String
])
const SecFetchSite = Schema.UndefinedOr(Schema.Literals(["cross-site", "same-site", "same-origin", "none"]))
const Origins = Schema.Array(Schema.Literals(allowed)).check(Schema.isMaxLength(3))

describe("platform/http/Origin.isAllowed and canonical", () => {
  it.prop(
    "without listed origins every request is allowed",
    [Schema.UndefinedOr(Header), SecFetchSite],
    ([origin, secFetchSite]) => {
      assert.isTrue(Origin.isAllowed([], { origin, secFetchSite }))
    }
  )

  it.prop(
    "an origin is allowed if and only if it is listed; the origin `null` only in a same-origin request",
    [Origins.check(Schema.isMinLength(1)), Header, SecFetchSite],
    ([origins, origin, secFetchSite]) => {
      const expected =
        origin === "null"
          ? secFetchSite === "same-origin"
          : (origins as ReadonlyArray<string>).includes(Origin.canonical(origin) ?? "")
      assert.strictEqual(Origin.isAllowed(origins, { origin, secFetchSite }), expected)
      if ((foreign as ReadonlyArray<string>).includes(origin) && secFetchSite !== "same-origin") {
        assert.isFalse(Origin.isAllowed(origins, { origin, secFetchSite }), origin)
      }
    }
  )

  it.prop(
    "without Origin, all requests are allowed except cross-site requests of browsers",
    [SecFetchSite],
    ([secFetchSite]) => {
      assert.strictEqual(Origin.isAllowed(allowed, { origin: undefined, secFetchSite }), secFetchSite !== "cross-site")
    }
  )

  it.prop(
    "an origin may have upper-case letters and the scheme's default port; no other text is an origin",
    [Schema.String],
    ([text]) => {
      assert.strictEqual(Origin.canonical("HTTPS://Shop.Example:443"), "https://shop.example")
      assert.strictEqual(Origin.canonical("http://Shop.Example:80"), "http://shop.example")
      assert.strictEqual(Origin.canonical("https://shop.example:80"), "https://shop.example:80")
      for (const other of [
        "null",
        "",
        "*",
        `https://shop.example/${text}`,
        `https://shop.example?${text}`,
        `${text}@`
      ]) {
        assert.isNull(Origin.canonical(other), other)
      }
      const canonical = Origin.canonical(text)
      if (canonical !== null) assert.strictEqual(Origin.canonical(canonical), canonical)
    }
  )
})

/** URLs, some of which exploit open redirects. */
const Address = Schema.UndefinedOr(
  Schema.Union([
    Schema.TemplateLiteral([
      Schema.Literals([...allowed, ...foreign, "", "//evil.example", "https:evil.example", "javascript:alert(1)"]),
      Schema.Literals([
        "",
        "/",
        "@evil.example/",
        ".evil.example/",
        "\\@evil.example",
        "/%2f/evil.example",
        ":80@evil"
      ]),
      Schema.String
    ]),
    Schema.Literals([
      "//evil.example/",
      "/\\evil.example",
      "https:///evil.example",
      "https://shop.example@evil.example/",
      "https://evil.example/https://shop.example",
      "data:text/html,x",
      " https://evil.example",
      "https://shop.example/\r\nset-cookie: a=b"
    ]),
    Schema.String
  ])
)

describe("platform/http/Origin.nextUrl, backUrl and frameAncestors", () => {
  it.prop(
    "a URL for a redirect or link is on a listed origin and valid in a header",
    [Origins, Address, Address],
    ([origins, first, second]) => {
      for (const address of [
        Origin.nextUrl(origins, first),
        Origin.backUrl(origins, { referer: first, origin: second })
      ]) {
        if (address === null) continue
        const url = new URL(address)
        assert.include(origins as ReadonlyArray<string>, url.origin)
        assert.strictEqual(url.username + url.password, "")
        assert.match(address, /^https?:\/\/[\x21-\x7e]+$/)
      }
    }
  )

  it.prop(
    "the next URL is the page that the form names, or null if that page is not on a listed origin",
    [Schema.String],
    ([text]) => {
      const next = `https://shop.example/thanks?${encodeURIComponent(text.toWellFormed())}`
      assert.strictEqual(Origin.nextUrl(allowed, next), new URL(next).href)
      assert.isNull(Origin.nextUrl(allowed, undefined))
      assert.isNull(Origin.nextUrl(allowed, "https://evil.example/"))
      assert.isNull(Origin.nextUrl([], next))
      // URLs that look like URLs of another website.
      for (const name of ["evil.example", "evil.example:a", ":a"]) {
        assert.isNull(Origin.nextUrl(allowed, `https://${name}@shop.example/`))
      }
      assert.isNull(Origin.nextUrl(allowed, `${next}${"a".repeat(2048)}`))
    }
  )

  it.prop("the back URL is the form's page, or its origin", [Schema.String], ([text]) => {
    const referer = `http://localhost:3000/form?${encodeURIComponent(text.toWellFormed())}`
    const origin = "https://shop.example"
    const evil = "https://evil.example"
    assert.strictEqual(Origin.backUrl(allowed, { referer, origin }), new URL(referer).href)
    for (const other of [undefined, `${evil}/`]) {
      assert.strictEqual(Origin.backUrl(allowed, { referer: other, origin }), `${origin}/`)
      for (const unlisted of [undefined, "null", evil]) {
        assert.isNull(Origin.backUrl(allowed, { referer: other, origin: unlisted }))
      }
    }
    assert.isNull(Origin.backUrl([], { referer, origin }))
  })

  it.prop("a response page may be framed by one origin or by none", [Header], ([origin]) => {
    assert.match(Origin.frameAncestors(origin), /^(?:'none'|https?:\/\/[a-z0-9.-]+(?::[0-9]+)?)$/)
    assert.strictEqual(Origin.frameAncestors("https://shop.example:444"), "https://shop.example:444")
    for (const strange of [undefined, "null", "https://a;b", "https://a,b"]) {
      assert.strictEqual(Origin.frameAncestors(strange), "'none'")
    }
  })
})
