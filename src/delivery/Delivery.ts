/**
 * The deliveries of events to webhooks, their replays, and the service that stores them; see `delivery/postgres/Deliveries`.
 *
 * A replay sends deliveries of a webhook again. It makes them due in steps, in the order of their events. The next step follows when
 * few deliveries of the webhook are due, so that new events do not wait for the whole replay.
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

/** A replay that has not ended. */
export interface Replay extends Omit<ReplaySelection, "since"> {
  /** The last delivery that a step has read. */
  readonly after: Position
  /** The time of the latest event that had a delivery when the replay began, in milliseconds since 1970. */
  readonly until: number
}

/** A delivery that a step reads. */
export interface ReplayCandidate {
  readonly eventId: string
  readonly createdAt: number
  readonly status: DeliveryStatus
  /** Whether it is being attempted, or is due within the duration of a lease. */
  readonly isUnderWay: boolean
  /** False once the subject of its event is deleted. */
  readonly hasPayload: boolean
}

/** The maximum number of deliveries that one step makes due. A webhook with as many due deliveries gets no further step. */
export const replayStepSize = 100

/** The maximum number of deliveries that one step reads. */
export const replayWindow = 2_000

/** The maximum number of deliveries that are counted before a replay. */
export const maxReplayed = 10_000

/** The place before all deliveries since a time: no event has this id. */
export const replayStart = (since: number): Position => ({ time: since, id: "00000000-0000-0000-0000-000000000000" })

/** Whether a replay sends a delivery again. A deletion that was undone is not sent, whose delivery was cancelled. */
const isReplayed = (
  { hasPayload, isUnderWay, status }: Omit<ReplayCandidate, "eventId" | "createdAt">,
  selected: DeliveryStatus | undefined
): boolean => hasPayload && !isUnderWay && status !== "cancelled" && (selected === undefined || status === selected)

export interface ReplayStep {
  /** The events of the deliveries that become due. */
  readonly eventIds: ReadonlyArray<string>
  /** The last delivery that was read; null if the replay has ended. */
  readonly after: Position | null
}

/**
 * The next step of a replay.
 *
 * @param window the next deliveries of the replay, oldest first. Fewer than `size` are the last ones
 */
export const replayStep = (
  window: ReadonlyArray<ReplayCandidate>,
  status: DeliveryStatus | undefined,
  { limit, size }: { readonly limit: number; readonly size: number } = { limit: replayStepSize, size: replayWindow }
): ReplayStep => {
  const selected = window.filter((candidate) => isReplayed(candidate, status)).slice(0, limit)
  const isFull = selected.length === limit
  const last = isFull ? selected.at(-1) : window.length < size ? undefined : window.at(-1)
  return {
    eventIds: selected.map(({ eventId }) => eventId),
    after: last === undefined ? null : { time: last.createdAt, id: last.eventId }
  }
}
