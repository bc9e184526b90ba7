/** The storage in PostgreSQL, and helpers that create a website, make and count its page views, and erase it. */
import { PgClient } from "@effect/sql-pg"
import { Effect, type Fiber, Layer, Schema } from "effect"
import * as AnalyticsRepo from "../../../src/analytics/postgres/AnalyticsRepo.ts"
import * as Reports from "../../../src/analytics/reports/postgres/Reports.ts"
import * as ConversationStore from "../../../src/chat/postgres/ConversationStore.ts"
import * as InstanceDirectory from "../../../src/chat/postgres/InstanceDirectory.ts"
import * as Inbox from "../../../src/forms/postgres/Inbox.ts"
import * as SubmissionRepo from "../../../src/forms/postgres/SubmissionRepo.ts"
import type { HostedWebsiteId, WebsiteConfigId } from "../../../src/platform/Id.ts"
import * as SiteErasure from "../../../src/privacy/postgres/SiteErasure.ts"
import * as Decisions from "../../../src/sites/postgres/Decisions.ts"
import * as SiteDirectory from "../../../src/sites/postgres/SiteDirectory.ts"
import * as Sites from "../../../src/sites/SiteDirectory.ts"
import * as Erasure from "../../../src/sites/SiteErasure.ts"
import { shapeOf, viewOf } from "../../suites/PageViews.ts"
import * as TestClient from "./TestClient.ts"

const timeout = "20 seconds" as const

const queue = { timeout, maxQueue: 10_000 }

export const storage = Layer.mergeAll(
  AnalyticsRepo.layer(queue),
  SubmissionRepo.layer(queue),
  Inbox.layer,
  Decisions.layer(),
  Reports.layer({ timeout }),
  SiteDirectory.layer(),
  InstanceDirectory.layer(),
  ConversationStore.layer(queue),
  SiteErasure.layer
)

export const live = Layer.provideMerge(storage, TestClient.layer)

export const create = Sites.SiteDirectory.use((sites) => sites.create({ name: "a", origins: [] }))

export const erase = (id: WebsiteConfigId) => Erasure.SiteErasure.use((erasure) => erasure.erase(id))

/** The counts of an erasure that found no rows. */
export const nothing = {
  page_views: 0,
  bot_views: 0,
  events: 0,
  conversions: 0,
  submissions: 0,
  conversations: 0
}

export const view = (hostedWebsiteId: HostedWebsiteId) => viewOf(hostedWebsiteId, shapeOf())

const Count = Schema.Tuple([Schema.Struct({ rows: Schema.BigInt })])

export const countViews = Effect.fnUntraced(function* (hostedWebsiteId: HostedWebsiteId) {
  const sql = yield* PgClient.PgClient
  const [{ rows }] = yield* sql`SELECT (SELECT count(*) FROM page_view WHERE hosted_website_id = ${hostedWebsiteId})
    + (SELECT count(*) FROM bot_view WHERE hosted_website_id = ${hostedWebsiteId}) AS rows`.pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(Count))
  )
  return Number(rows)
})

/** Waits until an erasure waits for writers, or has ended. */
export const untilWaitsForWriters = <A, E>(erasing: Fiber.Fiber<A, E>) =>
  PgClient.PgClient.use((sql) =>
    Effect.repeat(
      sql`SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle'
        AND pid <> pg_backend_pid() AND query LIKE 'SELECT DISTINCT virtualtransaction%'`,
      { until: (rows) => rows.length > 0 || erasing.pollUnsafe() !== undefined }
    )
  )
