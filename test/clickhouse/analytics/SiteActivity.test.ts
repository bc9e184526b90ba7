import { Layer } from "effect"
import * as AnalyticsRepo from "../../../src/clickhouse/analytics/AnalyticsRepo.ts"
import * as EventRepo from "../../../src/clickhouse/analytics/EventRepo.ts"
import * as SiteActivity from "../../../src/clickhouse/analytics/SiteActivity.ts"
import * as ConversationStore from "../../../src/memory/chat/ConversationStore.ts"
import * as InstanceDirectory from "../../../src/memory/chat/InstanceDirectory.ts"
import * as Inbox from "../../../src/memory/forms/Inbox.ts"
import * as SubmissionRepo from "../../../src/memory/forms/SubmissionRepo.ts"
import * as SiteDirectory from "../../../src/memory/sites/SiteDirectory.ts"
import * as WritableSites from "../../../src/memory/sites/WritableSites.ts"
import { suite } from "../../suites/SiteActivity.ts"
import * as TestClickHouse from "../../support/clickhouse/TestClickHouse.ts"

const options = { timeout: "20 seconds", maxQueue: 1_000, interval: "1 millis" } as const

TestClickHouse.describeWithClickHouse("with ClickHouse", () => {
  suite(
    "clickhouse/analytics/SiteActivity",
    Layer.mergeAll(
      AnalyticsRepo.layer(options),
      EventRepo.layer(options),
      SiteActivity.layer({ timeout: "20 seconds" })
    ).pipe(
      Layer.provide([TestClickHouse.layer, WritableSites.layer, Inbox.layer]),
      Layer.provideMerge(Layer.merge(SubmissionRepo.layer(), SiteDirectory.layer())),
      Layer.provideMerge(ConversationStore.layer()),
      Layer.provideMerge(InstanceDirectory.layer())
    )
  )
})
