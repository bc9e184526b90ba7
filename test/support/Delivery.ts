/**
 * Storages with webhooks, deliveries and mails, and helpers for the tests of deliveries.
 *
 * @module
 */
import { randomBytes } from "node:crypto"
import { PgClient, PgTypes } from "@effect/sql-pg"
import { Clock, Context, Effect, Layer, Option, Redacted } from "effect"
import type { ConversationStore } from "../../src/chat/ConversationStore.ts"
import type { InstanceDirectory } from "../../src/chat/InstanceDirectory.ts"
import * as PostgresConversationStore from "../../src/chat/postgres/ConversationStore.ts"
import * as PostgresInstanceDirectory from "../../src/chat/postgres/InstanceDirectory.ts"
import * as PostgresTranscripts from "../../src/chat/postgres/Transcripts.ts"
import type { Transcripts } from "../../src/chat/Transcripts.ts"
import { Deliveries, type Leased, type Settlement } from "../../src/delivery/Delivery.ts"
import type { Mails } from "../../src/delivery/mail/Mail.ts"
import type { Notifications } from "../../src/delivery/mail/Notification.ts"
import * as PostgresMails from "../../src/delivery/mail/postgres/Mails.ts"
import * as PostgresNotifications from "../../src/delivery/mail/postgres/Notifications.ts"
import * as PostgresReplies from "../../src/delivery/mail/postgres/Replies.ts"
import type { Replies } from "../../src/delivery/mail/Reply.ts"
import * as PostgresDeliveries from "../../src/delivery/postgres/Deliveries.ts"
import * as PostgresWebhooks from "../../src/delivery/postgres/Webhooks.ts"
import type { FreeSlots } from "../../src/delivery/Slots.ts"
import { type Receiver, Webhooks } from "../../src/delivery/Webhook.ts"
import type { Inbox } from "../../src/forms/Inbox.ts"
import * as PostgresInbox from "../../src/forms/postgres/Inbox.ts"
import * as PostgresSubmissionRepo from "../../src/forms/postgres/SubmissionRepo.ts"
import type { SubmissionRepo } from "../../src/forms/SubmissionRepo.ts"
import type { WebsiteConfigId } from "../../src/platform/Id.ts"
import * as Rounds from "../../src/platform/rounds/Rounds.ts"
import type { StorageUnavailable } from "../../src/platform/Storage.ts"
import * as PostgresSiteErasure from "../../src/privacy/postgres/SiteErasure.ts"
import { type ConsoleSessions, limits } from "../../src/sites/access/ConsoleSession.ts"
import * as PostgresConsoleSessions from "../../src/sites/access/postgres/ConsoleSessions.ts"
import type { Decisions } from "../../src/sites/Decisions.ts"
import * as PostgresDecisions from "../../src/sites/postgres/Decisions.ts"
import * as PostgresSiteDirectory from "../../src/sites/postgres/SiteDirectory.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import type { SiteErasure } from "../../src/sites/SiteErasure.ts"
import * as TestClient from "./postgres/TestClient.ts"

/** Makes the pending deliveries of a webhook due now, as at the time of their next attempt or the end of their lease. */
export class MakeDue extends Context.Service<MakeDue, (webhookId: string) => Effect.Effect<void>>()(
  "hydracore/test/MakeDue"
) {}

export type Storage =
  | Deliveries
  | Webhooks
  | Notifications
  | Mails
  | Replies
  | SubmissionRepo
  | Inbox
  | ConversationStore
  | Transcripts
  | InstanceDirectory
  | Decisions
  | SiteDirectory
  | ConsoleSessions
  | SiteErasure
  | MakeDue

const timeout = "20 seconds"

/** The storage on PostgreSQL. Requires a client of a database. */
export const postgresOn = (
  secretsKey: Option.Option<Redacted.Redacted<Uint8Array>> = Option.some(Redacted.make(randomBytes(32)))
) =>
  Layer.mergeAll(
    PostgresDeliveries.layer({ timeout, secretsKey }),
    PostgresWebhooks.layer({ secretsKey }),
    PostgresNotifications.layer({ secretsKey }),
    PostgresMails.layer({ secretsKey: Option.getOrElse(secretsKey, () => Redacted.make(new Uint8Array(32))) }),
    PostgresReplies.layer,
    PostgresInbox.layer,
    PostgresSubmissionRepo.layer({ timeout, maxQueue: 10_000 }),
    PostgresSiteDirectory.layer(),
    PostgresConsoleSessions.layer({ idle: limits.idle }),
    PostgresSiteErasure.layer,
    PostgresInstanceDirectory.layer(),
    PostgresConversationStore.layer({ timeout, maxQueue: 10_000 }),
    PostgresTranscripts.layer,
    PostgresDecisions.layer(),
    Layer.effect(
      MakeDue,
      Effect.map(PgClient.PgClient, (sql) =>
        MakeDue.of((webhookId) =>
          sql`UPDATE delivery SET next_attempt_at = now() - interval '1 second'
            WHERE status = 'pending' AND subscriber_id = ${PgTypes.uuid(webhookId)}`.pipe(
            Effect.orDie,
            Effect.asVoid,
            Rounds.waking("deliveries")
          )
        )
      )
    )
  )

