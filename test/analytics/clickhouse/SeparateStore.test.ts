/** PostgreSQL's layers with page views, events and conversions in ClickHouse. */
import { randomUUID } from "node:crypto"
import { PgClient, PgTypes } from "@effect/sql-pg"
import { assert, layer as withLayer } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Option, Schema } from "effect"
import * as Service from "../../../src/analytics/AnalyticsRepo.ts"
import * as AnalyticsRepo from "../../../src/analytics/clickhouse/AnalyticsRepo.ts"
import * as SeparateStore from "../../../src/analytics/clickhouse/SeparateStore.ts"
import * as ConversionOutbox from "../../../src/analytics/postgres/ConversionOutbox.ts"
import * as Leads from "../../../src/analytics/postgres/Leads.ts"
import * as DayRollUp from "../../../src/analytics/reports/clickhouse/DayRollUp.ts"
import * as Reader from "../../../src/analytics/reports/clickhouse/Reader.ts"
import * as LocalTime from "../../../src/analytics/reports/LocalTime.ts"
import * as Store from "../../../src/analytics/SeparateStore.ts"
import * as ConversationStore from "../../../src/chat/postgres/ConversationStore.ts"
import * as InstanceDirectory from "../../../src/chat/postgres/InstanceDirectory.ts"
import * as Transcripts from "../../../src/chat/postgres/Transcripts.ts"
import * as Inbox from "../../../src/forms/postgres/Inbox.ts"
import * as SubmissionRepo from "../../../src/forms/postgres/SubmissionRepo.ts"
import { ClickHouse } from "../../../src/platform/clickhouse/ClickHouse.ts"
import { decodeRows } from "../../../src/platform/runtime/Rows.ts"
import { StorageUnavailable } from "../../../src/platform/Storage.ts"
import * as Maintenance from "../../../src/privacy/postgres/Maintenance.ts"
import * as SiteErasure from "../../../src/privacy/postgres/SiteErasure.ts"
import * as SiteDirectory from "../../../src/sites/postgres/SiteDirectory.ts"
import * as Sites from "../../../src/sites/SiteDirectory.ts"
import * as Erasure from "../../../src/sites/SiteErasure.ts"
import { suite } from "../../suites/Leads.ts"
import { shapeOf, viewOf } from "../../suites/PageViews.ts"
import * as TestClickHouse from "../../support/clickhouse/TestClickHouse.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"

const timeout = "20 seconds"
const queue = { timeout, maxQueue: 1_000 } as const

const live = Layer.mergeAll(
  Leads.layer,
  SubmissionRepo.layer(queue),
  Inbox.layer,
  SiteDirectory.layer(),
  SiteErasure.layer,
  InstanceDirectory.layer(),
  ConversationStore.layer(queue),
  Transcripts.layer,
  AnalyticsRepo.layer({ ...queue, interval: "1 millis" }).pipe(
    Layer.provide(SiteDirectory.writableSites({ connections: 2 }))
  )
).pipe(
  Layer.provideMerge(SeparateStore.layer({ timeout })),
  Layer.provideMerge(Layer.merge(TestClient.layer, TestClickHouse.layer))
)

const Rows = Schema.Array(
  Schema.Struct({ visitStartedAt: Schema.Finite, sessionKey: Schema.String, name: Schema.String })
)

const conversionsOf = (hostedWebsiteId: string) =>
  ClickHouse.use(({ query }) =>
    query(
      `SELECT toUnixTimestamp64Milli(visit_started_at) AS visitStartedAt, session_key AS sessionKey, name
        FROM conversion WHERE hosted_website_id = {site:UUID}`,
      { parameters: { site: hostedWebsiteId } }
    )
  ).pipe(
    decodeRows(Rows),
    Effect.map((rows) => rows.map((row) => ({ hostedWebsiteId, ...row }))),
    Effect.orDie
  )

const plain = shapeOf()

