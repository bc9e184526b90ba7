import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { vi } from "vitest"
import { plainBody } from "../../../src/delivery/mail/Compose.ts"
import { htmlBody } from "../../../src/delivery/mail/HtmlBody.ts"
import type { Content, Part } from "../../../src/delivery/mail/Message.ts"
import * as SubmissionMail from "../../../src/delivery/mail/SubmissionMail.ts"
import { WebsiteConfigId } from "../../../src/platform/Id.ts"
import { stored } from "../../support/StoredSubmission.ts"

const website = {
  websiteConfigId: WebsiteConfigId.make("5a2f4e4c-30a6-4d0c-9b8a-3f1f8c9a7e21"),
  name: "Harbour",
  timeZone: "Europe/Berlin"
}
const unsubscribeUrl = "https://edge.example/stop"

const textOf = (content: Content) => plainBody(content, unsubscribeUrl)
const htmlOf = (content: Content) => htmlBody(content, unsubscribeUrl)

/** The tags in the HTML, except `<br>`, which encodes a line break. */
const tagsOf = (html: string): ReadonlyArray<string> => (html.match(/<[^>]*>/g) ?? []).filter((tag) => tag !== "<br>")

/** The content with `x` in place of every text. */
const neutral = (content: Content): Content => ({
  ...content,
  subject: "x",
  website: "x",
  title: "x",
  reason: "x",
  parts: content.parts.map((part): Part => {
    switch (part.kind) {
      case "paragraph":
      case "notice":
      case "command":
        return { ...part, text: "x" }
      case "fields":
      case "facts":
        return { ...part, fields: part.fields.map(() => ["x", "x"]) }
      case "record":
        return { ...part, title: "x", note: "x", fields: part.fields.map(() => ["x", "x"]) }
      case "button":
        return { ...part, label: "x" }
      default:
        return part
    }
  })
})

const Hostile = Schema.Union([
  Schema.String,
  Schema.Literals([
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</bdi></td></table>",
    "&lt;b&gt;",
    "a\r\nBcc: eve@example.com",
    "\u202eevil\u2066",
    "\u0000\ud800"
  ])
])

