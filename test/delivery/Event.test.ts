import { assert, describe, it } from "@effect/vitest"
import { Record, Schema } from "effect"
import { vi } from "vitest"
import { noAttribution } from "../../src/analytics/Lead.ts"
import * as Event from "../../src/delivery/Event.ts"
import * as WebhookSender from "../../src/delivery/WebhookSender.ts"
import type { Submission } from "../../src/forms/Submission.ts"
import * as SubmissionExport from "../../src/forms/SubmissionExport.ts"
import { ConversationId, InstanceId, SubmissionId, WebsiteConfigId } from "../../src/platform/Id.ts"
import * as Site from "../../src/sites/Site.ts"

const Field = Schema.Union([
  Schema.Json,
  Schema.Struct({ text: Schema.String, times: Schema.Literals([1, 100, 5_000]) })
])
const Form = Schema.Record(Schema.String, Field)

/** A submission of a form. A value `{ text, times }` stands for the text, repeated so many times. */
const submission = (form: Readonly<Record<string, unknown>>): Submission => ({
  submissionId: SubmissionId.make("0f8fad5b-d9cb-469f-a165-70867728950e"),
  websiteConfigId: WebsiteConfigId.make("7c9e6679-7425-40de-944b-e07fc1f90ae7"),
  receivedAt: 1_767_225_600_000,
  email: "visitor@example.com",
  pageSlug: "contact",
  formData: JSON.stringify(form, (_, value) =>
    typeof value === "object" && value !== null && typeof value.times === "number"
      ? String(value.text).repeat(value.times)
      : value
  ),
  status: "accepted",
  reasons: [],
  attribution: noAttribution
})

/** A website with the longest possible name. In JSON, each character of the name takes six bytes. */
const website = {
  websiteConfigId: WebsiteConfigId.make("7c9e6679-7425-40de-944b-e07fc1f90ae7"),
  name: "\u0001".repeat(Site.maxName)
}

const payloadOf = (stored: Submission, name = website.name) =>
  Event.payload(
    { type: "submission.accepted", time: stored.receivedAt, website: { ...website, name } },
    Event.submissionData(stored)
  )

describe("delivery/Event", () => {
  it.prop("a payload is JSON of less than 20 kB, and complete unless it is marked as truncated", [Form], ([form]) => {
    const stored = submission(form)
    const text = payloadOf(stored)
    assert.isBelow(Buffer.byteLength(text), Event.maxPayload)
    const { data, ...facts } = JSON.parse(text)
    assert.deepStrictEqual(facts, {
      type: "submission.accepted",
      timestamp: "2026-01-01T00:00:00.000Z",
      website: { website_config_id: website.websiteConfigId, name: website.name }
    })
    assert.strictEqual(data.submission_id, stored.submissionId)
    const whole = SubmissionExport.json(stored)
    if (data.truncated === undefined) assert.deepStrictEqual(data, JSON.parse(whole))
    else assert.isAbove(Buffer.byteLength(whole), Event.maxPayload - 1_600)
  })

  it("a long form is truncated to the limit", () => {
    const { data } = JSON.parse(payloadOf(submission({ name: "Ada", message: "ä".repeat(30_000) })))
    assert.isTrue(data.truncated)
    assert.strictEqual(data.form_data.name, "Ada")
    assert.match(data.form_data.message, /^ä+…$/)
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`field ${index}`, "x"]))
    assert.isTrue(JSON.parse(payloadOf(submission(many))).data.truncated)
  })

  it("a submission's other texts are shortened if they leave little room for its form", () => {
    const form = { name: "Ada", message: "x".repeat(4_000) }
    const control = "\u0001".repeat(2_048)
    for (const long of [
      { email: "a".repeat(15_000) },
      { email: "a".repeat(30_000) },
      { pageSlug: "ä".repeat(15_000) },
      { attribution: { ...noAttribution, referrer: control, entryPage: control } },
      { email: control, pageSlug: control, attribution: Record.map(noAttribution, () => control) }
    ]) {
      const text = payloadOf({ ...submission(form), ...long })
      assert.isBelow(Buffer.byteLength(text), Event.maxPayload)
      const { data } = JSON.parse(text)
      assert.isTrue(data.truncated)
      assert.deepStrictEqual(data.form_data, form)
    }
  })

  it.prop(
    "a form of thousands of values is parsed once, and only values of the payload are serialized more than once",
    [
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 12_000 })),
      Schema.Literals([1, 60]),
      Schema.Literals(["text", "number", "nested"])
    ],
    ([count, size, kind]) => {
      const value = { text: "x".repeat(size), number: 1, nested: Array.from({ length: size }, () => 1) }[kind]
      const stored = submission(Object.fromEntries(Array.from({ length: count }, (_, index) => [`f${index}`, value])))
      const parse = vi.spyOn(JSON, "parse")
      const stringify = vi.spyOn(JSON, "stringify")
      try {
        Event.submissionData(stored)
        assert.isAtMost(parse.mock.calls.length, 1)
        // Each of four attempts stops at the maximum payload. A member has at least seven characters and needs two calls.
        const tries = 4 * 2 * Math.ceil(Event.maxPayload / 7)
        assert.isAtMost(stringify.mock.calls.length, 100 + (kind === "text" ? 0 : count) + Math.min(tries, 8 * count))
        const written = stringify.mock.results.reduce((sum, result) => sum + String(result.value).length, 0)
        assert.isAtMost(written, stored.formData.length + 4 * Event.maxPayload + 10_000)
      } finally {
        parse.mockRestore()
        stringify.mockRestore()
      }
    },
    { arbitrary: { runs: 20 } }
  )

  it.prop(
    "bounded data is the data itself if it fits, and otherwise a shorter object that is marked as truncated",
    [Form],
    ([form]) => {
      const data = submission(form).formData
      const bounded = Event.bounded(data)
      assert.isBelow(
        Buffer.byteLength(Event.payload({ type: "conversation.feedback", time: 0, website }, bounded)),
        Event.maxPayload
      )
      if (bounded === data) return
      assert.isBelow(bounded.length, data.length)
      assert.isTrue(JSON.parse(bounded).truncated)
    }
  )

  it("a webhook without a list of events gets all events, and a webhook with a list gets only the listed events", () => {
    for (const type of Event.types) {
      assert.isTrue(Event.isWanted([], type))
      assert.isTrue(Event.isWanted([type], type))
      assert.isFalse(Event.isWanted(["other"], type))
    }
  })
})

