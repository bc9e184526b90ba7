/**
 * The tests that every layer of `Deliveries` must pass about the events of conversations and rate limits.
 *
 * @module
 */

import { randomUUID } from "node:crypto"
import { assert, layer as shared } from "@effect/vitest"
import { Clock, Effect, type Layer, Option } from "effect"
import { ConversationStore } from "../../src/chat/ConversationStore.ts"
import { InstanceDirectory } from "../../src/chat/InstanceDirectory.ts"
import { Transcripts } from "../../src/chat/Transcripts.ts"
import { Deliveries } from "../../src/delivery/Delivery.ts"
import * as Event from "../../src/delivery/Event.ts"
import type { Receiver } from "../../src/delivery/Webhook.ts"
import * as Id from "../../src/platform/Id.ts"
import { Decisions } from "../../src/sites/Decisions.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import { deliveriesOf, fanOutAll, leaseOf, newWebhook, type Storage, settle } from "../support/Delivery.ts"
import { beginAnswer, newInstance } from "../support/SiteConversations.ts"
import { lastDays } from "../support/UtcDays.ts"
import { poll } from "../support/Wait.ts"

const newSite = SiteDirectory.use((sites) => sites.create({ name: "test", origins: [] }))

/** A website with a webhook and an instance. */
const setup = Effect.gen(function* () {
  const site = yield* newSite
  const { websiteConfigId } = site
  const { webhook } = yield* newWebhook(websiteConfigId, "https://hooks.example/")
  return { site, webhook, instanceId: yield* newInstance(websiteConfigId) }
})

/** Fans out all events, and returns the types and data of a webhook's deliveries, oldest first. */
const payloadsOf = Effect.fnUntraced(function* (webhook: Pick<Receiver, "webhookId">) {
  const deliveries = yield* Deliveries
  yield* fanOutAll
  const found = (yield* deliveriesOf(webhook)).toReversed()
  return yield* Effect.forEach(found, ({ event_id: eventId }) =>
    Effect.map(deliveries.show(webhook.webhookId, eventId), (shown) => {
      const { payload, type } = Option.getOrThrow(shown)
      return { type, data: payload === null ? null : JSON.parse(payload).data }
    })
  )
})

