/**
 * Turns the events of this process into deliveries, and leases and settles them.
 *
 * @module
 */
import { Clock, Effect, Layer, Option } from "effect"
import * as AnswerParts from "../../core/chat/conversation/AnswerParts.ts"
import type { ConversationKey } from "../../core/chat/conversation/Conversation.ts"
import * as Event from "../../core/delivery/Event.ts"
import * as FanOut from "../../core/delivery/FanOut.ts"
import * as Replay from "../../core/delivery/Replay.ts"
import * as Schedule from "../../core/delivery/Schedule.ts"
import * as Slots from "../../core/delivery/Slots.ts"
import { type Delivery, leaseMillis, listSize, positionOf } from "../../core/delivery/Webhook.ts"
import * as WebhookMail from "../../core/mail/WebhookMail.ts"
import * as Cursor from "../../core/text/Cursor.ts"
import { ConversationStore } from "../../services/chat/ConversationStore.ts"
import { Deliveries } from "../../services/delivery/Deliveries.ts"
import { Submissions } from "../forms/SubmissionRepo.ts"
import { MailTables } from "../mail/MailTables.ts"
import { Sites } from "../sites/SiteDirectory.ts"
import { DeliveryTables, type StoredDelivery } from "./DeliveryTables.ts"
import { secretsOf, toWebhook } from "./Webhooks.ts"

/** Maximum number of events in one fan-out. */
const fanOutSize = 100

const toDelivery = (delivery: StoredDelivery): Delivery => {
  const { attempts, createdAt, eventId, nextAttemptAt, status, type, webhookId } = delivery
  return { eventId, webhookId, type, createdAt, status, attempts, nextAttemptAt }
}

export const layer: Layer.Layer<
  Deliveries,
  never,
  DeliveryTables | MailTables | Submissions | ConversationStore | Sites
