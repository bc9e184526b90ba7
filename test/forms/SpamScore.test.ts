import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as SpamScore from "../../src/forms/SpamScore.ts"
import * as Submission from "../../src/forms/Submission.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const Signals = Schema.Struct({
  honeypot: Schema.Boolean,
  links: between(0, 30),
  linkMarkup: Schema.Boolean,
  repetitions: between(0, 10),
  millis: Schema.NullOr(between(0, 10_000)),
  disposableEmail: Schema.Boolean,
  marked: Schema.Boolean
})

/** The stronger of two signals, for each kind. */
const union = (left: SpamScore.SpamSignals, right: SpamScore.SpamSignals): SpamScore.SpamSignals => ({
  honeypot: left.honeypot || right.honeypot,
  links: Math.max(left.links, right.links),
  linkMarkup: left.linkMarkup || right.linkMarkup,
  repetitions: Math.max(left.repetitions, right.repetitions),
  millis:
    left.millis === null ? right.millis : right.millis === null ? left.millis : Math.min(left.millis, right.millis),
  disposableEmail: left.disposableEmail || right.disposableEmail,
  marked: left.marked || right.marked
})

describe("forms/SpamScore", () => {
  it.prop("a stronger signal never lowers the score and removes no reason", [Signals, Signals], ([left, right]) => {
    const less = SpamScore.judge(left)
    const more = SpamScore.judge(union(left, right))
    assert.isAtLeast(more.score, less.score)
    for (const reason of less.reasons) assert.include(more.reasons, reason)
    assert.strictEqual(new Set(more.reasons).size, more.reasons.length)
  })

  it.prop(
    "a submission is quarantined if its score reaches the threshold, and a positive score has a reason",
    [Signals],
    ([signals]) => {
      const { reasons, score, status } = SpamScore.judge(signals)
      assert.strictEqual(status === "quarantined", score >= SpamScore.threshold)
      assert.strictEqual(reasons.length === 0, score === 0)
    }
  )

  it.prop("a filled honeypot alone is sufficient for quarantine", [Signals], ([signals]) => {
    const verdict = SpamScore.judge({ ...signals, honeypot: true })
    assert.strictEqual(verdict.status, "quarantined")
    assert.strictEqual(verdict.reasons[0], "honeypot")
  })

  it.prop(
    "no other signal alone is sufficient for quarantine, except ten or more links",
    [Signals],
    ([{ disposableEmail, links, millis, repetitions }]) => {
      for (const signal of [
        { disposableEmail },
        { links: links % 10 },
        { linkMarkup: true },
        { millis },
        { repetitions: repetitions * 1000 }
      ]) {
        assert.strictEqual(SpamScore.judge({ ...SpamScore.noSignals, ...signal }).status, "accepted")
      }
      assert.strictEqual(SpamScore.judge({ ...SpamScore.noSignals, links: 10 + links }).status, "quarantined")
    }
  )

  it.prop(
    "repeated content is held if and only if it has a link",
    [Signals],
    ([{ linkMarkup, links, repetitions }]) => {
      const content = { ...SpamScore.noSignals, linkMarkup, links: links % 10 }
      const hasLink = content.links > 0 || linkMarkup
      const { status } = SpamScore.judge({ ...content, repetitions: repetitions + 1 })
      assert.strictEqual(status, hasLink ? "quarantined" : "accepted")
      const isMuch = content.links >= 5 && linkMarkup
      assert.strictEqual(SpamScore.judge(content).status, isMuch ? "quarantined" : "accepted")
    }
  )

  it.prop("content without signals has no reasons", [Schema.Record(Schema.String, Schema.Int)], ([data]) => {
    const content = { formData: JSON.stringify(data), email: "ada@example.org" }
    const signals = SpamScore.signalsOf(content, { hints: Submission.hintsOf({}), marked: false, repetitions: 0 })
    assert.deepStrictEqual(SpamScore.judge(signals), { status: "accepted", score: 0, reasons: [] })
  })

  it.prop(
    "counts every link once, even with JSON's escaped slashes",
    [between(0, 40), Schema.Boolean],
    ([count, escaped]) => {
      const link = escaped ? String.raw`https:\/\/a.example\/x ` : "see http://a.example/x, "
      assert.strictEqual(SpamScore.linksIn(link.repeat(count)).links, count)
      assert.strictEqual(SpamScore.linksIn("www.a.example ".repeat(count)).links, count)
    }
  )

  it("distinguishes link markup from other angle brackets", () => {
    for (const text of ['<a href="x">', "<A\nHREF=x>", "[url=http://x]", "[URL]x[/URL]", "[link=x]"]) {
      assert.isTrue(SpamScore.linksIn(text).linkMarkup, text)
    }
    for (const text of ["a < b", "<abbr>", "[1] and [a]", "<3", "the url"]) {
      assert.isFalse(SpamScore.linksIn(text).linkMarkup, text)
    }
  })

  it.prop(
    "an address is disposable by its domain or a parent domain, in upper or lower case",
    [Schema.String],
    ([name]) => {
      for (const domain of ["mailinator.com", "MAILINATOR.com", "a.b.yopmail.com"]) {
        assert.isTrue(SpamScore.isDisposable(`${name}@${domain}`))
      }
      for (const domain of ["example.org", "notmailinator.com", "mailinator.com.example.org", "com", ""]) {
        assert.isFalse(SpamScore.isDisposable(`${name}@${domain}`))
      }
      assert.isFalse(SpamScore.isDisposable(null))
    }
  )
})
