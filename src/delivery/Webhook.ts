/**
 * A webhook and its deliveries. Pure.
 *
 * @module
 */

import type { WebsiteConfigId } from "../platform/Id.ts"
import type { Health } from "../platform/outward/Schedule.ts"
import { dayMillis } from "../platform/text/Calendar.ts"
import type { Position } from "../platform/text/Cursor.ts"

/** `standard` is Standard Webhooks; `slack` is the message format of Slack's incoming webhooks. */
export const formats = ["standard", "slack"] as const

export type Format = (typeof formats)[number]

/** A webhook without its secret. Times are milliseconds since 1970. */
export interface Webhook extends Health {
  readonly webhookId: string
  readonly websiteConfigId: WebsiteConfigId
  readonly url: string
  /** The event types that it gets; empty for all. */
  readonly events: ReadonlyArray<string>
  readonly format: Format
  readonly createdAt: number
}

/** The host of a webhook's URL. The rest of the URL may contain a secret. */
export const hostOf = (url: string): string => URL.parse(url)?.host ?? ""

/** What an update may change. */
export interface WebhookChange {
  readonly url?: string
  readonly events?: ReadonlyArray<string>
  readonly format?: Format
  /** True enables the webhook and ends its series of failures; false disables it. Its pending deliveries wait meanwhile. */
  readonly isEnabled?: boolean
}

/** How long the previous secret also signs after a rotation, in milliseconds. */
export const rotationMillis = dayMillis

export const deliveryStatuses = ["pending", "delivered", "failed", "cancelled"] as const

export type DeliveryStatus = (typeof deliveryStatuses)[number]

/** The delivery of one event to one webhook. */
export interface Delivery {
  readonly eventId: string
  readonly webhookId: string
  readonly type: string
  readonly createdAt: number
  readonly status: DeliveryStatus
  readonly attempts: number
  /** Null once the delivery has ended. */
  readonly nextAttemptAt: number | null
}

/** The place of a delivery in the list of its webhook. */
export const positionOf = ({ createdAt, eventId }: Pick<Delivery, "createdAt" | "eventId">): Position => ({
  time: createdAt,
  id: eventId
})

/** The result of an attempt. */
export interface AttemptResult {
  /** The response's status; null without a response. */
  readonly status: number | null
  readonly millis: number
  /** The first 2 kB of the response; null without a response, and once the event's subject is deleted. */
  readonly answer: string | null
  /** Why there was no response. */
  readonly error: string | null
}

/** One attempt of a delivery. */
export interface Attempt extends AttemptResult {
  readonly attemptedAt: number
}

/** The maximum number of tests, retries and replays together that a website's owners send to its webhooks in an hour. */
export const maxSends = 60

export interface DeliveryDetails extends Delivery {
  /** Null once the event's subject is deleted. */
  readonly payload: string | null
  /** Oldest first. */
  readonly history: ReadonlyArray<Attempt>
}

/** A delivery that a process has leased to attempt it. */
export interface Leased {
  readonly eventId: string
  readonly payload: string
  /** The number of this attempt in its schedule, from 1. A manual retry begins the schedule again. */
  readonly attempt: number
  /** Greater than that of every earlier lease and manual retry. Only the latest lease may record its attempt. */
  readonly generation: number
  readonly webhook: Webhook
  /** The current secret, and after a rotation the previous one; empty if they cannot be decrypted with `SECRETS_KEY`. */
  readonly secrets: ReadonlyArray<string>
}

/** The duration of a lease in milliseconds: longer than an attempt. If a process dies, another continues within 30 s. */
export const leaseMillis = 25_000

/** The maximum number of deliveries in one part of a list. */
export const listSize = 100
