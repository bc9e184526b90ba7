import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { type Client, maxUserAgent, parseUserAgent, readUserAgent } from "../../src/analytics/PageView.ts"

const known: ReadonlyArray<readonly [string, Client]> = [
  [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
    { browser: "Chrome", os: "Windows", deviceType: "desktop", isBot: false }
  ],
  [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
    { browser: "Safari", os: "iOS", deviceType: "mobile", isBot: false }
  ],
  [
    "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
    { browser: "Firefox", os: "Linux", deviceType: "desktop", isBot: false }
  ]
]

describe("analytics/PageView: user agents", () => {
  for (const [userAgent, client] of known) {
    it(`recognizes ${client.browser} on ${client.os}`, () => {
      assert.deepStrictEqual(parseUserAgent(userAgent), client)
    })
  }

  it("recognizes bots", () => {
    for (const bot of [
      "curl/8.14.1",
      "node",
      "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
    ]) {
      assert.isTrue(parseUserAgent(bot).isBot, bot)
    }
  })

  it("the browser is null if its family is unknown, so that no other text is stored", () => {
    for (const text of ["Ann Example/1.0 x", "ann@example.com/5 (Windows NT 10.0) y"]) {
      assert.isNull(parseUserAgent(text).browser, text)
    }
    assert.strictEqual(parseUserAgent("Mozilla/5.0 (Linux; Android 14) OPT/2.5 Mobile").browser, "Opera Touch")
  })

  it("an absent user agent is not a bot", () => {
    assert.deepStrictEqual(parseUserAgent(readUserAgent(undefined)), {
      browser: null,
      os: null,
      deviceType: null,
      isBot: false
    })
  })

  it.prop("cuts any text at the maximum length, and parses it", [Schema.String, Schema.String], ([text, rest]) => {
    assert.strictEqual(readUserAgent(text), text.slice(0, maxUserAgent))
    const long = text.padEnd(maxUserAgent, "x")
    assert.strictEqual(readUserAgent(long + rest), long.slice(0, maxUserAgent))
    assert.isBoolean(parseUserAgent(readUserAgent(text)).isBot)
  })
})
