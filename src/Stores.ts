/**
 * Composes the stores: the repositories on PostgreSQL and ClickHouse.
 *
 * @module
 */
import { Layer, Option } from "effect"
import * as Goals from "./analytics/postgres/Goals.ts"
import type { Settings } from "./Config.ts"
import * as ClickHouseStores from "./clickhouse/Stores.ts"
import * as FormDirectory from "./forms/postgres/FormDirectory.ts"
import * as Inbox from "./forms/postgres/Inbox.ts"
import * as SubmissionRepo from "./forms/postgres/SubmissionRepo.ts"
import * as AnalyticsExport from "./postgres/analytics/AnalyticsExport.ts"
import * as AnalyticsRepo from "./postgres/analytics/AnalyticsRepo.ts"
import * as EventRepo from "./postgres/analytics/EventRepo.ts"
import * as Leads from "./postgres/analytics/Leads.ts"
import * as Reports from "./postgres/analytics/Reports.ts"
import * as SiteActivity from "./postgres/analytics/SiteActivity.ts"
import * as VisitorSalts from "./postgres/analytics/VisitorSalts.ts"
import * as ConversationStore from "./postgres/chat/ConversationStore.ts"
import * as InstanceDirectory from "./postgres/chat/InstanceDirectory.ts"
import * as TokenBudget from "./postgres/chat/TokenBudget.ts"
import * as Transcripts from "./postgres/chat/Transcripts.ts"
import * as WidgetTokens from "./postgres/chat/WidgetTokens.ts"
import * as Deliveries from "./postgres/delivery/Deliveries.ts"
import * as Webhooks from "./postgres/delivery/Webhooks.ts"
import * as Notifications from "./postgres/mail/Notifications.ts"
import * as Persons from "./postgres/persons/Persons.ts"
import * as Readiness from "./postgres/Readiness.ts"
import * as ConsoleSessions from "./postgres/sites/ConsoleSessions.ts"
import * as CreationTurns from "./postgres/sites/CreationTurns.ts"
import * as Decisions from "./postgres/sites/Decisions.ts"
import * as OwnerKeys from "./postgres/sites/OwnerKeys.ts"
import * as Shares from "./postgres/sites/Shares.ts"
import * as SiteDirectory from "./postgres/sites/SiteDirectory.ts"
import * as SiteErasure from "./postgres/sites/SiteErasure.ts"
import * as WritableSites from "./postgres/sites/WritableSites.ts"
import * as ServiceSpans from "./telemetry/ServiceSpans.ts"

/** The URL of the replica that reports read; undefined for the main database. The demo's database has no replica. */
const readerOf = ({ databaseReadUrl, databaseUrl }: Settings) =>
  Option.isSome(databaseUrl) ? Option.getOrUndefined(databaseReadUrl) : undefined

/** Which store page views, events and conversions are in: ClickHouse with `ANALYTICS_URL`, else PostgreSQL. */
const analytics = (
  settings: Settings,
  queue: Omit<ClickHouseStores.Options, "address" | "connections" | "interval" | "reportTimeout">
) =>
  Option.match(settings.analyticsUrl, {
    onNone: () => ({
      separate: Layer.empty,
      repositories: Layer.mergeAll(
        AnalyticsRepo.layer(queue),
        EventRepo.layer(queue),
        AnalyticsExport.layer,
        SiteActivity.layer,
        Reports.layer({ timeout: settings.reportTimeout, reader: readerOf(settings) })
      )
    }),
    onSome: (address) => {
      const { repositories, separate } = ClickHouseStores.make({
        ...queue,
        address,
        connections: settings.databaseConnections,
        interval: settings.analyticsInterval,
        reportTimeout: settings.reportTimeout
      })
      // One more connection for the rollup runs, so that they delay no batch.
      const sites = WritableSites.layer({ connections: ClickHouseStores.maxBatches + 1 })
      return { separate, repositories: Layer.provide(repositories, sites) }
    }
  })

/** All repositories. Requires `App.database`. */
export const storage = (settings: Settings) => {
  const timeout = settings.databaseTimeout
  const cached = { capacity: settings.siteCache }
  const queue = { timeout, maxQueue: settings.databaseQueue, traced: Option.isSome(settings.otlp) }
  const { repositories, separate } = analytics(settings, queue)
  const others = Layer.mergeAll(
    Leads.layer,
    Goals.layer,
    Inbox.layer.pipe(Layer.provideMerge(SubmissionRepo.layer(queue))),
    SiteDirectory.layer(cached),
    CreationTurns.layer({ timeout }),
    FormDirectory.layer(cached),
    SiteErasure.layer,
    InstanceDirectory.layer(cached),
    WidgetTokens.layer(cached),
    OwnerKeys.layer,
    ConsoleSessions.layer,
    Shares.layer,
    Transcripts.layer.pipe(Layer.provideMerge(ConversationStore.layer(queue))),
    Persons.layer,
    TokenBudget.layer,
    VisitorSalts.layer,
    Decisions.layer(),
    Webhooks.layer({ secretsKey: settings.secretsKey }),
    Deliveries.layer({ timeout, secretsKey: settings.secretsKey }),
    Notifications.layer({ secretsKey: settings.secretsKey }),
    Readiness.layer
  )
  return repositories.pipe(
    Layer.provideMerge(others),
    Layer.provideMerge(separate),
    ServiceSpans.layer(Option.isSome(settings.otlp))
  )
}
