/**
 * The deliveries of events to webhooks, and the service that stores them; see `delivery/postgres/Deliveries`.
 *
 * @module
 */
import { Context, type Effect, type Option, Schema } from "effect"
import { EventId, SubmissionId, WebhookId, type WebsiteConfigId } from "../platform/Id.ts"
import type { Health, Next } from "../platform/outward/Schedule.ts"
import type { StorageUnavailable } from "../platform/Storage.ts"
import type { Part, Position } from "../platform/text/Cursor.ts"
import * as Fields from "../sites/access/Fields.ts"
import type { FreeSlots } from "./Slots.ts"
import { AttemptResult, type Receiver, withoutAnswer } from "./Webhook.ts"

export const deliveryStatuses = ["pending", "delivered", "failed", "cancelled"] as const

export type DeliveryStatus = (typeof deliveryStatuses)[number]

/** The delivery of one event to one webhook. */
export const Delivery = Schema.Struct({
  event_id: EventId,
  webhook_id: WebhookId,
  type: Schema.String,
  /** Null if the event is not about a submission. */
  submission_id: Schema.NullOr(SubmissionId),
  created_at: Fields.time,
  status: Schema.Literals(deliveryStatuses),
  attempts: Schema.Int,
  /** Null once the delivery has ended. */
  next_attempt_at: Fields.nullableTime
})

export type Delivery = typeof Delivery.Type

/** The place of a delivery in the list of its webhook. */
export const positionOf = ({ created_at, event_id }: Pick<Delivery, "created_at" | "event_id">): Position => ({
  time: Date.parse(created_at),
  id: event_id
})

/** One attempt of a delivery. */
export const Attempt = Schema.Struct({ attempted_at: Fields.time, ...AttemptResult.fields })

export type Attempt = typeof Attempt.Type

export const DeliveryDetails = Schema.Struct({
  ...Delivery.fields,
  payload: Schema.NullOr(Schema.String).annotate({
    description: "The JSON that is sent; null once the submission in it was deleted"
  }),
  history: Schema.Array(Attempt).annotate({ description: "The attempts, oldest first" })
})

export type DeliveryDetails = typeof DeliveryDetails.Type

/** `withoutAnswer` for every attempt. */
export const withoutAnswers = (details: DeliveryDetails): DeliveryDetails => ({
  ...details,
  history: details.history.map(withoutAnswer)
})

/** A delivery that a process has leased to attempt it. */
export interface Leased {
  readonly eventId: EventId
  readonly payload: string
  /** The number of this attempt in its schedule, from 1. A manual retry begins the schedule again. */
  readonly attempt: number
  /** Greater than that of every earlier lease and manual retry. Only the latest lease may record its attempt. */
  readonly generation: number
  readonly webhook: Receiver
  /** The current secret, and after a rotation the previous one; empty if they cannot be decrypted with `SECRETS_KEY`. */
  readonly secrets: ReadonlyArray<string>
}

/** The maximum number of deliveries in one part of a list. */
export const listSize = 100

/** Which deliveries of a webhook a replay sends again. */
export interface ReplaySelection {
  readonly webhookId: WebhookId
  /** The events from this time on, in milliseconds since 1970. */
  readonly since: number
  /** Only the deliveries with this status; undefined for all. */
  readonly status?: DeliveryStatus | undefined
}

/** The outcome of an attempt, and what follows. */
export interface Settlement {
  /** `attemptedAt` is in milliseconds since 1970. */
  readonly attempt: AttemptResult & { readonly attemptedAt: number }
  readonly next: Next
  /** Whether the attempt shows something about the webhook: false if the request could not be signed. */
  readonly affectsHealth: boolean
}

/** A webhook after an attempt was recorded. */
export interface Settled {
  readonly health: Health
  /** Whether this attempt disabled the webhook. */
  readonly hasDisabled: boolean
}

/** Deliveries that are leased to this process. */
export interface Leases {
  readonly leased: ReadonlyArray<Leased>
  /** The webhooks that have more due deliveries, which got no slot. */
  readonly waiting: ReadonlySet<string>
}

export class Deliveries extends Context.Service<
  Deliveries,
  {
    /**
     * Turns some events of the outbox into deliveries. Leases those for which there is a free slot, as `lease` does, unless
     * their webhook has earlier deliveries that are due. Also returns the number of events. Several processes may call it at
     * once.
     */
    readonly fanOut: (
      freeSlots: FreeSlots,
      running: ReadonlyMap<string, number>
    ) => Effect.Effect<Leases & { readonly events: number }, StorageUnavailable>
    /**
     * Leases due deliveries for which there is a free slot (see `Slots.choose`). `running` is the number of running attempts of
     * each webhook. Until the lease ends, no other process gets these deliveries.
     */
    readonly lease: (
      freeSlots: FreeSlots,
      running: ReadonlyMap<string, number>
    ) => Effect.Effect<Leases, StorageUnavailable>
    /**
     * Records an attempt, and the health of its webhook after it (see `Schedule.healthAfter`), unless the webhook has another URL
     * now. A webhook that the attempt disables keeps its pending deliveries, and the recipients of its website get a mail. Does
     * nothing if the delivery was leased again or retried, or has ended.
     */
    readonly settle: (leased: Leased, settlement: Settlement) => Effect.Effect<Settled, StorageUnavailable>
    /** At most `limit` deliveries of a webhook, latest first. */
    readonly list: (query: {
      readonly webhookId: WebhookId
      readonly status?: DeliveryStatus | undefined
      /** The last delivery of the previous part; null for the first part. */
      readonly after: Position | null
      readonly limit: number
    }) => Effect.Effect<Part<Delivery>, StorageUnavailable>
    /** The deliveries of a website's submission, oldest first; at most 100. */
    readonly ofSubmission: (
      websiteConfigId: WebsiteConfigId,
      submissionId: SubmissionId
    ) => Effect.Effect<ReadonlyArray<Delivery>, StorageUnavailable>
    readonly show: (
      webhookId: WebhookId,
      eventId: EventId
    ) => Effect.Effect<Option.Option<DeliveryDetails>, StorageUnavailable>
    /**
     * Makes a delivery due now and restarts its schedule. It is not leased while its webhook is disabled. False if there is none,
     * or if the subject of its event is deleted.
     */
    readonly retry: (webhookId: WebhookId, eventId: EventId) => Effect.Effect<boolean, StorageUnavailable>
    /** How many deliveries `replay` would send again; at most `Replay.maxCount`. */
    readonly countReplay: (selection: ReplaySelection) => Effect.Effect<number, StorageUnavailable>
    /**
     * Begins to send deliveries again, with the same event ids, except those whose subject is deleted and those that are being
     * attempted. A replay of the same status that has not ended becomes part of it. Returns the number of deliveries, as
     * `countReplay` does.
     */
    readonly replay: (selection: ReplaySelection) => Effect.Effect<number, StorageUnavailable>
    /**
     * Makes one step of each replay whose webhook is enabled and has few due deliveries, and returns how many deliveries became
     * due. The replays of a webhook whose step fails are tried again later, and the others continue. Several processes may call it
     * at once.
     */
    readonly continueReplays: Effect.Effect<number, StorageUnavailable>
  }
>()("hydracore/delivery/Deliveries") {}