export const suite = <E>(name: string, layer: Layer.Layer<Storage, E>) =>
  shared(layer, { excludeTestServices: true })(name, (it) => {
    it.effect("the first message of a conversation creates an event, and later messages create none", () =>
      Effect.gen(function* () {
        const { instanceId, webhook } = yield* setup
        const key = { instanceId, conversationId: Id.ConversationId.make(randomUUID()) }
        yield* beginAnswer(key, "Hello\0")
        yield* beginAnswer(key, "Are you there?")
        const [started, ...others] = yield* payloadsOf(webhook)
        assert.deepStrictEqual(others, [])
        const { started_at, ...data } = started?.data ?? {}
        assert.deepStrictEqual(
          [started?.type, data],
          ["conversation.started", { instance_id: instanceId, conversation_id: key.conversationId, message: "Hello\0" }]
        )
        assert.isAtMost(Math.abs(Date.parse(started_at) - (yield* Clock.currentTimeMillis)), 60_000)
      })
    )

    it.effect("conversations whose first two messages arrive at the same time create one event each", () =>
      Effect.gen(function* () {
        const { instanceId, webhook } = yield* setup
        const ids = Array.from({ length: 20 }, () => Id.ConversationId.make(randomUUID()))
        yield* Effect.forEach(
          [...ids, ...ids],
          (conversationId) => Effect.ignore(beginAnswer({ instanceId, conversationId }, "a")),
          { concurrency: "unbounded" }
        )
        const started = yield* payloadsOf(webhook)
        assert.sameMembers(
          started.map(({ data }) => data.conversation_id),
          ids
        )
      })
    )

    it.effect("a failed answer creates an event, once until the conversation is answered or opened", () =>
      Effect.gen(function* () {
        const store = yield* ConversationStore
        const { instanceId, webhook } = yield* setup
        const key = { instanceId, conversationId: Id.ConversationId.make(randomUUID()) }
        const end = (ending: "failed" | "stop", text: string) =>
          Effect.flatMap(beginAnswer(key, "Hello"), (answerId) =>
            store.complete({
              answerId,
              ending,
              parts: text === "" ? [] : [{ type: "text", text }],
              usage: null
            })
          )
        const events = Effect.map(
          payloadsOf(webhook),
          (all) => all.filter(({ type }) => type === "conversation.unanswered").length
        )
        yield* end("failed", "")
        yield* end("failed", "He")
        const [{ data } = { data: {} }] = (yield* payloadsOf(webhook)).filter(
          ({ type }) => type === "conversation.unanswered"
        )
        assert.deepStrictEqual(
          [data.instance_id, data.conversation_id, data.message],
          [instanceId, key.conversationId, "Hello"]
        )
        assert.strictEqual(yield* events, 1)
        yield* end("stop", "Hello!")
        assert.strictEqual(yield* events, 1)
        // An empty answer is none.
        yield* end("stop", "")
        assert.strictEqual(yield* events, 2)
        assert.isTrue(yield* Transcripts.use(({ open }) => open("all", key, "Ada")))
        yield* end("failed", "")
        assert.strictEqual(yield* events, 3)
      })
    )

    it.effect("a conversation with an instance of no website, or of another website, creates no event", () =>
      Effect.gen(function* () {
        const { webhook } = yield* setup
        const other = yield* setup
        const instances = yield* InstanceDirectory
        const { instance_id: instanceId } = yield* instances.create({ name: "a", agent_url: "https://a.example" })
        for (const id of [instanceId, other.instanceId]) {
          yield* beginAnswer({ instanceId: id, conversationId: Id.ConversationId.make(randomUUID()) }, "Hello")
        }
        assert.deepStrictEqual(yield* payloadsOf(webhook), [])
      })
    )

    it.effect("a rating and a changed rating create events, and a repeated rating does not", () =>
      Effect.gen(function* () {
        const store = yield* ConversationStore
        const { instanceId, webhook } = yield* setup
        const key = { instanceId, conversationId: Id.ConversationId.make(randomUUID()) }
        const messageId = yield* beginAnswer(key, "Hello")
        const ratings = [
          { rating: "up", comment: null },
          { rating: "up", comment: null },
          { rating: "down", comment: 'No "thanks"' },
          { rating: "down", comment: 'No "thanks"' }
        ] as const
        for (const rating of ratings) assert.isTrue(yield* store.rate({ key, messageId, ...rating }))
        assert.isFalse(
          yield* store.rate({ key, messageId: Id.MessageId.make(randomUUID()), rating: "up", comment: null })
        )
        const feedback = (yield* payloadsOf(webhook)).filter(({ type }) => type === "conversation.feedback")
        const ids = { instance_id: instanceId, conversation_id: key.conversationId, message_id: messageId }
        assert.sameDeepMembers(
          feedback.map(({ data }) => data),
          [
            { ...ids, ...ratings[0] },
            { ...ids, ...ratings[2] }
          ]
        )
      })
    )

    it.effect("texts that are too long for a payload are shortened", () =>
      Effect.gen(function* () {
        const store = yield* ConversationStore
        const { instanceId, webhook } = yield* setup
        const key = { instanceId, conversationId: Id.ConversationId.make(randomUUID()) }
        const long = "日\n".repeat(4_000)
        const messageId = yield* beginAnswer(key, long)
        yield* store.rate({ key, messageId, rating: "down", comment: long })
        const [started, rated] = yield* payloadsOf(webhook)
        for (const data of [started?.data, rated?.data]) {
          assert.isTrue(data.truncated)
          assert.isBelow(Buffer.byteLength(JSON.stringify(data)), Event.maxPayload)
          assert.isTrue(long.startsWith((data.message ?? data.comment).slice(0, 1_000)))
        }
      })
    )

    it.effect("deleting a conversation, alone or with its instance, removes its data from deliveries", () =>
      Effect.gen(function* () {
        const store = yield* ConversationStore
        const instances = yield* InstanceDirectory
        for (const withInstance of [false, true]) {
          const { instanceId, webhook } = yield* setup
          const key = { instanceId, conversationId: Id.ConversationId.make(randomUUID()) }
          const messageId = yield* beginAnswer(key, "Hello")
          yield* fanOutAll
          const [leased] = yield* leaseOf(webhook)
          if (leased === undefined) return assert.fail("no delivery is due")
          yield* settle(leased, {
            status: 500,
            next: { status: "pending", nextAttemptAt: yield* Clock.currentTimeMillis }
          })
          yield* store.rate({ key, messageId, rating: "up", comment: "Thanks" })
          assert.isTrue(yield* withInstance ? instances.delete("all", instanceId) : store.delete("all", key))
          assert.deepStrictEqual(yield* payloadsOf(webhook), [{ type: "conversation.started", data: null }])
          const shown = yield* Deliveries.use((deliveries) => deliveries.show(webhook.webhookId, leased.eventId))
          const { history, status, submission_id } = Option.getOrThrow(shown)
          assert.deepStrictEqual([status, submission_id], ["cancelled", null])
          assert.deepStrictEqual(
            history.map(({ answer }) => answer),
            [null]
          )
        }
      })
    )

    it.effect("refusals by a rate limit create one event of their website per hour", () =>
      Effect.gen(function* () {
        const decisions = yield* Decisions
        const [{ site, webhook }, other] = [yield* setup, yield* setup]
        const subjects = [
          { _tag: "Claimed", by: "tracking-token", id: site.trackingToken },
          { _tag: "Claimed", by: "website-config-id", id: site.websiteConfigId },
          { _tag: "Known", websiteConfigId: site.websiteConfigId }
        ] as const
        const counted = Effect.map(
          decisions.counts({ site, ...lastDays(2, yield* Clock.currentTimeMillis) }),
          ({ limited = 0 }) => limited
        )
        yield* decisions.record({ _tag: "Known", websiteConfigId: other.site.websiteConfigId }, "bot")
        for (const [index, subject] of subjects.entries()) {
          yield* decisions.record(subject, "limited")
          // Each refusal is stored by a separate statement.
          yield* poll(counted, (times) => times === index + 1)
        }
        const payloads = yield* payloadsOf(webhook)
        assert.deepStrictEqual(
          payloads.map(({ type }) => type),
          ["site.limit"]
        )
        const { day, ...data } = payloads[0]?.data ?? {}
        assert.deepStrictEqual(data, { website_config_id: site.websiteConfigId, refused: 1, refused_messages: 0 })
        assert.match(day, /^\d{4}-\d\d-\d\d$/)
        assert.deepStrictEqual(yield* payloadsOf(other.webhook), [])
      })
    )

    it.effect("refusals of chat messages create one event of the instance's website", () =>
      Effect.gen(function* () {
        const [decisions, instances] = [yield* Decisions, yield* InstanceDirectory]
        const { instanceId, site, webhook } = yield* setup
        const withoutSite = yield* instances.create({ name: "alone", agent_url: "https://a.example" })
        for (const id of [randomUUID(), withoutSite.instance_id, instanceId]) {
          yield* decisions.record({ _tag: "Claimed", by: "instance-id", id }, "chat-limited")
        }
        const payloads = yield* poll(payloadsOf(webhook), ({ length }) => length > 0)
        const [{ day: _, ...data }] = payloads.map((payload) => payload.data)
        assert.deepStrictEqual(data, { website_config_id: site.websiteConfigId, refused: 0, refused_messages: 1 })
        assert.deepStrictEqual(yield* decisions.counts({ site, ...lastDays(2, yield* Clock.currentTimeMillis) }), {})
      })
    )
  })
