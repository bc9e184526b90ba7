/**
 * The outbox, the webhooks and the deliveries of this process. The memory layers of other services write the events of their
 * changes to the outbox, as the statements of the PostgreSQL layers do.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { Context, Effect, Layer } from "effect"
import type { NewDelivery, OutboxEvent } from "../../core/delivery/FanOut.ts"
import type { Replay } from "../../core/delivery/Replay.ts"
import type { Attempt, Delivery, Webhook } from "../../core/delivery/Webhook.ts"
import { MailTables, layer as mailTables } from "../mail/MailTables.ts"

/** A webhook with its secrets. The previous secret signs too, until the time `until` in milliseconds since 1970. */
export interface StoredWebhook extends Webhook {
  readonly secret: string
  readonly previous: { readonly secret: string; readonly until: number } | null
}

export interface StoredDelivery extends Delivery {
  readonly websiteConfigId: string
  readonly subject: string | null
  /** Null once the subject was deleted. */
  readonly payload: string | null
  /** See `Leased`. */
  readonly generation: number
  readonly history: ReadonlyArray<Attempt>
}

export class DeliveryTables extends Context.Service<
  DeliveryTables,
  {
    /** By id, oldest first. */
    readonly webhooks: Map<string, StoredWebhook>
    /** The replays that have not ended: one of a webhook and a status. */
    readonly replays: Set<Replay>
    readonly hasSubscribers: (websiteConfigId: string) => boolean
    /** Writes an event if the website has a webhook or a notification. Beyond the capacity, the oldest event is dropped. */
    readonly write: (event: Omit<OutboxEvent, "eventId">) => void
    /** The oldest events. */
    readonly oldest: (count: number) => ReadonlyArray<OutboxEvent>
    /** Removes those of the events that are still in the outbox, and returns them. */
    readonly take: (events: ReadonlyArray<OutboxEvent>) => ReadonlyArray<OutboxEvent>
    /** Stores deliveries that are due now. Beyond the capacity, the oldest delivery is dropped. */
    readonly add: (deliveries: ReadonlyArray<NewDelivery>, now: number) => void
    readonly find: (webhookId: string, eventId: string) => StoredDelivery | undefined
    readonly put: (delivery: StoredDelivery) => void
    /** Oldest first. */
    readonly deliveries: () => ReadonlyArray<StoredDelivery>
    /** Deletes a webhook and its deliveries. */
    readonly remove: (webhookId: string) => void
    /** Deletes the events about a subject, and empties and cancels the deliveries about it, except those of its deletion. */
    readonly eraseSubject: (subject: string) => void
    /** Deletes everything of a website. */
    readonly eraseWebsite: (websiteConfigId: string) => void
  }
>()("hydracore/memory/DeliveryTables") {}

/** The maximum number of events, and of deliveries. */
const capacity = 100_000

const nameOf = ({ eventId, webhookId }: Pick<Delivery, "eventId" | "webhookId">): string => `${webhookId} ${eventId}`

const cancelled = (delivery: StoredDelivery): StoredDelivery =>
  delivery.status === "pending" ? { ...delivery, status: "cancelled", nextAttemptAt: null } : delivery

const make = (mail: MailTables["Service"]): DeliveryTables["Service"] => {
  const webhooks = new Map<string, StoredWebhook>()
  const deliveries = new Map<string, StoredDelivery>()
  const replays = new Set<Replay>()
  let outbox: Array<OutboxEvent> = []

  const put = (delivery: StoredDelivery) => void deliveries.set(nameOf(delivery), delivery)

  const remove = (webhookId: string) => {
    webhooks.delete(webhookId)
    for (const replay of replays) if (replay.webhookId === webhookId) replays.delete(replay)
    for (const [name, delivery] of deliveries) if (delivery.webhookId === webhookId) deliveries.delete(name)
  }

  const hasSubscribers = (websiteConfigId: string) =>
    mail.hasNotification(websiteConfigId) ||
    [...webhooks.values()].some((webhook) => webhook.websiteConfigId === websiteConfigId)

  return {
    webhooks,
    replays,
    hasSubscribers,
    write: (event) => {
      if (!hasSubscribers(event.websiteConfigId)) return
      outbox.push({ ...event, eventId: randomUUID() })
      if (outbox.length > capacity) outbox.shift()
    },
    oldest: (count) => outbox.slice(0, count),
    take: (events) => {
      const before = new Set(outbox)
      const taken = new Set(events.filter((event) => before.has(event)))
      outbox = outbox.filter((event) => !taken.has(event))
      return [...taken]
    },
    add: (added, now) => {
      for (const { event, payload, subscriberId } of added) {
        put({
          eventId: event.eventId,
          webhookId: subscriberId,
          websiteConfigId: event.websiteConfigId,
          type: event.type,
          createdAt: event.createdAt,
          subject: event.subject,
          payload,
          status: "pending",
          attempts: 0,
          generation: 0,
          nextAttemptAt: now,
          history: []
        })
        if (deliveries.size <= capacity) continue
        const [oldest = ""] = deliveries.keys()
        deliveries.delete(oldest)
      }
    },
    find: (webhookId, eventId) => deliveries.get(nameOf({ webhookId, eventId })),
    put,
    deliveries: () => [...deliveries.values()],
    remove,
    eraseSubject: (subject) => {
      outbox = outbox.filter((event) => event.subject !== subject)
      for (const delivery of deliveries.values()) {
        if (delivery.subject !== subject || delivery.type.endsWith(".deleted")) continue
        const history = delivery.history.map((attempt) => ({ ...attempt, answer: null }))
        put({ ...cancelled(delivery), payload: null, nextAttemptAt: null, history })
      }
    },
    eraseWebsite: (websiteConfigId) => {
      mail.erase(websiteConfigId)
      outbox = outbox.filter((event) => event.websiteConfigId !== websiteConfigId)
      for (const webhook of [...webhooks.values()]) {
        if (webhook.websiteConfigId === websiteConfigId) remove(webhook.webhookId)
      }
    }
  }
}

export const layer: Layer.Layer<DeliveryTables | MailTables> = Layer.effect(
  DeliveryTables,
  Effect.map(MailTables, make)
).pipe(Layer.provideMerge(mailTables))