export const postgres = postgresOn().pipe(Layer.provideMerge(TestClient.layer))

export const newSite = Effect.map(
  SiteDirectory.use((sites) => sites.create({ name: "test", origins: [] })),
  ({ websiteConfigId }) => websiteConfigId
)

export const newWebhook = (websiteConfigId: WebsiteConfigId, url: string, events: ReadonlyArray<string> = []) =>
  Webhooks.use((webhooks) => webhooks.create(websiteConfigId, { url, events, format: "standard" })).pipe(
    Effect.map(Option.getOrThrow),
    Effect.map(({ secret, webhook_id: webhookId }) => {
      const health = { failingSince: null, failedAgainAt: null, disabledAt: null }
      const webhook: Receiver = { webhookId, websiteConfigId, url, format: "standard", ...health }
      return { secret, webhook }
    })
  )

/** The latest hundred deliveries of a webhook, latest first. */
export const deliveriesOf = ({ webhookId }: Pick<Receiver, "webhookId">) =>
  Effect.map(
    Deliveries.use((deliveries) => deliveries.list({ webhookId, after: null, limit: 100 })),
    ({ items }) => items
  )

/** Free slots for many attempts. */
export const freeSlots: FreeSlots = { perHealthy: 100, perFailing: 1, free: 1_000, freeForFailing: 100 }

/** No free slot for any attempt. */
export const noFreeSlots: FreeSlots = { perHealthy: 0, perFailing: 0, free: 0, freeForFailing: 0 }

/** Turns some events into deliveries, and leases none. */
export const fanOutSome = Deliveries.use((deliveries) => deliveries.fanOut(noFreeSlots, new Map()))

/** Turns all events into deliveries, and leases none. */
export const fanOutAll: Effect.Effect<void, StorageUnavailable, Deliveries> = Effect.asVoid(
  Effect.repeat(fanOutSome, { until: ({ events }) => events === 0 })
)

/** Leases due deliveries, and returns those of one webhook. */
export const leaseOf = ({ webhookId }: Pick<Receiver, "webhookId">, slots: Partial<FreeSlots> = {}) =>
  Deliveries.use((deliveries) => deliveries.lease({ ...freeSlots, ...slots }, new Map())).pipe(
    Effect.map(({ leased }) => leased.filter(({ webhook }) => webhook.webhookId === webhookId))
  )

/** Records an attempt with this status, as the dispatcher does. */
export const settle = Effect.fnUntraced(function* (
  leased: Leased,
  {
    affectsHealth = true,
    at,
    next,
    status
  }: Pick<Settlement, "next"> & {
    readonly status: number | null
    /** When the attempt ended, in milliseconds since 1970; now unless given. */
    readonly at?: number
    readonly affectsHealth?: boolean
  }
) {
  const deliveries = yield* Deliveries
  const endedAt = at ?? (yield* Clock.currentTimeMillis)
  const answer = status === null ? null : "no"
  return yield* deliveries.settle(leased, {
    attempt: { attemptedAt: endedAt - 1, status, millis: 1, answer, error: null },
    next,
    affectsHealth
  })
})

const hour = 3_600_000

/** Disables a webhook by failures of one of its deliveries, on five days until now. The delivery is pending again. */
export const disableByFailures = Effect.fnUntraced(function* ({ webhookId }: Pick<Receiver, "webhookId">) {
  const makeDue = yield* MakeDue
  const now = yield* Clock.currentTimeMillis
  for (const hours of [120, 96, 72, 48, 24, 0]) {
    const [leased] = yield* leaseOf({ webhookId }, { perHealthy: 1 })
    if (leased === undefined) return yield* Effect.die("no delivery is due")
    yield* settle(leased, { status: 500, at: now - hours * hour, next: { status: "pending", nextAttemptAt: now } })
    if (hours > 0) yield* makeDue(webhookId)
  }
})
