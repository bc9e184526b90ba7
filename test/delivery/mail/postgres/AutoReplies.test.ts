/** Automatic replies from the commit of a submission to a real mail server. */
import { randomBytes } from "node:crypto"
import { PgClient, PgTypes } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer, Option, Redacted } from "effect"
import PostalMime from "postal-mime"
import * as PostgresReports from "../../../../src/analytics/reports/postgres/Reports.ts"
import * as Dispatcher from "../../../../src/delivery/Dispatcher.ts"
import { maxPerHour, refusals } from "../../../../src/delivery/mail/AutoReply.ts"
import * as MailDispatcher from "../../../../src/delivery/mail/MailDispatcher.ts"
import * as Mailer from "../../../../src/delivery/mail/Mailer.ts"
import { madeStatement } from "../../../../src/delivery/mail/postgres/AutoReplies.ts"
import { Replies } from "../../../../src/delivery/mail/Reply.ts"
import { Inbox } from "../../../../src/forms/Inbox.ts"
import type { SubmissionId, WebsiteConfigId } from "../../../../src/platform/Id.ts"
import * as OutwardClient from "../../../../src/platform/outward/OutwardClient.ts"
import * as Database from "../../../../src/platform/postgres/Database.ts"
import { hourMillis } from "../../../../src/platform/text/Calendar.ts"
import * as Maintenance from "../../../../src/privacy/postgres/Maintenance.ts"
import * as Maximums from "../../../../src/sites/Maximums.ts"
import { SiteErasure } from "../../../../src/sites/SiteErasure.ts"
import { fanOutAll, newSite, postgres } from "../../../support/Delivery.ts"
import { mailReceiver } from "../../../support/MailReceiver.ts"
import { submit } from "../../../support/Mails.ts"
import { release } from "../../../support/TestSubmissions.ts"
import { poll } from "../../../support/Wait.ts"

const layers = PostgresReports.layer({ timeout: "20 seconds" }).pipe(Layer.provideMerge(postgres))

/** Starts the dispatchers of one process, which end with the scope. */
const startProcess = (port: number) =>
  Layer.build(
    Layer.fresh(
      Layer.merge(
        Dispatcher.layer.pipe(Layer.provide(OutwardClient.layer({ allowed: [] }))),
        MailDispatcher.layer(
          {
            sender: {
              from: { name: "Edge", address: "mail@edge.example" },
              publicUrl: "https://edge.example",
              consoleUrl: null,
              secretsKey: Redacted.make(new Uint8Array(randomBytes(32)))
            },
            mailer: Mailer.makeSmtp({ server: { host: "127.0.0.1", port, isTls: false, needsTls: false, login: null } })
          },
          []
        )
      )
    )
  )

const reply = {
  page: "contact",
  subject: "Thank you, {name}",
  text: "Hello {name},\n\nwe answer within a day.",
  reply_to: "owner@shop.example"
}

const put = (site: WebsiteConfigId, more: Partial<typeof reply> = {}) =>
  Replies.use((replies) => replies.putAutomatic(site, { ...reply, ...more }))

const repliesTo = (site: WebsiteConfigId, submission: SubmissionId) =>
  Replies.use((replies) => replies.list(site, submission))

/** The numbers of replies to submissions that are sent or will be, after all events were read. */
const countsOf = (site: WebsiteConfigId, submissions: ReadonlyArray<SubmissionId>) =>
  Effect.andThen(
    fanOutAll,
    Effect.forEach(submissions, (id) =>
      Effect.map(repliesTo(site, id), (replies) => replies.filter(({ status }) => status !== "failed").length)
    )
  )

const formData = JSON.stringify({ name: "Ann O'Neill", message: "Buy at http://evil.example" })

