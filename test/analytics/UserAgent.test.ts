import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as UserAgent from "../../src/analytics/UserAgent.ts"

const known: ReadonlyArray<readonly [string, UserAgent.Client]> = [
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

describe("analytics/UserAgent", () => {
  for (const [userAgent, client] of known) {
    it(`recognizes ${client.browser} on ${client.os}`, () => {
      assert.deepStrictEqual(UserAgent.parse(userAgent), client)
    })
  }

  it("recognizes bots", () => {
    for (const bot of [
      "curl/8.14.1",
      "node",
      "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
    ]) {
      assert.isTrue(UserAgent.parse(bot).isBot, bot)
    }
  })

  it("the browser is null if its family is unknown, so that no other text is stored", () => {
    for (const text of ["Ann Example/1.0 x", "ann@example.com/5 (Windows NT 10.0) y"]) {
      assert.isNull(UserAgent.parse(text).browser, text)
    }
    assert.strictEqual(UserAgent.parse("Mozilla/5.0 (Linux; Android 14) OPT/2.5 Mobile").browser, "Opera Touch")
  })

  it("an absent user agent is not a bot", () => {
    assert.deepStrictEqual(UserAgent.parse(UserAgent.read(undefined)), {
      browser: null,
      os: null,
      deviceType: null,
      isBot: false
    })
  })

  it.prop("cuts any text at the maximum length, and parses it", [Schema.String, Schema.String], ([text, rest]) => {
    assert.strictEqual(UserAgent.read(text), text.slice(0, UserAgent.maxLength))
    const long = text.padEnd(UserAgent.maxLength, "x")
    assert.strictEqual(UserAgent.read(long + rest), long.slice(0, UserAgent.maxLength))
    assert.isBoolean(UserAgent.parse(UserAgent.read(text)).isBot)
  })
})
