/**
 * Composes the stores: the repositories on PostgreSQL and ClickHouse.
 *
 * @module
 */
import { Duration, Layer, Option, type Redacted } from "effect"
import * as ClickHouseActivity from "./activity/clickhouse/SiteActivity.ts"
import * as Attention from "./activity/postgres/Attention.ts"
import * as SiteActivity from "./activity/postgres/SiteActivity.ts"
import * as ClickHouseRepo from "./analytics/clickhouse/AnalyticsRepo.ts"
import * as SeparateStore from "./analytics/clickhouse/SeparateStore.ts"
import * as AnalyticsRepo from "./analytics/postgres/AnalyticsRepo.ts"
import * as Goals from "./analytics/postgres/Goals.ts"
import * as Leads from "./analytics/postgres/Leads.ts"
import * as VisitorSalts from "./analytics/postgres/VisitorSalts.ts"
import * as ClickHouseReports from "./analytics/reports/clickhouse/Reports.ts"
import * as ClickHouseRollUpLoop from "./analytics/reports/clickhouse/RollUpLoop.ts"
import * as Reports from "./analytics/reports/postgres/Reports.ts"
import type { Settings } from "./Config.ts"
import * as AgentFailures from "./chat/postgres/AgentFailures.ts"
import * as ConversationStore from "./chat/postgres/ConversationStore.ts"
import * as InstanceDirectory from "./chat/postgres/InstanceDirectory.ts"
import * as TokenBudget from "./chat/postgres/TokenBudget.ts"
import * as Transcripts from "./chat/postgres/Transcripts.ts"
import * as WidgetTokens from "./chat/postgres/WidgetTokens.ts"
import * as Notifications from "./delivery/mail/postgres/Notifications.ts"
import * as Replies from "./delivery/mail/postgres/Replies.ts"
import * as Deliveries from "./delivery/postgres/Deliveries.ts"
import * as Webhooks from "./delivery/postgres/Webhooks.ts"
import * as FormDirectory from "./forms/postgres/FormDirectory.ts"
import * as Inbox from "./forms/postgres/Inbox.ts"
import * as SubmissionRepo from "./forms/postgres/SubmissionRepo.ts"
import * as Problems from "./health/postgres/Problems.ts"
import type { Address } from "./platform/clickhouse/AnalyticsUrl.ts"
import * as ClickHouse from "./platform/clickhouse/ClickHouse.ts"
import * as ServiceSpans from "./platform/telemetry/ServiceSpans.ts"
import * as Persons from "./privacy/postgres/Persons.ts"
import * as SiteErasure from "./privacy/postgres/SiteErasure.ts"
import * as Readiness from "./server/postgres/Readiness.ts"
import * as ConsoleSessions from "./sites/access/postgres/ConsoleSessions.ts"
import * as OwnerKeys from "./sites/access/postgres/OwnerKeys.ts"
import * as People from "./sites/access/postgres/People.ts"
import * as Shares from "./sites/access/postgres/Shares.ts"
import * as Decisions from "./sites/postgres/Decisions.ts"
import * as SiteDirectory from "./sites/postgres/SiteDirectory.ts"

/** The URL of the replica that reports read; undefined for the main database. The demo's database has no replica. */
const readerOf = ({ databaseReadUrl, databaseUrl }: Settings) =>
  Option.isSome(databaseUrl) ? Option.getOrUndefined(databaseReadUrl) : undefined

interface ClickHouseOptions extends ClickHouseRepo.Options {
  readonly address: Redacted.Redacted<Address>
  /** The maximum number of open connections of this process, besides those for batches (`maxBatches`). */
  readonly connections: number
  /** The timeout of a report. */
  readonly reportTimeout: Duration.Input
}

/** The maximum number of concurrent batches of a process: one each of counted page views, excluded page views and events. */
const maxBatches = 3

/** All services that ClickHouse provides, over one client. */
const clickHouse = (options: ClickHouseOptions) => {
  const { address, connections, reportTimeout, timeout } = options
  const client = ClickHouse.layer({ address, connections: connections + maxBatches })
  return {
    /** For the layers of PostgreSQL. */
    separate: SeparateStore.layer({ timeout }).pipe(Layer.provide(client)),
    /** PostgreSQL provides what they need: writable websites and goals; submissions and conversations of the activity. */
    repositories: Layer.mergeAll(
      ClickHouseRepo.layer(options),
      ClickHouseActivity.layer({ timeout }),
      ClickHouseReports.layer({ timeout: reportTimeout }),
      ClickHouseRollUpLoop.layer
    ).pipe(Layer.provide(client))
  }
}

/** Which store page views, events and conversions are in: ClickHouse with `ANALYTICS_URL`, else PostgreSQL. */
const analytics = (
  settings: Settings,
  queue: Omit<ClickHouseOptions, "address" | "connections" | "interval" | "reportTimeout">
) =>
  Option.match(settings.analyticsUrl, {
    onNone: () => ({
      separate: Layer.empty,
      repositories: Layer.mergeAll(
        AnalyticsRepo.layer(queue),
        SiteActivity.layer,
        Reports.layer({ timeout: settings.reportTimeout, reader: readerOf(settings) })
      )
    }),
    onSome: (address) => {
      const { repositories, separate } = clickHouse({
        ...queue,
        address,
        connections: settings.databaseConnections,
        interval: settings.analyticsInterval,
        reportTimeout: settings.reportTimeout
      })
      // One more connection for the rollup runs, so that they delay no batch.
      const sites = SiteDirectory.writableSites({ connections: maxBatches + 1 })
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
    Inbox.layer,
    SubmissionRepo.layer(queue),
    SiteDirectory.layer(cached),
    SiteDirectory.recordSites,
    FormDirectory.layer(cached),
    SiteErasure.layer,
    InstanceDirectory.layer(cached),
    WidgetTokens.layer(cached),
    OwnerKeys.layer,
    ConsoleSessions.layer({ idle: Duration.toMillis(settings.sessionIdle) }),
    People.layer,
    Shares.layer,
    Transcripts.layer.pipe(Layer.provideMerge(ConversationStore.layer(queue))),
    Persons.layer,
    TokenBudget.layer,
    AgentFailures.layer,
    VisitorSalts.layer,
    Decisions.layer(),
    Attention.layer,
    Webhooks.layer({ secretsKey: settings.secretsKey }),
    Deliveries.layer({ timeout, secretsKey: settings.secretsKey }),
    Notifications.layer({ secretsKey: settings.secretsKey }),
    Replies.layer,
    Readiness.layer
  )
  return Problems.layer({ operatorsHosts: settings.webhookAllow }).pipe(
    Layer.provideMerge(repositories),
    Layer.provideMerge(others),
    Layer.provideMerge(separate),
    ServiceSpans.layer(Option.isSome(settings.otlp))
  )
}