describe("delivery/mail/postgres/AutoReplies", () => {
  it.live("the sender of an accepted submission gets one mail, which repeats the name and nothing else", () =>
    Effect.gen(function* () {
      const { port, received } = yield* mailReceiver()
      const site = yield* newSite
      yield* put(site)
      yield* startProcess(port)
      const idempotency = { key: "key", fingerprint: "print" }
      const email = "ann@example.org"
      const submission = yield* submit(site, { formData, email, idempotency })
      yield* submit(site, { formData, email, idempotency })
      const others = [
        yield* submit(site, { formData, email: "other@example.org", pageSlug: "jobs" }),
        yield* submit(site, { formData, email: null }),
        yield* submit(site, { formData, email: "no-reply@example.org" }),
        yield* submit(site, { formData, email: "a@b.example\r\nBcc: eve@evil.example" }),
        yield* submit(site, { formData, email: "held@example.org", status: "quarantined", reasons: ["links"] })
      ]
      yield* poll(repliesTo(site, submission), ([first]) => first?.status === "sent")
      assert.deepStrictEqual(yield* countsOf(site, [submission, ...others]), [1, 0, 0, 0, 0, 0])
      assert.deepStrictEqual(
        received.map(({ recipients }) => recipients),
        [[email]]
      )
      const source = received[0]?.source ?? ""
      const parsed = yield* Effect.promise(() => PostalMime.parse(source))
      assert.deepStrictEqual(
        [parsed.subject, parsed.from?.name, parsed.from?.address],
        ["Thank you, Ann O'Neill", "test", "mail@edge.example"]
      )
      assert.deepStrictEqual(parsed.replyTo, [{ name: "", address: "owner@shop.example" }])
      assert.strictEqual(parsed.headers.find(({ key }) => key === "auto-submitted")?.value, "auto-replied")
      assert.include(parsed.text ?? "", "Hello Ann O'Neill,\n\nwe answer within a day.")
      for (const part of [source, parsed.text, parsed.html]) assert.notInclude(part, "evil.example")
      const [stored] = yield* repliesTo(site, submission)
      assert.deepInclude(stored, { author: null, subject: "Thank you, Ann O'Neill", to: email })
    }).pipe(Effect.scoped, Effect.provide(layers))
  )

  it.live("a quarantined submission is replied to when it is released, once, and not while it is held", () =>
    Effect.gen(function* () {
      const site = yield* newSite
      yield* put(site)
      const held = yield* submit(site, { status: "quarantined", reasons: ["links"] })
      assert.deepStrictEqual(yield* countsOf(site, [held]), [0])
      yield* release(site, held)
      yield* release(site, held)
      assert.deepStrictEqual(yield* countsOf(site, [held]), [1])
      const sql = yield* PgClient.PgClient
      const lease = Replies.use((replies) => replies.lease(10))
      yield* sql`UPDATE submission SET status = 'quarantined'`
      assert.deepStrictEqual(yield* lease, [])
      yield* release(site, held)
      assert.deepStrictEqual(yield* countsOf(site, [held]), [1])
      assert.lengthOf(yield* lease, 1)
    }).pipe(Effect.scoped, Effect.provide(layers))
  )

  it.live("an address gets three a day over all websites, and is not stored for the count", () =>
    Effect.gen(function* () {
      const [one, other] = [yield* newSite, yield* newSite]
      yield* put(one)
      yield* put(other)
      const ids = yield* Effect.forEach(
        ["ann@example.org", "ANN@example.org", "ann+1@example.org", "ann@example.org"],
        (email) => submit(one, { email })
      )
      const counts = yield* countsOf(one, ids)
      assert.strictEqual(
        counts.reduce((sum, count) => sum + count),
        3
      )
      const [ofAnn, ofBen] = [
        yield* submit(other, { email: "ann@example.org" }),
        yield* submit(other, { email: "ben@example.org" })
      ]
      assert.deepStrictEqual(yield* countsOf(other, [ofAnn, ofBen]), [0, 1])
      // The submission shows why its sender got none.
      const [refused] = yield* repliesTo(other, ofAnn)
      assert.deepInclude(refused, { status: "failed", error: refusals.address, to: "ann@example.org" })
      const sql = yield* PgClient.PgClient
      const known = yield* sql`SELECT encode(recipient_hmac, 'escape') || auto_reply_recipient::text AS text
        FROM auto_reply_recipient`
      assert.lengthOf(known, 2)
      assert.notInclude(JSON.stringify(known), "ann")
      // A day later the count begins anew, and what is older is deleted.
      yield* sql`UPDATE auto_reply_recipient SET used_at = used_at - interval '1 day',
        sent_at = ARRAY(SELECT at - interval '1 day' FROM unnest(sent_at) AS sent (at))`
      const later = yield* submit(other, { email: "ann@example.org" })
      assert.deepStrictEqual(yield* countsOf(other, [later]), [1])
      yield* Maintenance.round({ pageViews: Option.none(), submissions: Option.none(), conversations: Option.none() })
      assert.lengthOf(yield* sql`SELECT FROM auto_reply_recipient`, 1)
    }).pipe(Effect.scoped, Effect.provide(layers))
  )

  it.live("a website sends a limited number an hour, and what is beyond is stored as failed with the reason", () =>
    Effect.gen(function* () {
      const [site, other] = [yield* newSite, yield* newSite]
      yield* put(site)
      yield* put(other)
      const submitFrom = (website: WebsiteConfigId, number: number) =>
        submit(website, { email: `visitor-${number}@example.org` })
      const ids = yield* Effect.forEach(
        Array.from({ length: maxPerHour + 2 }, (_, number) => number),
        (number) => submitFrom(site, number),
        { concurrency: 20 }
      )
      // Two processes at the same time.
      yield* Effect.all([fanOutAll, fanOutAll], { concurrency: 2 })
      const replies = (yield* Effect.forEach(ids, (id) => repliesTo(site, id))).flat()
      assert.lengthOf(replies, ids.length)
      assert.deepStrictEqual(
        replies.filter(({ status }) => status !== "pending").map(({ error, status }) => [status, error]),
        [
          ["failed", refusals.website],
          ["failed", refusals.website]
        ]
      )
      assert.deepStrictEqual(yield* countsOf(other, [yield* submitFrom(other, 1_000)]), [1])
      // Those that a mail server refused count too.
      const sql = yield* PgClient.PgClient
      yield* sql`UPDATE reply SET status = 'failed', attempts = 1, error = '550 no'
        WHERE website_config_id = ${site} AND status = 'pending'`
      assert.deepStrictEqual(yield* countsOf(site, [yield* submitFrom(site, 1_001)]), [0])
      yield* sql`UPDATE reply SET created_at = created_at - interval '1 hour'`
      assert.deepStrictEqual(yield* countsOf(site, [yield* submitFrom(site, 1_002)]), [1])
    }).pipe(Effect.scoped, Effect.provide(layers))
  )

  it.live("what a limit refused is not read for the count of later replies", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const [site, other] = [yield* newSite, yield* newSite]
      yield* sql`INSERT INTO reply
          (reply_id, website_config_id, submission_id, reply_to, recipient, subject, body, created_at, status, error)
        SELECT gen_random_uuid(), id, gen_random_uuid(), 'a@shop.example', 'b@example.org', 'Hello', 'Hello', now(), 'failed', 'limit'
        FROM unnest(ARRAY[${PgTypes.uuid(site)}, ${PgTypes.uuid(other)}]) AS website (id), generate_series(1, 10000)`
      yield* sql`ANALYZE reply`
      const [row] = yield* sql.unsafe(`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${madeStatement}`, [
        Database.uuids([site]),
        PgTypes.timestamptz((yield* Clock.currentTimeMillis) - hourMillis)
      ])
      const [{ Plan: plan }] = JSON.parse(JSON.stringify(row))["QUERY PLAN"]
      assert.isBelow(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"], 10)
    }).pipe(Effect.scoped, Effect.provide(layers))
  )

  it.live("a reply that no mail server accepted within a day is not sent", () =>
    Effect.gen(function* () {
      const { port, received } = yield* mailReceiver()
      const site = yield* newSite
      yield* put(site)
      const submission = yield* submit(site)
      yield* fanOutAll
      const sql = yield* PgClient.PgClient
      yield* sql`UPDATE reply SET created_at = created_at - interval '1 day'`
      yield* startProcess(port)
      const [failed] = yield* poll(repliesTo(site, submission), ([first]) => first?.status === "failed")
      assert.strictEqual(failed?.error, "no mail server accepted it within a day")
      assert.deepStrictEqual(received, [])
    }).pipe(Effect.scoped, Effect.provide(layers))
  )

  it.live("a form has one, which ends with its deletion; all are deleted with the website", () =>
    Effect.gen(function* () {
      const [site, other] = [yield* newSite, yield* newSite]
      const replies = yield* Replies
      const first = Option.getOrThrow(yield* put(site))
      const changed = Option.getOrThrow(yield* put(site, { subject: "Hello" }))
      assert.deepInclude(changed, { ...reply, subject: "Hello", created_at: first.created_at })
      assert.deepStrictEqual(yield* replies.listAutomatic(site), [changed])
      assert.deepStrictEqual(yield* replies.listAutomatic(other), [])
      assert.isFalse(yield* replies.deleteAutomatic(other, "contact"))
      const subscribers = Effect.flatMap(
        PgClient.PgClient,
        (sql) => sql`SELECT 1 FROM site WHERE website_config_id = ${site} AND has_subscribers`
      )
      assert.lengthOf(yield* subscribers, 1)
      assert.isTrue(yield* replies.deleteAutomatic(site, "contact"))
      assert.isFalse(yield* replies.deleteAutomatic(site, "contact"))
      assert.deepStrictEqual(yield* subscribers, [])
      assert.deepStrictEqual(yield* countsOf(site, [yield* submit(site)]), [0])
      for (let number = 0; number < Maximums.autoReplies.max; number++) yield* put(site, { page: `page-${number}` })
      assert.strictEqual((yield* Effect.flip(put(site)))._tag, "LimitReached")
      assert.isTrue(Option.isSome(yield* put(site, { page: "page-0", subject: "Changed" })))
      const submission = yield* submit(site, { pageSlug: "page-0" })
      assert.deepStrictEqual(yield* countsOf(site, [submission]), [1])
      yield* Inbox.use((inbox) => inbox.delete(site, [submission]))
      yield* Inbox.use((inbox) => inbox.purge(site, [submission]))
      assert.deepStrictEqual(yield* repliesTo(site, submission), [])
      yield* SiteErasure.use((sites) => sites.erase(site))
      assert.isTrue(Option.isNone(yield* put(site)))
      assert.deepStrictEqual(yield* replies.listAutomatic(site), [])
    }).pipe(Effect.scoped, Effect.provide(layers))
  )
})
