import { assert, describe, it } from "@effect/vitest"
import * as Address from "../../../src/console/Address.ts"
import type { Subject } from "../../../src/delivery/mail/Mail.ts"
import * as MailContent from "../../../src/delivery/mail/MailContent.ts"
import type { Content, Part } from "../../../src/delivery/mail/Message.ts"
import { type MailedConversation, noConversations } from "../../../src/delivery/mail/SubmissionMail.ts"
import { HostedWebsiteId, InstanceId, MessageId, WebsiteConfigId } from "../../../src/platform/Id.ts"
import { stored } from "../../support/StoredSubmission.ts"

const consoleUrl = "https://edge.example/console"
const site = {
  websiteConfigId: WebsiteConfigId.make("5a2f4e4c-30a6-4d0c-9b8a-3f1f8c9a7e21"),
  hostedWebsiteId: HostedWebsiteId.make("5a2f4e4c-30a6-4d0c-9b8a-3f1f8c9a7e22"),
  name: "a",
  timeZone: "UTC"
}
const submission = stored({})
const facts: Part = { kind: "facts", fields: [["Received", "now"]] }
const paragraph: Part = { kind: "paragraph", text: "Hello" }

const contentOf = (...parts: ReadonlyArray<Part>): Content => ({
  subject: "s",
  website: "a",
  title: "t",
  parts,
  reason: "r",
  replyTo: null
})

/** What the console shows at the link of a mail. */
const shown = (subject: Subject) => {
  const { parts } = MailContent.withConsoleLinks(consoleUrl, contentOf(paragraph, facts), { site, subject })
  assert.deepStrictEqual([parts[0], parts[2]], [paragraph, facts])
  const link = parts[1]
  const href = link?.kind === "link" ? link.href : ""
  assert.isTrue(href.startsWith(`${consoleUrl}/#`))
  const { item, page, range, site: id, view } = Address.parse(new URL(href).hash)
  return { id, page, item, range, ...(page === "conversations" && { view }) }
}

const conversation: MailedConversation = {
  instanceId: InstanceId.make("5a2f4e4c-30a6-4d0c-9b8a-3f1f8c9a7e23"),
  messageId: MessageId.make("5a2f4e4c-30a6-4d0c-9b8a-3f1f8c9a7e24"),
  assistant: "Assistant",
  question: "When do you open?",
  startedAt: 0,
  page: null,
  isUnanswered: true
}

describe("delivery/mail/MailContent", () => {
  it("each link opens the page of its subject in the console", () => {
    const id = site.websiteConfigId
    const { range } = Address.initial
    assert.deepStrictEqual(
      shown({ kind: "submissions", submissions: [submission], count: 1, conversations: noConversations }),
      {
        id,
        page: "inbox",
        item: submission.submissionId,
        range
      }
    )
    assert.deepStrictEqual(
      shown({ kind: "submissions", submissions: [submission], count: 2, conversations: noConversations }),
      {
        id,
        page: "inbox",
        item: null,
        range
      }
    )
    assert.deepStrictEqual(shown({ kind: "report", range: { first: "2026-11-16", last: "2026-11-22" } }), {
      id,
      page: "overview",
      item: null,
      range: ["2026-11-16", "2026-11-22"]
    })
    assert.deepStrictEqual(shown({ kind: "webhook-disabled", webhook: { webhookId: "w", host: "h", isGone: true } }), {
      id,
      page: "setup",
      item: "webhooks",
      range
    })
  })

  it("a conversation opens with its assistant, and a digest of both kinds has two links", () => {
    const { range } = Address.initial
    const mixed = { kind: "submissions", submissions: [], count: 0 } as const
    assert.deepStrictEqual(shown({ ...mixed, conversations: { shown: [conversation], count: 1 } }), {
      id: site.websiteConfigId,
      page: "conversations",
      item: conversation.messageId,
      range,
      view: { instance: conversation.instanceId }
    })
    const subject: Subject = {
      ...mixed,
      submissions: [submission],
      count: 1,
      conversations: { shown: [conversation], count: 1 }
    }
    assert.deepStrictEqual(
      MailContent.withConsoleLinks(consoleUrl, contentOf(), { site, subject }).parts.map(
        (part) => part.kind === "link" && part.href
      ),
      [`${consoleUrl}/#/${site.websiteConfigId}/conversations`, `${consoleUrl}/#/${site.websiteConfigId}/inbox`]
    )
  })

  it("without a console, no link is added", () => {
    const content = contentOf(paragraph)
    const subject: Subject = {
      kind: "submissions",
      submissions: [submission],
      count: 1,
      conversations: noConversations
    }
    assert.strictEqual(MailContent.withConsoleLinks(null, content, { site, subject }), content)
    assert.deepStrictEqual(
      MailContent.withConsoleLinks(consoleUrl, content, { site, subject }).parts.map(({ kind }) => kind),
      ["paragraph", "link"]
    )
  })
})
