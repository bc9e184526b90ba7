import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { vi } from "vitest"
import { compose, htmlBody, plainBody } from "../../../src/delivery/mail/Compose.ts"
import * as MailText from "../../../src/delivery/mail/MailText.ts"
import type { Content, Part } from "../../../src/delivery/mail/Message.ts"
import * as ProblemMail from "../../../src/delivery/mail/ProblemMail.ts"
import type { MailedConversation, MailedConversations } from "../../../src/delivery/mail/SubmissionMail.ts"
import * as SubmissionMail from "../../../src/delivery/mail/SubmissionMail.ts"
import { InstanceId, MessageId, WebsiteConfigId } from "../../../src/platform/Id.ts"
import { stored } from "../../support/StoredSubmission.ts"

const website = {
  websiteConfigId: WebsiteConfigId.make("5a2f4e4c-30a6-4d0c-9b8a-3f1f8c9a7e21"),
  name: "Harbour",
  timeZone: "Europe/Berlin"
}
const unsubscribeUrl = "https://edge.example/stop"
const envelope = {
  mailId: "4be0643f-1d98-573b-97cd-ca98a65347dd",
  from: { name: "Edge", address: "mail@edge.example" },
  to: "ada@example.com",
  createdAt: 0,
  unsubscribeUrl
}

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

  const conversation = (more: Partial<MailedConversation> = {}): MailedConversation => ({
    instanceId: InstanceId.make("5a2f4e4c-30a6-4d0c-9b8a-3f1f8c9a7e23"),
    messageId: MessageId.make("5a2f4e4c-30a6-4d0c-9b8a-3f1f8c9a7e24"),
    assistant: "Assistant",
    question: "When do\nyou open?",
    startedAt: Date.UTC(2026, 10, 25, 9),
    page: null,
    isUnanswered: true,
    ...more
  })

  it("one conversation is mailed with its question, and several in a digest with the submissions", () => {
    const single = SubmissionMail.content(website, [], 0, { shown: [conversation()], count: 1 })
    assert.strictEqual(single.subject, "A visitor got no answer – Harbour")
    assert.include(textOf(single), "Question:\n    When do\n    you open?")
    assert.include(textOf(single), "Began: Wed, 25 Nov 2026, 10:00 (Europe/Berlin)")
    const onPage = SubmissionMail.content(website, [], 0, { shown: [conversation({ page: "/tours" })], count: 1 })
    assert.include(textOf(onPage), "Page: /tours")
    const begun = SubmissionMail.content(website, [], 0, { shown: [conversation({ isUnanswered: false })], count: 1 })
    assert.strictEqual(begun.subject, "A visitor began a conversation – Harbour")
    const subjectOf = (count: number, conversations: MailedConversations) =>
      SubmissionMail.content(website, count === 0 ? [] : [stored({})], count, conversations).subject
    const two = [conversation(), conversation()]
    assert.deepStrictEqual(
      [
        subjectOf(1, { shown: two, count: 2 }),
        subjectOf(3, { shown: [conversation({ isUnanswered: false })], count: 1 }),
        subjectOf(0, { shown: two, count: 2 })
      ],
      [
        "1 new submission and 2 unanswered conversations – Harbour",
        "3 new submissions and 1 conversation – Harbour",
        "2 unanswered conversations – Harbour"
      ]
    )
    const shown = Array.from({ length: SubmissionMail.maxShown }, () => conversation())
    const digest = SubmissionMail.content(website, [], 0, { shown, count: 30 })
    assert.include(textOf(digest), "This mail leaves out 5 conversations, which the console lists.")
  })

  it.prop(
    "each subject ends with the website's name, however long the rest is",
    [Hostile, Hostile],
    ([value, more]) => {
      const name = `Harbour ${more}`
      const named = { ...website, name }
      const end = ` – ${MailText.websiteName(name, 60)}`
      const problem = {
        title: `Problem ${value}`,
        named: null,
        reason: null,
        since: "2026-11-25T09:00:00Z",
        nextStep: "x"
      }
      const contents = [
        SubmissionMail.content(named, [stored({ formData: JSON.stringify({ name: value }), email: value })], 1),
        SubmissionMail.content(named, [stored({})], 2),
        SubmissionMail.content(named, [], 0, { shown: [conversation({ question: value })], count: 1 }),
        SubmissionMail.testContent(named),
        ProblemMail.content(named, { began: [problem], ended: [] }),
        ProblemMail.content(named, { began: [], ended: [`Problem ${value}`] }),
        ProblemMail.webhookContent(named, { webhookId: "w", host: value.repeat(20), isGone: false })
      ]
      for (const content of contents) {
        const { subject } = compose(content, envelope)
        assert.isAtMost(subject.length, 150)
        assert.isTrue(subject.endsWith(end.trimEnd()), subject)
      }
    }
  )
})
