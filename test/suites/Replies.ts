/**
 * The tests that every layer of `Replies` must pass.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { PgClient } from "@effect/sql-pg"
import { assert, layer as shared } from "@effect/vitest"
import { Clock, Effect, type Layer, Option } from "effect"
import { Transcripts } from "../../src/chat/Transcripts.ts"
import { type LeasedReply, Replies, type ReplyDraft } from "../../src/delivery/mail/Reply.ts"
import { Inbox } from "../../src/forms/Inbox.ts"
import { SubmissionId, type WebsiteConfigId } from "../../src/platform/Id.ts"
import { newSite, type Storage } from "../support/Delivery.ts"
import { submit } from "../support/Mails.ts"
import { failedConversation } from "../support/SiteConversations.ts"

const draft: Omit<ReplyDraft, "createdAt"> = {
  author: "Ada",
  reply_to: "ada@shop.example",
  to: "ann@example.org",
  text: "Hello\n日本"
}

const add = (site: WebsiteConfigId, submission: SubmissionId, more: Partial<ReplyDraft> = {}) =>
  Effect.gen(function* () {
    const createdAt = yield* Clock.currentTimeMillis
    return yield* Replies.use((replies) => replies.add(site, submission, { ...draft, createdAt, ...more }))
  })

/** Leases all replies, and returns those of a website. */
const leaseOf = (site: WebsiteConfigId) =>
  Effect.map(
    Replies.use((replies) => replies.lease(1_000)),
    (leased) => leased.filter((reply) => reply.site.websiteConfigId === site)
  )

const settle = (reply: LeasedReply, status: "sent" | "failed", error: string | null = null) =>
  Replies.use((replies) => replies.settle(reply, { next: { status }, error }))

const listed = (site: WebsiteConfigId, submission: SubmissionId) =>
  Replies.use((replies) => replies.list(site, submission))