describe("delivery/mail/SubmissionMail", () => {
  it("one submission is mailed in full, and a reply goes to the visitor", () => {
    const submission = stored({
      attribution: { source: "www.google.com", medium: "cpc", campaign: null, referrer: null, entryPage: "/" },
      formData: JSON.stringify({
        first_name: "Ada",
        email: "ada@example.org",
        topics: ["tours", "prices"],
        guests: 4,
        note: "",
        message: "Do you have\r\na table?"
      })
    })
    const content = SubmissionMail.content(website, [submission], 1)
    assert.deepStrictEqual(
      [content.subject, content.replyTo, content.title],
      ["New submission from Ada – Harbour", "ada@example.org", "New submission from Ada"]
    )
    assert.deepStrictEqual(content.parts[0], {
      kind: "fields",
      fields: [
        ["Email", "ada@example.org"],
        ["First name", "Ada"],
        ["Topics", "tours, prices"],
        ["Guests", "4"],
        ["Message", "Do you have\na table?"]
      ]
    })
    const text = textOf(content)
    for (const part of [
      "Message:\n    Do you have\n    a table?",
      "Wed 25 Nov 2026, 10:00 (Europe/Berlin)",
      "Google / cpc",
      submission.submissionId,
      `To unsubscribe: ${unsubscribeUrl}`
    ]) {
      assert.include(text.replace(/Wed,? /, "Wed "), part)
    }
    assert.include(htmlOf(content), 'href="mailto:ada@example.org"')
  })

  it("a mail has all digits of numbers and all values of repeated fields, in the order in which they were sent", () => {
    const formData =
      '{"card":12345678901234567890,"price":1.50,"ref":12345678901234567890,"ref":7,"topic":"tours","2":"b","topic":"prices","ids":{"a":[98765432109876543210]},"more":{"a":"\\u00fc"}}'
    const content = SubmissionMail.content(website, [stored({ email: null, formData })], 1)
    assert.deepStrictEqual(content.parts[0], {
      kind: "fields",
      fields: [
        ["Card", "12345678901234567890"],
        ["Price", "1.50"],
        ["Ref", "[12345678901234567890,7]"],
        ["Topic", "tours, prices"],
        ["2", "b"],
        ["Ids", '{"a":[98765432109876543210]}'],
        ["More", '{"a":"ü"}']
      ]
    })
  })

  it("a digest keeps the fields that hold the sender's name but are not the sender's", () => {
    const submission = stored({ email: null, formData: '{"name":"Ada","skipper":"Ada"}' })
    const [record] = SubmissionMail.content(website, [submission, submission], 2).parts
    assert.deepStrictEqual(record?.kind === "record" && [record.title, record.fields], ["Ada", [["Skipper", "Ada"]]])
  })

  it("the sender's name is the first value of a repeated field", () => {
    const submission = stored({ email: null, formData: '{"name":"Ada","name":"Bob"}' })
    const [record] = SubmissionMail.content(website, [submission, submission], 2).parts
    assert.deepStrictEqual(record?.kind === "record" && [record.title, record.fields], ["Ada", [["Name", "Ada, Bob"]]])
  })

  it("a mail about suspected spam says so, and has no button to reply", () => {
    const content = SubmissionMail.content(website, [stored({ status: "quarantined", reasons: ["links"] })], 1)
    assert.include(content.subject, "Suspected spam")
    assert.deepStrictEqual(content.parts[0]?.kind, "notice")
    assert.notInclude(htmlOf(content), "mailto:")
  })

  it("several submissions are in one mail, which stays small and says how many submissions are left out", () => {
    const long = JSON.stringify(
      Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`f${index}`, "<".repeat(5_000)]))
    )
    const submissions = Array.from({ length: SubmissionMail.maxShown }, () => stored({ formData: long }))
    const content = SubmissionMail.content(website, submissions, 1_200)
    assert.strictEqual(content.subject, "1,200 new submissions – Harbour")
    assert.strictEqual(content.replyTo, null)
    assert.include(textOf(content), "leaves out 1,175 submissions")
    assert.isBelow(textOf(content).length, 100_000)
    assert.isBelow(htmlOf(SubmissionMail.content(website, submissions.slice(0, 1), 1)).length, 150_000)
  })

  it.prop(
    "the form data of each shown submission is parsed only once, however many fields it has",
    [
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 40 })),
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 60 }))
    ],
    ([count, fields]) => {
      const formData = JSON.stringify(
        Object.fromEntries(Array.from({ length: fields }, (_, index) => [`f${index}`, "x"]))
      )
      const submissions = Array.from({ length: count }, () => stored({ formData }))
      const parse = vi.spyOn(JSON, "parse")
      try {
        SubmissionMail.content(website, submissions, count)
        assert.strictEqual(parse.mock.calls.length, Math.min(count, SubmissionMail.maxShown))
      } finally {
        parse.mockRestore()
      }
    }
  )

  it.prop(
    "a visitor's text adds no HTML, no line to the subject and no address to the reply",
    [Hostile, Hostile, Hostile, Schema.NullOr(Hostile), Schema.Literals([1, 2])],
    ([name, value, email, page, count]) => {
      const submission = stored({
        email,
        pageSlug: page,
        formData: JSON.stringify({ name, [value]: value, list: [name, value], nested: { [name]: value } }),
        attribution: { source: name, medium: value, campaign: email, referrer: value, entryPage: value },
        reasons: [value]
      })
      const content = SubmissionMail.content({ ...website, name: value }, [submission, submission], count)
      assert.deepStrictEqual(tagsOf(htmlOf(content)), tagsOf(htmlOf(neutral(content))))
      assert.notMatch(content.subject, /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u)
      if (content.replyTo !== null) assert.match(content.replyTo, /^[\x21-\x7e]+@[A-Za-z0-9.-]+$/)
      assert.isTrue(htmlOf(content).isWellFormed() && textOf(content).isWellFormed())
    }
  )
})
