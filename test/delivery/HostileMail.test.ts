/** The raw mail that a real receiver gets about a submission with arbitrary texts. */
import { assert, layer as shared } from "@effect/vitest"
import { Context, Effect, Layer, Schema } from "effect"
import PostalMime from "postal-mime"
import * as Compose from "../../src/delivery/mail/Compose.ts"
import type { Mailer } from "../../src/delivery/mail/Mailer.ts"
import * as SmtpMailer from "../../src/delivery/mail/Mailer.ts"
import * as SubmissionMail from "../../src/delivery/mail/SubmissionMail.ts"
import { mailReceiver, type ReceivedMail } from "../support/MailReceiver.ts"
import { stored } from "../support/StoredSubmission.ts"

const Hostile = Schema.Union([
  Schema.String,
  Schema.Literals([
    "a\r\nBcc: eve@example.com",
    "a\nTo: eve@example.com\n\nbody",
    "eve@example.com, mallory@example.com",
    "Eve <eve@example.com>",
    '"a\\" <eve@example.com>, b"@example.com',
    "=?utf-8?Q?a=0D=0ABcc:_eve@example.com?=",
    "ada@example.com\u2028Bcc: eve@example.com",
    "\r\n.\r\nMAIL FROM:<eve@example.com>",
    "--boundary\r\nContent-Type: text/html\r\n\r\n<script>",
    "x".repeat(3_000),
    "ü".repeat(400)
  ])
])

/** The names of a mail's header fields. */
const fieldNames = (source: string): ReadonlyArray<string> =>
  source
    .slice(0, source.indexOf("\r\n\r\n"))
    .replace(/\r\n[ \t]/g, " ")
    .split("\r\n")
    .map((line) => line.slice(0, line.indexOf(":")))

const expected = [
  "Auto-Submitted",
  "Content-Type",
  "Date",
  "From",
  "List-Unsubscribe",
  "List-Unsubscribe-Post",
  "MIME-Version",
  "Message-ID",
  "Subject",
  "To"
]

class Inbox extends Context.Service<Inbox, { readonly mailer: Mailer; readonly mails: Array<ReceivedMail> }>()(
  "test/Inbox"
) {}

const receiver = Layer.effect(
  Inbox,
  Effect.map(mailReceiver(), ({ port, received }) => ({
    mailer: SmtpMailer.makeSmtp({ server: { host: "127.0.0.1", port, isTls: false, needsTls: false, login: null } }),
    mails: received
  }))
)

shared(receiver)("delivery/mail/SmtpMailer with arbitrary texts", (it) => {
  it.effect.prop(
    "a visitor's text adds no header, no recipient and no part",
    [Hostile, Hostile, Schema.NullOr(Hostile), Schema.Literals([1, 2])],
    ([name, value, email, count]) =>
      Effect.gen(function* () {
        const submission = stored({ email, pageSlug: value, formData: JSON.stringify({ name, [value]: value }) })
        const website = { websiteConfigId: submission.websiteConfigId, name: value, timeZone: "UTC" }
        const content = SubmissionMail.content(website, [submission, submission], count)
        const message = Compose.compose(content, {
          mailId: submission.submissionId,
          from: { name: value.replace(/["<>\p{Cc}]/gu, "").slice(0, 100), address: "mail@edge.example" },
          to: "owner@example.com",
          createdAt: submission.receivedAt,
          unsubscribeUrl: "https://edge.example/stop"
        })
        const { mailer, mails } = yield* Inbox
        mails.length = 0
        assert.deepStrictEqual(yield* mailer.send(message), { _tag: "Accepted" })
        const [mail, ...others] = mails
        assert.deepStrictEqual([mail?.from, mail?.recipients, others], ["mail@edge.example", ["owner@example.com"], []])
        const source = mail?.source ?? ""
        assert.notMatch(source, /(^|[^\r])\n/)
        const names = message.replyTo === null ? expected : [...expected, "Reply-To"]
        assert.deepStrictEqual(fieldNames(source).toSorted(), names.toSorted())
        const parsed = yield* Effect.promise(() => PostalMime.parse(source))
        assert.deepStrictEqual(
          [parsed.to, parsed.cc, parsed.bcc, parsed.attachments],
          [[{ name: "", address: "owner@example.com" }], undefined, undefined, []]
        )
        assert.strictEqual(parsed.from?.address, "mail@edge.example")
        assert.deepStrictEqual(
          parsed.replyTo?.map(({ address }) => address),
          message.replyTo === null ? undefined : [message.replyTo]
        )
        assert.strictEqual(parsed.text?.trimEnd(), message.text.trimEnd())
        assert.strictEqual(parsed.html?.trimEnd(), message.html.trimEnd())
      }),
    { arbitrary: { runs: 50 } }
  )
})
