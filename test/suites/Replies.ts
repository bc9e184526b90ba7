/**
 * The tests that every layer of `Replies` must pass.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { assert, layer as shared } from "@effect/vitest"
import { Clock, Effect, type Layer, Option } from "effect"
import { Replies } from "../../src/delivery/mail/Replies.ts"
import type { LeasedReply, ReplyDraft } from "../../src/delivery/mail/Reply.ts"
import { Inbox } from "../../src/forms/Inbox.ts"
import { SubmissionId, type WebsiteConfigId } from "../../src/platform/Id.ts"
import { newSite, type Storage } from "../support/Delivery.ts"
import { submit } from "../support/Mails.ts"

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

export const suite = <E>(name: string, layer: Layer.Layer<Storage, E>) =>
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
  })