> = Layer.effect(
  Deliveries,
  Effect.gen(function* () {
    const tables = yield* DeliveryTables
    const mail = yield* MailTables
    const submissions = yield* Submissions
    const conversations = yield* ConversationStore
    const sites = yield* Sites

    const conversationData = Effect.fnUntraced(function* (key: ConversationKey) {
      const messages = Option.getOrElse(yield* conversations.read(key), () => [])
      const first = messages.find(({ role }) => role === "user")
      return first === undefined
        ? undefined
        : Event.conversationData({ ...key, startedAt: first.createdAt, message: AnswerParts.textOf(first.parts) })
    })

    const dataOf = (subject: string) => {
      const submission = submissions.find(subject)
      if (submission !== undefined) return Effect.succeed(Event.submissionData(submission))
      const key = FanOut.conversationOf(subject)
      return key === undefined ? Effect.undefined : conversationData(key)
    }

    const lease: Deliveries["Service"]["lease"] = (freeSlots, running) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        const due = tables.deliveries().flatMap((delivery) => {
          const webhook = tables.webhooks.get(delivery.webhookId)
          const { nextAttemptAt, payload } = delivery
          if (webhook === undefined || webhook.disabledAt !== null || payload === null) return []
          if (delivery.status !== "pending" || nextAttemptAt === null || nextAttemptAt > now) return []
          const { webhookId } = webhook
          return {
            delivery,
            webhook,
            webhookId,
            payload,
            isFailing: webhook.failingSince !== null,
            dueAt: nextAttemptAt
          }
        })
        const chosen = Slots.choose(due, freeSlots, running)
        const leased = chosen.map(({ delivery, payload, webhook }) => {
          const attempts = delivery.attempts + 1
          const generation = delivery.generation + 1
          tables.put({ ...delivery, attempts, generation, nextAttemptAt: now + leaseMillis })
          return {
            eventId: delivery.eventId,
            payload,
            attempt: attempts,
            generation,
            webhook: toWebhook(webhook),
            secrets: secretsOf(webhook, now)
          }
        })
        return { leased, waiting: Slots.waiting(due, chosen) }
      })

    /** Adds the new deliveries, then leases due ones, new and old. In memory, nothing can fail between the two steps. */
    const fanOut: Deliveries["Service"]["fanOut"] = Effect.fnUntraced(function* (freeSlots, running) {
      const oldest = tables.oldest(fanOutSize)
      const subscribers = [...tables.webhooks.values()]
        .filter(({ disabledAt }) => disabledAt === null)
        .map(({ events, webhookId, websiteConfigId }) => ({
          subscriberId: webhookId,
          websiteConfigId,
          websiteName: sites.get(websiteConfigId)?.name ?? "",
          events
        }))
      const data = new Map<string, string | undefined>()
      for (const subject of FanOut.subjectsOf(oldest, subscribers)) data.set(subject, yield* dataOf(subject))
      const now = yield* Clock.currentTimeMillis
      // Without the events whose subjects were deleted, and the webhooks that were deleted or disabled, while the data was read.
      const events = tables.take(oldest)
      const remaining = subscribers.filter(({ subscriberId }) => tables.webhooks.get(subscriberId)?.disabledAt === null)
      tables.add(
        FanOut.deliveries(events, remaining, (subject) => data.get(subject)),
        now
      )
      mail.accept(events)
      return { events: events.length, ...(yield* lease(freeSlots, running)) }
    })

    const settle: Deliveries["Service"]["settle"] = ({ eventId, generation, webhook: before }, settlement) =>
      Effect.sync(() => {
        const { affectsHealth, attempt, next } = settlement
        const unchanged = { health: before, hasDisabled: false }
        const delivery = tables.find(before.webhookId, eventId)
        if (delivery === undefined || delivery.generation !== generation || delivery.status !== "pending") {
          return unchanged
        }
        const nextAttemptAt = next.status === "pending" ? next.nextAttemptAt : null
        tables.put({ ...delivery, status: next.status, nextAttemptAt, history: [...delivery.history, attempt] })
        const webhook = tables.webhooks.get(before.webhookId)
        if (webhook === undefined || webhook.url !== before.url || !affectsHealth) return unchanged
        const isPending = ({ status, webhookId }: StoredDelivery) =>
          status === "pending" && webhookId === webhook.webhookId
        const health = Schedule.healthAfter(webhook, {
          status: attempt.status,
          at: attempt.attemptedAt + attempt.millis,
          isLast: next.status === "failed" && !tables.deliveries().some(isPending)
        })
        tables.webhooks.set(webhook.webhookId, { ...webhook, ...health })
        if (health.disabledAt === null || webhook.disabledAt !== null) return { health, hasDisabled: false }
        mail.addWebhookDisabled(
          webhook.websiteConfigId,
          WebhookMail.disabled(webhook, attempt.status),
          health.disabledAt
        )
        return { health, hasDisabled: true }
      })

    const ofWebhook = (webhookId: string) => tables.deliveries().filter((delivery) => delivery.webhookId === webhookId)

    const toCandidate = (delivery: StoredDelivery, now: number): Replay.Candidate => ({
      eventId: delivery.eventId,
      createdAt: delivery.createdAt,
      status: delivery.status,
      isUnderWay: delivery.nextAttemptAt !== null && delivery.nextAttemptAt <= now + leaseMillis,
      hasPayload: delivery.payload !== null
    })

    const countReplay = ({ since, status, webhookId }: Replay.Selection, now: number) =>
      ofWebhook(webhookId)
        .filter(({ createdAt }) => createdAt >= since)
        .filter((delivery) => Replay.isSelected(toCandidate(delivery, now), status))
        .slice(0, Replay.maxCount).length

    const continueReplay = (replay: Replay.Replay, now: number): number => {
      const { after, status, until, webhookId } = replay
      const own = ofWebhook(webhookId)
      const due = own.filter(({ nextAttemptAt }) => nextAttemptAt !== null && nextAttemptAt <= now)
      if (tables.webhooks.get(webhookId)?.disabledAt !== null || due.length >= Replay.stepSize) return 0
      const window = own
        .filter((delivery) => delivery.createdAt <= until && Cursor.latestFirst(positionOf(delivery), after) < 0)
        .sort((left, right) => Cursor.latestFirst(positionOf(right), positionOf(left)))
        .slice(0, Replay.windowSize)
      const step = Replay.step(
        window.map((delivery) => toCandidate(delivery, now)),
        status
      )
      const chosen = new Set(step.eventIds)
      for (const delivery of window) {
        if (!chosen.has(delivery.eventId)) continue
        const generation = delivery.generation + 1
        tables.put({ ...delivery, status: "pending", attempts: 0, generation, nextAttemptAt: now })
      }
      tables.replays.delete(replay)
      if (step.after !== null) tables.replays.add({ ...replay, after: step.after })
      return chosen.size
    }

    return Deliveries.of({
      fanOut,
      lease,
      settle,
      list: ({ after, limit, status, webhookId }) =>
        Effect.sync(() => {
          const rest = ofWebhook(webhookId)
            .filter((delivery) => status === undefined || delivery.status === status)
            .filter((delivery) => after === null || Cursor.latestFirst(after, positionOf(delivery)) < 0)
            .sort((left, right) => Cursor.latestFirst(positionOf(left), positionOf(right)))
          return Cursor.partOf(rest.map(toDelivery), limit, positionOf)
        }),
      ofSubmission: (websiteConfigId, submissionId) =>
        Effect.sync(() =>
          tables
            .deliveries()
            .filter((one) => one.subject === submissionId && one.websiteConfigId === websiteConfigId)
            .slice(0, listSize)
            .map(toDelivery)
        ),
      show: (webhookId, eventId) =>
        Effect.sync(() =>
          Option.map(Option.fromUndefinedOr(tables.find(webhookId, eventId)), (delivery) => ({
            ...toDelivery(delivery),
            payload: delivery.payload,
            history: delivery.history
          }))
        ),
      retry: (webhookId, eventId) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          const delivery = tables.find(webhookId, eventId)
          if (delivery === undefined || delivery.payload === null) return false
          const generation = delivery.generation + 1
          tables.put({ ...delivery, status: "pending", attempts: 0, generation, nextAttemptAt: now })
          return true
        }),
      countReplay: (selection) => Effect.map(Clock.currentTimeMillis, (now) => countReplay(selection, now)),
      replay: (selection) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          const { since, status, webhookId } = selection
          const count = countReplay(selection, now)
          if (count === 0) return 0
          const earlier = [...tables.replays].find((one) => one.webhookId === webhookId && one.status === status)
          const start = Replay.startOf(since)
          if (earlier !== undefined) tables.replays.delete(earlier)
          tables.replays.add({
            webhookId,
            status,
            after: earlier !== undefined && Cursor.latestFirst(start, earlier.after) < 0 ? earlier.after : start,
            until: ofWebhook(webhookId).reduce((latest, { createdAt }) => Math.max(latest, createdAt), since)
          })
          return count
        }),
      continueReplays: Effect.map(Clock.currentTimeMillis, (now) =>
        [...tables.replays].reduce((sum, replay) => sum + continueReplay(replay, now), 0)
      )
    })
  })
)
