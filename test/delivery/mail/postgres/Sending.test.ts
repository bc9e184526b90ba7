/** Mails from the commit of a submission to a real receiver. */
import { randomBytes } from "node:crypto"
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, Option, Redacted } from "effect"
import PostalMime from "postal-mime"
import type { SMTPServerOptions } from "smtp-server"
import * as PostgresReports from "../../../../src/analytics/reports/postgres/Reports.ts"
import * as Dispatcher from "../../../../src/delivery/Dispatcher.ts"
import * as LinkToken from "../../../../src/delivery/mail/LinkToken.ts"
import * as MailDispatcher from "../../../../src/delivery/mail/MailDispatcher.ts"
import type { Sender } from "../../../../src/delivery/mail/Mailer.ts"
import * as Mailer from "../../../../src/delivery/mail/Mailer.ts"
import { type NewNotification, Notifications } from "../../../../src/delivery/mail/Notification.ts"
import { Replies } from "../../../../src/delivery/mail/Reply.ts"
import { SubmissionRepo } from "../../../../src/forms/SubmissionRepo.ts"
import type { WebsiteConfigId } from "../../../../src/platform/Id.ts"
import * as OutwardClient from "../../../../src/platform/outward/OutwardClient.ts"
import * as Rounds from "../../../../src/platform/rounds/Rounds.ts"
import * as Maintenance from "../../../../src/privacy/postgres/Maintenance.ts"
import { newSite, postgres } from "../../../support/Delivery.ts"
import { mailReceiver, refusal } from "../../../support/MailReceiver.ts"
import { ask, newKey } from "../../../support/SiteConversations.ts"
import * as SubmissionDraft from "../../../support/SubmissionDraft.ts"
import * as TestMetrics from "../../../support/TestMetrics.ts"
import * as TestTime from "../../../support/TestTime.ts"
import { poll } from "../../../support/Wait.ts"

const layers = PostgresReports.layer({ timeout: "20 seconds" }).pipe(Layer.provideMerge(postgres))

const sender: Sender = {
  from: { name: "Edge", address: "mail@edge.example" },
  publicUrl: "https://edge.example",
  consoleUrl: "https://edge.example/console",
  secretsKey: Redacted.make(new Uint8Array(randomBytes(32)))
}

/** Starts the dispatchers of one process, which send to the mail server at this port. They end with the scope. */
const startProcess = (port: number) =>
  Layer.build(
    Layer.fresh(
      Layer.merge(
        Dispatcher.layer.pipe(Layer.provide(OutwardClient.layer({ allowed: [] }))),
        MailDispatcher.layer(
          {
            sender,
            mailer: Mailer.makeSmtp({ server: { host: "127.0.0.1", port, isTls: false, needsTls: false, login: null } })
          },
          []
        )
      )
    )
  )

const add = (websiteConfigId: WebsiteConfigId, to = "ada@example.com", options: Omit<NewNotification, "to"> = {}) =>
  Notifications.use((all) => all.add(websiteConfigId, { to, ...options })).pipe(Effect.map(Option.getOrThrow))

const submit = (site: WebsiteConfigId, more: Parameters<typeof SubmissionDraft.make>[1] = {}) =>
  SubmissionRepo.use((repo) => repo.submit(SubmissionDraft.make(site, more)))

const count = (all: ReadonlyArray<unknown>) => Effect.sync(() => all.length)

const latest = (websiteConfigId: WebsiteConfigId) =>
  Effect.map(
    Notifications.use((all) => all.list(websiteConfigId)),
    ([first]) => first?.latest_mail ?? null
  )

/** Ends all leases. */
const endLeases = PgClient.PgClient.use((sql) =>
  sql`UPDATE mail SET next_attempt_at = now() - interval '1 second' WHERE status = 'pending'`.pipe(
    Rounds.waking("mails")
  )
)

/** Makes the retries of failed mails due now, but not leased mails, which are due again in 25 seconds. */
const makeDue = PgClient.PgClient.use((sql) =>
  sql`UPDATE mail SET next_attempt_at = now() - interval '1 second' WHERE status = 'pending'
    AND next_attempt_at NOT BETWEEN now() + interval '15 seconds' AND now() + interval '30 seconds'`.pipe(
    Rounds.waking("mails")
  )
)

const messageId = (source: string): string => /^Message-ID: (.+)\r$/m.exec(source)?.[1] ?? ""

