import { assert, it } from "@effect/vitest"
import { Option } from "effect"
import * as Compose from "../../../src/delivery/mail/Compose.ts"
import * as Reply from "../../../src/delivery/mail/Reply.ts"
import { ReplyId, WebsiteConfigId } from "../../../src/platform/Id.ts"

const leased: Reply.LeasedReply = {
  reply_id: ReplyId.make("0f8fad5b-d9cb-469f-a165-70867728950e"),
  author: "Ada",
  reply_to: "ada@shop.example",
  to: "ann@example.org",
  subject: null,
  text: "Hello Ann,\n\nyes, on Sunday.",
  attempt: 1,
  createdAt: Date.UTC(2026, 10, 26, 9),
  site: {
    websiteConfigId: WebsiteConfigId.make("7c9e6679-7425-40de-944b-e07fc1f90ae7"),
    name: "Harbour Tours",
    timeZone: "Europe/Oslo"
  },
  submission: { receivedAt: Date.UTC(2026, 10, 25, 23, 30), preview: "Do you open on Sunday?" }
}

const composed = (more: Partial<Reply.LeasedReply> = {}) =>
  Compose.compose(Reply.content({ ...leased, ...more }), {
    mailId: leased.reply_id,
    from: { name: "Edge", address: "mail@edge.example" },
    to: leased.to,
    createdAt: leased.createdAt,
    unsubscribeUrl: null
  })

it("a reply is in the name of its author, is answered to the author, and quotes what the visitor wrote", () => {
  const { from, html, autoSubmitted, replyTo, subject, text } = composed()
  assert.deepStrictEqual(from, { name: "Ada", address: "mail@edge.example" })
  assert.deepStrictEqual(
    [replyTo, subject, autoSubmitted],
    ["ada@shop.example", "Re: your message – Harbour Tours", null]
  )
  assert.include(text, "Hello Ann,\n\nyes, on Sunday.")
  // The day in the website's time zone.
  assert.include(text, "You wrote on 26 November 2026: Do you open on Sunday?")
  assert.notInclude(text, "unsubscribe")
  assert.include(html, "Hello Ann,<br><br>yes, on Sunday.")
})

it("a reply of an author without a name is in the name of the website", () => {
  const { from, text } = composed({ author: null, submission: { ...leased.submission, preview: "" } })
  assert.strictEqual(from.name, "Harbour Tours")
  assert.notInclude(text, "You wrote")
})

it("no name adds a header or a link, and the text stays a text", () => {
  const evil = "Eve\r\nBcc: all@evil.example, evil.example/x"
  const { from, html, subject, text } = composed({
    author: evil,
    site: { ...leased.site, name: evil },
    text: "<script>alert(1)</script>\u202E"
  })
  for (const line of [from.name, subject]) assert.notMatch(line, /[\r\n]|evil\.example/)
  assert.notInclude(html, "<script>")
  assert.notInclude(text, "\u202E")
})

it("a text has one to 10,000 characters, without NUL", () => {
  assert.deepStrictEqual(Reply.parseText(" a\n"), Option.some("a"))
  assert.isTrue(Option.isSome(Reply.parseText("a".repeat(Reply.maxText))))
  for (const text of ["", " \n", "a".repeat(Reply.maxText + 1), "a\0", "\ud800"]) {
    assert.isTrue(Option.isNone(Reply.parseText(text)))
  }
})
