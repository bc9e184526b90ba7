import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import * as ReportsLayer from "../../../src/analytics/reports/postgres/Reports.ts"
import { Reports } from "../../../src/analytics/reports/Reports.ts"
import * as Inspection from "../../../src/cli/doctor/Inspection.ts"
import { HostedWebsiteId, WebsiteConfigId } from "../../../src/platform/Id.ts"
import * as Database from "../../../src/platform/postgres/Database.ts"
import * as Migrations from "../../../src/platform/postgres/schema/Migrations.ts"
import * as Partitions from "../../../src/platform/postgres/schema/Partitions.ts"
import * as ReplicatedPair from "../../support/postgres/ReplicatedPair.ts"
import * as TestTime from "../../support/TestTime.ts"

const uuid = "0190e0c8-7a3e-7000-8000-000000000001"
const site = { websiteConfigId: WebsiteConfigId.make(uuid), hostedWebsiteId: HostedWebsiteId.make(uuid), goals: [] }

describe("analytics/reports/postgres/Reports with DATABASE_READ_URL", () => {
  it.live("reads from the replica even if the primary is down, and never from the primary", () =>
    Effect.gen(function* () {
      const { primary, replica } = yield* ReplicatedPair.make
      const database = yield* Layer.build(Database.layer({ url: Redacted.make(primary.url), connections: 2 }))
      yield* Effect.provide(Migrations.run, database)
      const reader = Redacted.make(replica.url)
      const { currentVisitors } = yield* Effect.provide(
        Reports,
        yield* Layer.build(ReportsLayer.layer({ timeout: "20 seconds", reader })).pipe(Effect.provide(database))
      )
      yield* SqlClient.SqlClient.use((sql) =>
        Effect.andThen(
          Partitions.ensure(TestTime.ofMachine()),
          sql`INSERT INTO page_view (hosted_website_id, received_at, path, visitor_hash)
              VALUES (${site.hostedWebsiteId}, now(), '/', 'a')`
        )
      ).pipe(Effect.provide(database))
      // The replica receives the tables, and then the row, later than the primary.
      yield* currentVisitors(site).pipe(
        Effect.retry({ schedule: Schedule.spaced("20 millis") }),
        Effect.repeat({ until: (visitors) => visitors === 1 }),
        Effect.timeout("60 seconds")
      )
      const facts = Effect.provide(Inspection.reader("20 seconds"), Database.layer({ url: reader, connections: 1 }))
      assert.deepInclude(yield* facts, { _tag: "Reached", keepsStatements: true })
      assert.isNotNull((yield* facts).lagSeconds)
      yield* primary.kill
      assert.strictEqual(yield* currentVisitors(site), 1)
      yield* replica.kill
      const error = yield* Effect.flip(
        Effect.provide(
          Effect.flatMap(Reports, (reports) => reports.currentVisitors(site)),
          Layer.provide(ReportsLayer.layer({ timeout: "3 seconds", reader }), Layer.succeedContext(database))
        )
      )
      assert.deepInclude(error, { _tag: "StorageUnavailable", reason: "unreachable", setting: "DATABASE_READ_URL" })
    }).pipe(Effect.scoped)
  )
})