describe("delivery/mail/postgres", () => {
  it.live("a submission causes one mail, and a reply to it goes to the visitor", () =>
    Effect.gen(function* () {
      const { port, received } = yield* mailReceiver()
      const [site, other] = [yield* newSite, yield* newSite]
      const { notification_id } = yield* add(site)
      yield* startProcess(port)
      const idempotency = { key: "key", fingerprint: "print" }
      const formData = JSON.stringify({ name: "Ada", message: "<b>Hello</b>" })
      const submissionId = yield* submit(site, { idempotency, formData })
      yield* submit(site, { idempotency, formData })
      yield* submit(other)
      yield* poll(latest(site), (mail) => mail?.status === "sent")
      assert.lengthOf(received, 1)
      const parsed = yield* Effect.promise(() => PostalMime.parse(received[0]?.source ?? ""))
      assert.deepStrictEqual(parsed.replyTo, [{ name: "", address: "ada@example.com" }])
      assert.include(parsed.subject ?? "", "New submission from Ada")
      assert.include(parsed.text ?? "", "Message: <b>Hello</b>")
      assert.include(parsed.html ?? "", "&lt;b&gt;Hello&lt;/b&gt;")
      const link = `https://edge.example/console/#/${site}/inbox/${submissionId}`
      assert.include(parsed.text ?? "", `Open it in the console: ${link}`)
      assert.include(parsed.html ?? "", `href="${link}"`)
      const unsubscribe = parsed.headers.find(({ key }) => key === "list-unsubscribe")?.value ?? ""
      assert.match(unsubscribe, new RegExp(`^<https://edge\\.example/v1/public/mail/unsubscribe/${notification_id}\\.`))
    }).pipe(Effect.scoped, Effect.provide(layers))
  )

  it.live("a conversation causes one mail, as it begins or gets no answer, that links to it in the console", () =>
    Effect.gen(function* () {
      const { port, received } = yield* mailReceiver()
      const site = yield* newSite
      yield* add(site, "all@example.com", { conversations: "all" })
      yield* add(site, "default@example.com")
      yield* startProcess(port)
      const key = yield* newKey(site)
      const mailTo = Effect.fnUntraced(function* (to: string, number: number) {
        yield* poll(count(received), (length) => length >= number)
        const mails = received.filter(({ recipients }) => recipients.includes(to))
        assert.lengthOf(mails, 1)
        const { html = "", subject, text = "" } = yield* Effect.promise(() => PostalMime.parse(mails[0]?.source ?? ""))
        const [first] = yield* PgClient.PgClient.use(
          (sql) => sql<{
            id: string
          }>`SELECT message_id AS id FROM conversation_message JOIN conversation USING (conversation_key)
            WHERE conversation_id = ${key.conversationId} ORDER BY position LIMIT 1`
        )
        const link = `https://edge.example/console/#/${site}/conversations/${first?.id}?instance=${key.instanceId}`
        assert.include(text, `Open it in the console: ${link}`)
        assert.include(html, `href="${link}"`)
        // With its id and the public token of a widget, anyone to whom the mail is forwarded could read and continue the conversation.
        assert.notInclude(mails[0]?.source, key.conversationId)
        assert.include(text, "Question: When do <b>you</b> open?")
        assert.include(html, "When do &lt;b&gt;you&lt;/b&gt; open?")
        return subject
      })
      yield* ask(key, "When do <b>you</b> open?", "At nine.")
      assert.strictEqual(yield* mailTo("all@example.com", 1), "A visitor began a conversation – test")
      yield* ask(key, "And close?", "")
      assert.strictEqual(yield* mailTo("default@example.com", 2), "A visitor got no answer – test")
      // Later mails follow those of the events before.
      yield* submit(site)
      yield* poll(count(received), (length) => length >= 4)
      assert.lengthOf(received, 4)
    }).pipe(Effect.scoped, Effect.provide(layers))
  )

  it.live(
    "an address that the owner adds gets a confirmation mail with a link, and submissions after its confirmation",
    () =>
      Effect.gen(function* () {
        const { port, received } = yield* mailReceiver()
        const site = yield* newSite
        const notifications = yield* Notifications
        yield* notifications.addByOwner(site, { to: "ada@example.com" })
        yield* startProcess(port)
        yield* submit(site)
        yield* poll(latest(site), (mail) => mail?.status === "sent")
        assert.lengthOf(received, 1)
        const {
          html = "",
          subject,
          text = ""
        } = yield* Effect.promise(() => PostalMime.parse(received[0]?.source ?? ""))
        assert.strictEqual(subject, "Confirm that you want mails about test")
        const link = /https:\/\/edge\.example\/v1\/public\/mail\/confirm\/(\S+)/.exec(text)
        assert.include(html, `href="${link?.[0]}"`)
        assert.notInclude(text, "/console/")
        const token = LinkToken.verifyConfirmation(Redacted.value(sender.secretsKey), link?.[1] ?? "")
        const { isRecipient, websiteConfigId } = Option.getOrThrow(token)
        assert.isTrue(yield* notifications.confirm(websiteConfigId, isRecipient))
        yield* submit(site)
        yield* poll(count(received), (number) => number >= 2)
        assert.include(received[1]?.source ?? "", "New submission")
      }).pipe(Effect.scoped, Effect.provide(layers))
  )

  it.live("a mail that fails temporarily is retried with the same id, and a refused recipient is not retried", () =>
    Effect.gen(function* () {
      const ids: Array<string> = []
      const failTemporarily: SMTPServerOptions["onData"] = (stream, _, callback) => {
        const chunks: Array<Buffer> = []
        stream.on("data", (chunk: Buffer) => chunks.push(chunk))
        stream.on("end", () => {
          ids.push(messageId(Buffer.concat(chunks).toString("latin1")))
          callback(ids.length < 3 ? refusal(451, "4.3.0 later") : null)
        })
      }
      const { port } = yield* mailReceiver({
        onData: failTemporarily,
        onRcptTo: ({ address }, _, callback) =>
          callback(address === "gone@example.com" ? refusal(550, `5.1.1 no such user ${address}`) : null)
      })
      const [site, gone] = [yield* newSite, yield* newSite]
      yield* add(site)
      yield* add(gone, "gone@example.com")
      const lines: Array<string> = []
      const metrics = TestMetrics.make()
      yield* startProcess(port).pipe(
        Effect.provide(
          Layer.merge(Logger.layer([Logger.map(Logger.formatJson, (line) => void lines.push(line))]), metrics.layer)
        )
      )
      assert.strictEqual(metrics.value('mail_attempts_total{outcome="retried"}'), 0)
      yield* submit(site)
      yield* submit(gone)
      yield* poll(Effect.andThen(makeDue, latest(site)), (mail) => mail?.status === "sent")
      assert.strictEqual(ids.length, 3)
      assert.strictEqual(new Set(ids).size, 1)
      assert.match(ids[0] ?? "", /^<[0-9a-f-]{36}@edge\.example>$/)
      const refused = yield* poll(latest(gone), (mail) => mail?.status === "failed")
      assert.deepStrictEqual([refused?.attempts, refused?.error?.includes("550 5.1.1 no such user")], [1, true])
      const warned = () => lines.filter((line) => line.includes("A mail has failed"))
      yield* poll(Effect.sync(warned), ({ length }) => length > 0)
      assert.lengthOf(warned(), 1)
      assert.include(warned()[0] ?? "", gone)
      assert.notInclude(lines.join(), "gone@example.com")
      for (const [outcome, attempts] of Object.entries({ delivered: 1, retried: 2, failed: 1 })) {
        assert.strictEqual(metrics.value(`mail_attempts_total{outcome="${outcome}"}`), attempts)
      }
    }).pipe(Effect.scoped, Effect.provide(layers))
  )

  it.live(
    "a reply to a visitor is attempted again after a failure, and is a personal mail that is answered to its author",
    () =>
      Effect.gen(function* () {
        let attempts = 0
        const { port, received } = yield* mailReceiver({
          onRcptTo: (_, __, done) => done(attempts++ === 0 ? refusal(450, "4.2.0 later") : null)
        })
        const site = yield* newSite
        const submissionId = yield* submit(site, { formData: '{"message":"On Sunday?"}' })
        yield* startProcess(port)
        const replies = yield* Replies
        yield* replies.add(site, submissionId, {
          author: 'Ada "A" <x@y.example>',
          reply_to: "ada@shop.example",
          to: "ann@example.org",
          text: "Yes.\nBcc: eve@evil.example",
          createdAt: TestTime.ofMachine()
        })
        const state = Effect.map(replies.list(site, submissionId), ([reply]) => reply)
        const failed = yield* poll(state, (reply) => (reply?.error ?? "") !== "")
        assert.deepStrictEqual([failed?.status, received.length], ["pending", 0])
        assert.include(failed?.error ?? "", "later")
        const sql = yield* PgClient.PgClient
        yield* sql`UPDATE reply SET next_attempt_at = now() - interval '1 second'`.pipe(Rounds.waking("mails"))
        yield* poll(state, (reply) => reply?.status === "sent")
        assert.deepStrictEqual([received.length, received[0]?.recipients], [1, ["ann@example.org"]])
        const parsed = yield* Effect.promise(() => PostalMime.parse(received[0]?.source ?? ""))
        assert.deepStrictEqual(parsed.replyTo, [{ name: "", address: "ada@shop.example" }])
        assert.strictEqual(parsed.from?.address, "mail@edge.example")
        assert.include(parsed.text ?? "", "Yes.\nBcc: eve@evil.example")
        const names = parsed.headers.map(({ key }) => key)
        for (const name of ["auto-submitted", "list-unsubscribe", "bcc"]) assert.notInclude(names, name)
      }).pipe(Effect.scoped, Effect.provide(layers))
  )

  it.live("a reply that the server refuses for good fails, and says why", () =>
    Effect.gen(function* () {
      const { port } = yield* mailReceiver({ onRcptTo: (_, __, done) => done(refusal(550, "5.1.1 no such user")) })
      const site = yield* newSite
      const submissionId = yield* submit(site)
      yield* startProcess(port)
      const replies = yield* Replies
      yield* replies.add(site, submissionId, {
        author: null,
        reply_to: "ada@shop.example",
        to: "nobody@example.org",
        text: "Hello",
        createdAt: TestTime.ofMachine()
      })
      const state = Effect.map(replies.list(site, submissionId), ([reply]) => reply)
      const failed = yield* poll(state, (reply) => reply?.status === "failed")
      assert.include(failed?.error ?? "", "no such user")
    }).pipe(Effect.scoped, Effect.provide(layers))
  )

  it.live("two processes send each mail once, including those that a killed process had leased", () =>
    Effect.gen(function* () {
      const { port, received } = yield* mailReceiver()
      const hanging = yield* mailReceiver({ onData: (stream) => void stream.resume() })
      const sites = yield* Effect.forEach(Array.from({ length: 12 }), () => newSite)
      yield* Effect.forEach(sites, (site) => add(site))
      // A process leases mails, sends them to a server that hangs, and is killed.
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* startProcess(hanging.port)
          yield* Effect.forEach(sites, (site) => submit(site))
          const sql = yield* PgClient.PgClient
          yield* poll(sql`SELECT 1 FROM mail WHERE attempts = 1`, ({ length }) => length === 4)
          const [lease] = yield* sql`SELECT max(next_attempt_at) <= now() + interval '30 seconds' AS short FROM mail`
          assert.deepStrictEqual(lease, { short: true })
        })
      )
      assert.deepStrictEqual(received, [])
      yield* endLeases
      yield* Effect.all([startProcess(port), startProcess(port)])
      yield* poll(count(received), (number) => number >= 12)
      const sql = yield* PgClient.PgClient
      yield* poll(sql`SELECT 1 FROM mail WHERE status <> 'sent'`, ({ length }) => length === 0)
      assert.deepStrictEqual([received.length, new Set(received.map(({ source }) => messageId(source))).size], [12, 12])
    }).pipe(Effect.scoped, Effect.provide(layers))
  )

  it.live("several processes send a report once, even for a week without visitors", () =>
    Effect.gen(function* () {
      const { port, received } = yield* mailReceiver()
      const site = yield* newSite
      yield* add(site, "ada@example.com", { report: "weekly" })
      const sql = yield* PgClient.PgClient
      yield* sql`UPDATE notification SET due_at = now() - interval '1 second'`.pipe(Rounds.waking("mails"))
      yield* Effect.all([startProcess(port), startProcess(port), startProcess(port)], { concurrency: "unbounded" })
      yield* poll(latest(site), (mail) => mail?.status === "sent")
      const [due] = yield* sql`SELECT due_at > now() AS later FROM notification`
      assert.deepStrictEqual(due, { later: true })
      assert.lengthOf(received, 1)
      const parsed = yield* Effect.promise(() => PostalMime.parse(received[0]?.source ?? ""))
      assert.include(parsed.text ?? "", "There were no visitors during this week.")
    }).pipe(Effect.scoped, Effect.provide(layers))
  )

  it.live("mails and their items are deleted after 30 days", () =>
    Effect.gen(function* () {
      const { port } = yield* mailReceiver()
      const site = yield* newSite
      yield* add(site)
      yield* startProcess(port)
      yield* submit(site)
      yield* poll(latest(site), (mail) => mail?.status === "sent")
      const sql = yield* PgClient.PgClient
      const keep = { pageViews: Option.none(), submissions: Option.none(), conversations: Option.none() }
      yield* Maintenance.round(keep)
      assert.isNotNull(yield* latest(site))
      yield* sql`UPDATE mail SET created_at = created_at - interval '30 days'`
      yield* sql`UPDATE mail_item SET created_at = created_at - interval '30 days'`
      yield* Maintenance.round(keep)
      assert.isNull(yield* latest(site))
      assert.deepStrictEqual(yield* sql`SELECT 1 FROM mail_item`, [])
    }).pipe(Effect.scoped, Effect.provide(layers))
  )
})