describe("delivery/WebhookSender: for Slack", () => {
  it.prop("no visitor's text is a mention, a link or a command", [Form], ([form]) => {
    const commands = "<!channel> @everyone,@bob _@bob a@here b@ALL"
    const payload = payloadOf(submission({ ...form, message: commands }), commands)
    const text: string = JSON.parse(WebhookSender.slackBody(payload)).text
    assert.notMatch(
      text.replaceAll("\n> ", "\n"),
      /[<>]|(?<![a-z0-9])@(?!\u200b|…$)|@(everyone|here|channel|all)|\][([:]/i
    )
    assert.isAtMost(text.length, 3_001)
  })

  it.prop("each line after the title begins with the name of a field, or is a quotation", [Form], ([form]) => {
    const forged = "Hi\n*Submission released*\r\nemail: a@b.example\u2028[Open](https://evil.example)"
    const payload = payloadOf(submission({ ...form, [forged]: forged }), forged)
    const [title = "", ...lines]: ReadonlyArray<string> = JSON.parse(WebhookSender.slackBody(payload)).text.split(
      /[\n\v\f\r\u0085\u2028\u2029]/
    )
    assert.isTrue(title.startsWith("*New submission – Hi *\u200bSubmission"))
    for (const line of lines.slice(0, -1)) assert.match(line, /^> |^[^*_~`]*(?:[*_~`]\u200b[^*_~`]*)*: |^[^:]*…$/)
  })

  it("a message has the visitor's question, and no id with which the conversation can be read", () => {
    const conversationId = ConversationId.make("6f1f4c1e-9b0b-4a4e-8d5f-0a6f5d2b7c11")
    const data = Event.conversationData({
      instanceId: InstanceId.make("d3b07384-d113-4ec5-a5ec-9b1f2d3c4e5f"),
      conversationId,
      startedAt: 1_767_225_600_000,
      message: "Do you ship to Norway?"
    })
    const payload = Event.payload({ type: "conversation.unanswered", time: 1_767_225_600_000, website }, data)
    assert.include(payload, conversationId)
    const { text }: { readonly text: string } = JSON.parse(WebhookSender.slackBody(payload))
    assert.include(text, "Do you ship to Norway?")
    assert.notInclude(text, conversationId)
  })

  it("a message shows the fields of the form, and email addresses that can be copied", () => {
    const text: string = JSON.parse(
      WebhookSender.slackBody(payloadOf(submission({ name: "Ada", age: 36 }), "Shop"))
    ).text
    assert.strictEqual(text, "*New submission – Shop*\nemail: visitor@example.com\npage: contact\nname: Ada\nage: 36")
  })
})