const create = Sites.SiteDirectory.use((sites) => sites.create({ name: "a", origins: [] }))

const store = Effect.map(Store.SeparateStore, Option.getOrThrow)

TestClickHouse.describeWithClickHouse("with ClickHouse and PostgreSQL", () => {
  suite("analytics/clickhouse/SeparateStore: leads", live, conversionsOf)

  withLayer(live, { excludeTestServices: true })("analytics/clickhouse/SeparateStore", (it) => {
    it.effect("conversions whose move was not confirmed are stored once", () =>
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const separate = yield* store
        const { hostedWebsiteId } = yield* create
        const add = sql`INSERT INTO conversion_outbox (hosted_website_id, visit_started_at, session_key, name)
          VALUES (${PgTypes.uuid(hostedWebsiteId)}, now(), 's', 'Form'), (${PgTypes.uuid(randomUUID())}, now(), 's', 'Form')`
        yield* add
        // The store adds the conversions, and the confirmation is lost.
        const unconfirming: Store.Store = {
          ...separate,
          addConversions: (id, conversions) =>
            Effect.andThen(separate.addConversions(id, conversions), new StorageUnavailable({ reason: "unreachable" }))
        }
        assert.strictEqual((yield* Effect.flip(ConversionOutbox.move(sql, unconfirming)))._tag, "StorageUnavailable")
        assert.lengthOf(yield* conversionsOf(hostedWebsiteId), 1)
        yield* add
        yield* Effect.all([ConversionOutbox.move(sql, separate), ConversionOutbox.move(sql, separate)], {
          concurrency: "unbounded"
        })
        yield* ConversionOutbox.move(sql, separate)
        assert.lengthOf(yield* conversionsOf(hostedWebsiteId), 2)
        assert.lengthOf(yield* sql`SELECT 1 FROM conversion_outbox`, 0)
      })
    )

    it.effect(
      "an erasure deletes all rows of the website from the disk, counts them, and deletes none of another website",
      () =>
        Effect.gen(function* () {
          const { query } = yield* ClickHouse
          const [site, other] = [yield* create, yield* create]
          for (const { hostedWebsiteId } of [site, other]) {
            for (const exclusion of [null, null, "bot"] as const) {
              yield* Service.AnalyticsRepo.use(({ append }) => append({ ...viewOf(hostedWebsiteId, plain), exclusion }))
            }
          }
          const erased = yield* Erasure.SiteErasure.use(({ erase }) => erase(site.websiteConfigId))
          assert.deepInclude(Option.getOrThrow(erased), { page_views: 2, bot_views: 1 })
          // With `apply_deleted_mask = 0`, the query also returns rows that are only marked as deleted.
          const remaining = yield* query(
            "SELECT hosted_website_id AS id, count() AS rows FROM page_view GROUP BY id HAVING id IN {ids:Array(UUID)}",
            {
              parameters: { ids: [site.hostedWebsiteId, other.hostedWebsiteId] },
              settings: { apply_deleted_mask: 0 }
            }
          )
          assert.deepStrictEqual(remaining, [{ id: other.hostedWebsiteId, rows: 2 }])
        })
    )

    const visitRows = Effect.fnUntraced(function* (ids: ReadonlyArray<string>) {
      const { query } = yield* ClickHouse
      const tables = ["visit", "visit_day", "visit_run", "visit_sum", "late_row"]
      const rows = tables.map((table) => `SELECT hosted_website_id AS id, '${table}' AS table FROM ${table}`)
      return yield* query(
        `SELECT DISTINCT id, table FROM (${rows.join(" UNION ALL ")}) WHERE id IN {ids:Array(UUID)} ORDER BY id, table`,
        { parameters: { ids } }
      )
    })

    it.effect("an erasure does not wait for a rollup run, which deletes at its end what it stored", () =>
      Effect.gen(function* () {
        const clickhouse = yield* ClickHouse
        const site = yield* create
        const { hostedWebsiteId } = site
        const receivedAt = Date.parse("2026-11-20T12:00:00Z")
        yield* Service.AnalyticsRepo.use(({ append }) => append({ ...viewOf(hostedWebsiteId, plain), receivedAt }))
        const [begun, goOn] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
        const rollUp = yield* DayRollUp.rollUp(
          Reader.make(clickhouse, { seconds: 20, memory: 1_000_000_000 }),
          { hostedWebsiteId, timeZone: "UTC" },
          { days: LocalTime.days("UTC", "2026-11-20", "2026-11-20"), isForced: true, minRows: 0 }
        ).pipe(
          Effect.provideService(ClickHouse, {
            ...clickhouse,
            // The statement has read the page views and stores the visits only after the erasure.
            command: (statement, options) =>
              statement.startsWith("INSERT INTO visit (")
                ? Effect.andThen(
                    Effect.andThen(Deferred.succeed(begun, undefined), Deferred.await(goOn)),
                    clickhouse.command(
                      `INSERT INTO visit (hosted_website_id, day, roll) VALUES ('${hostedWebsiteId}', '2026-11-20', 1)`
                    )
                  )
                : clickhouse.command(statement, options)
          }),
          Effect.provide(SiteDirectory.writableSites({ connections: 1 })),
          Effect.forkScoped
        )
        yield* Deferred.await(begun)
        yield* Erasure.SiteErasure.use(({ erase }) => erase(site.websiteConfigId))
        assert.deepStrictEqual(yield* visitRows([hostedWebsiteId]), [])
        yield* Deferred.succeed(goOn, undefined)
        yield* Fiber.join(rollUp)
        assert.deepStrictEqual(yield* visitRows([hostedWebsiteId]), [])
      }).pipe(Effect.scoped)
    )

    it.effect("months that ended before a time are dropped, and no others", () =>
      Effect.gen(function* () {
        const { query } = yield* ClickHouse
        const { hostedWebsiteId } = yield* create
        const times = ["2024-01-31T23:59:59.999Z", "2024-02-01T00:00:00Z", "2024-03-05T00:00:00Z"].map(Date.parse)
        for (const receivedAt of times) {
          yield* Service.AnalyticsRepo.use(({ append }) => append({ ...viewOf(hostedWebsiteId, plain), receivedAt }))
        }
        const separate = yield* store
        assert.deepStrictEqual(yield* separate.dropMonthsBefore(Date.parse("2024-02-15")), [
          "late_row 202401",
          "page_view 202401"
        ])
        assert.deepStrictEqual(yield* separate.dropMonthsBefore(Date.parse("2024-02-15")), [])
        const remaining = yield* query(
          "SELECT toUnixTimestamp64Milli(received_at) AS at FROM page_view WHERE hosted_website_id = {site:UUID} ORDER BY at",
          { parameters: { site: hostedWebsiteId } }
        )
        assert.deepStrictEqual(
          remaining,
          times.slice(1).map((at) => ({ at }))
        )
      })
    )

    it.effect("maintenance deletes the visits of websites that are gone, and no others", () =>
      Effect.gen(function* () {
        const { command } = yield* ClickHouse
        const { hostedWebsiteId } = yield* create
        const gone = randomUUID()
        for (const table of ["visit", "visit_day", "visit_run", "visit_sum", "late_row"]) {
          yield* command(`INSERT INTO ${table} (hosted_website_id) VALUES ('${gone}'), ('${hostedWebsiteId}')`)
        }
        const forever = { pageViews: Option.none(), submissions: Option.none(), conversations: Option.none() }
        assert.isTrue(yield* Maintenance.round(forever))
        assert.deepStrictEqual(
          yield* visitRows([gone, hostedWebsiteId]),
          ["late_row", "visit", "visit_day", "visit_run", "visit_sum"].map((table) => ({ id: hostedWebsiteId, table }))
        )
      })
    )
  })
})