export const suite = <E>(name: string, layer: Layer.Layer<Storage | PgClient.PgClient, E>) =>
  shared(layer, { excludeTestServices: true })(name, (it) => {
    it.effect("a reply is stored with its submission, and leased once with what its mail needs", () =>
      Effect.gen(function* () {
        const site = yield* newSite
        const submission = yield* submit(site, { formData: '{"message":"On Sunday?"}' })
        const added = Option.getOrThrow(yield* add(site, submission))
        const { created_at: _, reply_id: __, ...facts } = added
        const stored = { author: "Ada", reply_to: draft.reply_to, to: draft.to, subject: null, text: draft.text }
        assert.deepStrictEqual(facts, { ...stored, status: "pending", error: null })
        assert.deepStrictEqual(yield* listed(site, submission), [added])
        const [leased, ...others] = yield* leaseOf(site)
        assert.deepStrictEqual(others, [])
        if (leased === undefined) return assert.fail("no reply was leased")
        assert.deepStrictEqual(
          [leased.reply_id, leased.attempt, leased.text, leased.to, leased.site.name, leased.submission.preview],
          [added.reply_id, 1, draft.text, draft.to, "test", "On Sunday?"]
        )
        assert.deepStrictEqual(yield* leaseOf(site), [])
        yield* settle(leased, "sent")
        assert.deepStrictEqual(yield* listed(site, submission), [{ ...added, status: "sent" }])
        // The reply has ended.
        yield* settle(leased, "failed", "550 no")
        assert.deepStrictEqual(yield* listed(site, submission), [{ ...added, status: "sent" }])
      })
    )

    it.effect("a failed attempt is repeated at its time, and only the latest lease records its outcome", () =>
      Effect.gen(function* () {
        const site = yield* newSite
        const submission = yield* submit(site)
        yield* add(site, submission)
        const [first] = yield* leaseOf(site)
        if (first === undefined) return assert.fail("no reply was leased")
        const now = yield* Clock.currentTimeMillis
        const { settle: record } = yield* Replies
        yield* record(first, { next: { status: "pending", nextAttemptAt: now + 60_000 }, error: "450 later" })
        assert.deepStrictEqual(yield* leaseOf(site), [])
        assert.deepInclude((yield* listed(site, submission))[0], { status: "pending", error: "450 later" })
        yield* add(site, submission)
        const [second] = yield* leaseOf(site)
        assert.notStrictEqual(second?.reply_id, first.reply_id)
        yield* record({ ...first, attempt: 0 }, { next: { status: "sent" }, error: null })
        assert.strictEqual((yield* listed(site, submission))[0]?.status, "pending")
        yield* record(first, { next: { status: "failed" }, error: "550 no" })
        assert.deepInclude((yield* listed(site, submission))[0], { status: "failed", error: "550 no" })
      })
    )

    it.effect(
      "a reply needs a submission of its website, waits while it is deleted, and is deleted with it for good",
      () =>
        Effect.gen(function* () {
          const [site, other] = [yield* newSite, yield* newSite]
          const submission = yield* submit(site)
          assert.isTrue(Option.isNone(yield* add(other, submission)))
          assert.isTrue(Option.isNone(yield* add(site, SubmissionId.make(randomUUID()))))
          yield* add(site, submission)
          assert.deepStrictEqual(yield* listed(other, submission), [])
          const { delete: remove, purge, restore } = yield* Inbox
          assert.deepStrictEqual(yield* remove(site, [submission]), [submission])
          assert.deepStrictEqual(yield* leaseOf(site), [])
          assert.lengthOf(yield* listed(site, submission), 1)
          assert.deepStrictEqual(yield* restore(site, [submission]), [submission])
          assert.lengthOf(yield* leaseOf(site), 1)
          yield* remove(site, [submission])
          yield* purge(site, [submission])
          assert.deepStrictEqual(yield* listed(site, submission), [])
        })
    )

    it.effect("a list of submissions says which got a reply of a person, by whom and when", () =>
      Effect.gen(function* () {
        const { delete: remove, find, list } = yield* Inbox
        const site = yield* newSite
        const [answered, other] = [yield* submit(site), yield* submit(site)]
        const answers = Effect.map(
          list({ sites: [site], filter: {}, after: null, limit: 10 }),
          ({ items }) => new Map(items.map(({ answer, submissionId }) => [submissionId, answer]))
        )
        const sql = yield* PgClient.PgClient
        yield* sql`INSERT INTO reply
            (reply_id, website_config_id, submission_id, reply_to, recipient, subject, body, created_at, status)
          VALUES (gen_random_uuid(), ${site}, ${other}, 'a@shop.example', 'ann@example.org', 'Thanks', 'Hello', now(), 'sent')`
        const createdAt = (yield* Clock.currentTimeMillis) - 60_000
        yield* add(site, answered, { createdAt, author: null })
        assert.deepStrictEqual((yield* answers).get(answered), { at: createdAt, by: null })
        yield* add(site, answered, { createdAt: createdAt + 1_000 })
        const latest = { at: createdAt + 1_000, by: "Ada" }
        assert.deepStrictEqual((yield* answers).get(answered), latest)
        assert.isNull((yield* answers).get(other))
        assert.deepStrictEqual(Option.getOrThrow(yield* find(site, answered)).answer, latest)
        for (const reply of yield* leaseOf(site)) yield* settle(reply, "failed", "550 no")
        assert.isNull((yield* answers).get(answered))
        yield* remove(site, [answered])
        assert.isNull(Option.getOrThrow(yield* find(site, answered)).answer)
      })
    )

    it.effect("a reply to a conversation's contact opens the conversation of this website for its author", () =>
      Effect.gen(function* () {
        const [site, other] = [yield* newSite, yield* newSite]
        const conversation = yield* failedConversation(site)
        const stateOf = Effect.map(
          Transcripts.use(({ find }) => find("all", conversation)),
          (found) => Option.map(found, ({ opened_by, waiting }) => [waiting, opened_by])
        )
        // Anybody can name the conversation in a form of another website.
        yield* add(other, yield* submit(other, { conversation }))
        assert.deepStrictEqual(yield* stateOf, Option.some([true, null]))
        yield* add(site, yield* submit(site, { conversation }))
        assert.deepStrictEqual(yield* stateOf, Option.some([false, "Ada"]))
      })
    )
  })
