import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Channel from "../../../src/analytics/reports/Channel.ts"

const of = (source: string | null, medium: string | null = null, campaign: string | null = null) =>
  Channel.of({ source, medium, campaign })

describe("analytics/reports/Channel", () => {
  it("names the channel of a referrer", () => {
    assert.strictEqual(of(null), "Direct")
    assert.strictEqual(of("www.google.com"), "Organic Search")
    assert.strictEqual(of("www.google.co.uk"), "Organic Search")
    assert.strictEqual(of("mail.google.com"), "Email")
    assert.strictEqual(of("duckduckgo.com"), "Organic Search")
    assert.strictEqual(of("search.brave.com"), "Organic Search")
    assert.strictEqual(of("l.facebook.com"), "Organic Social")
    assert.strictEqual(of("t.co"), "Organic Social")
    assert.strictEqual(of("not-t.co"), "Referral")
    assert.strictEqual(of("m.youtube.com"), "Organic Video")
    assert.strictEqual(of("www.amazon.de"), "Organic Shopping")
    assert.strictEqual(of("chatgpt.com"), "AI Assistants")
    assert.strictEqual(of("news.example"), "Referral")
    assert.strictEqual(of("google.com.evil.example"), "Referral")
  })

  it("names the channel of a campaign", () => {
    assert.strictEqual(of("google", "cpc"), "Paid Search")
    assert.strictEqual(of("GOOGLE", "PPC"), "Paid Search")
    assert.strictEqual(of("www.google.com", "cpc"), "Paid Search")
    assert.strictEqual(of("googleads"), "Paid Search")
    assert.strictEqual(of("facebook", "paid_social"), "Paid Social")
    assert.strictEqual(of("facebook_feed_ad"), "Paid Social")
    assert.strictEqual(of("fb-ads"), "Paid Social")
    assert.strictEqual(of("youtube", "cpv"), "Paid Video")
    assert.strictEqual(of("x.example", "video"), "Organic Video")
    assert.strictEqual(of("yt-ads"), "Paid Video")
    assert.strictEqual(of("x.example", "cpc", "summer shop"), "Paid Shopping")
    assert.strictEqual(of("x.example", null, "e-shop"), "Organic Shopping")
    assert.strictEqual(of("x.example", "cpm"), "Display")
    assert.strictEqual(of("x.example", "cpc"), "Paid Other")
    assert.strictEqual(of("newsletter", "email"), "Email")
    assert.strictEqual(of("x.example", "affiliate"), "Affiliates")
    assert.strictEqual(of("x.example", "audio"), "Audio")
    assert.strictEqual(of("sms"), "SMS")
    assert.strictEqual(of("firebase"), "Mobile Push Notifications")
    assert.strictEqual(of("x.example", null, "cross-network spring"), "Cross-network")
    assert.strictEqual(of("(direct)", "(none)"), "Direct")
    assert.strictEqual(of(null, "referral"), "Referral")
  })

  it.prop(
    "gives every visit a channel, regardless of the case of the letters A to Z",
    { source: Schema.String, medium: Schema.String },
    ({ medium, source }) => {
      const upper = (text: string) => text.replace(/[a-z]/g, (letter) => letter.toUpperCase())
      assert.include(Channel.channels, of(source, medium))
      assert.strictEqual(of(upper(source), upper(medium)), of(source, medium))
    }
  )
})
