/**
 * The deliveries of events to webhooks. The interface only; see `delivery/postgres/Deliveries`.
 *
 * @module
 */
import { Context, type Effect, type Option } from "effect"
import type { WebsiteConfigId } from "../platform/Id.ts"
import type { Health, Next } from "../platform/outward/Schedule.ts"
import type { StorageUnavailable } from "../platform/Storage.ts"
import type { Part, Position } from "../platform/text/Cursor.ts"
import type * as Replay from "./Replay.ts"
import type { FreeSlots } from "./Slots.ts"
import type { Attempt, Delivery, DeliveryDetails, DeliveryStatus, Leased } from "./Webhook.ts"

/** The outcome of an attempt, and what follows. */
export interface Settlement {
  readonly attempt: Attempt
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
      readonly webhookId: string
      readonly status?: DeliveryStatus | undefined
      /** The last delivery of the previous part; null for the first part. */
      readonly after: Position | null
      readonly limit: number
    }) => Effect.Effect<Part<Delivery>, StorageUnavailable>
    /** The deliveries of a website's submission, oldest first; at most 100. */
    readonly ofSubmission: (
      websiteConfigId: WebsiteConfigId,
      submissionId: string
    ) => Effect.Effect<ReadonlyArray<Delivery>, StorageUnavailable>
    readonly show: (
      webhookId: string,
      eventId: string
    ) => Effect.Effect<Option.Option<DeliveryDetails>, StorageUnavailable>
    /**
     * Makes a delivery due now and restarts its schedule. It is not leased while its webhook is disabled. False if there is none,
     * or if the subject of its event is deleted.
     */
    readonly retry: (webhookId: string, eventId: string) => Effect.Effect<boolean, StorageUnavailable>
    /** How many deliveries `replay` would send again; at most `Replay.maxCount`. */
    readonly countReplay: (selection: Replay.Selection) => Effect.Effect<number, StorageUnavailable>
    /**
     * Begins to send deliveries again, with the same event ids, except those whose subject is deleted and those that are being
     * attempted. A replay of the same status that has not ended becomes part of it. Returns the number of deliveries, as
     * `countReplay` does.
     */
    readonly replay: (selection: Replay.Selection) => Effect.Effect<number, StorageUnavailable>
    /**
     * Makes one step of each replay whose webhook is enabled and has few due deliveries, and returns how many deliveries became
     * due. The replays of a webhook whose step fails are tried again later, and the others continue. Several processes may call it
     * at once.
     */
    readonly continueReplays: Effect.Effect<number, StorageUnavailable>
  }
>()("hydracore/delivery/Deliveries") {}
