/** An item of background work that always fails is set apart, and the others go on. */
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import * as RollUpLoop from "../../../../src/analytics/reports/postgres/RollUpLoop.ts"
import * as Inspection from "../../../../src/cli/doctor/Inspection.ts"
import { Deliveries } from "../../../../src/delivery/Delivery.ts"
import { Mails } from "../../../../src/delivery/mail/Mail.ts"
import { Notifications } from "../../../../src/delivery/mail/Notification.ts"
import { SubmissionRepo } from "../../../../src/forms/SubmissionRepo.ts"
import type { WebsiteConfigId } from "../../../../src/platform/Id.ts"
import * as FailedItems from "../../../../src/platform/rounds/postgres/FailedItems.ts"
import { SiteDirectory } from "../../../../src/sites/SiteDirectory.ts"
import { deliveriesOf, freeSlots, newSite, newWebhook, postgres } from "../../../support/Delivery.ts"
import * as SubmissionDraft from "../../../support/SubmissionDraft.ts"

const submit = (site: WebsiteConfigId) => SubmissionRepo.use((repo) => repo.submit(SubmissionDraft.make(site)))

const fanOut = Deliveries.use((deliveries) => deliveries.fanOut(freeSlots, new Map()))

const failed = Effect.map(FailedItems.list, (items) =>
  items.map(({ failures, item, kind }) => ({ kind, item, failures }))
)

/** Makes all items that wait for their next try due now. */
const makeDue = PgClient.PgClient.use(
  (sql) => sql`UPDATE failed_item SET retry_at = now() - interval '1 second' WHERE retry_at IS NOT NULL`
)

describe("platform/rounds/postgres/FailedItems", () => {
  it.live("a website whose rollup always fails does not stop the rollups of the websites behind it", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const sites = yield* SiteDirectory
      const [broken, healthy] = [
        yield* sites.create({ name: "a", origins: [] }),
        yield* sites.create({ name: "b", origins: [] })
      ]
      for (const { hostedWebsiteId } of [broken, healthy]) {
        yield* sql`INSERT INTO page_view (hosted_website_id, received_at, path, visitor_hash)
          VALUES (${hostedWebsiteId}, now() - interval '3 days', '/', decode(md5('a'), 'hex'))`
      }
      // A zone that this Node does not know: computing the website's days is a defect, not an error of the database.
      yield* sql`UPDATE site SET time_zone = 'Mars/Olympus' WHERE website_config_id = ${broken.websiteConfigId}`
      yield* RollUpLoop.round
      const rolledUp = yield* sql`SELECT DISTINCT hosted_website_id AS id FROM rollup_day`
      assert.deepStrictEqual(rolledUp, [{ id: healthy.hostedWebsiteId }])
      const item = { kind: "rollup", item: broken.hostedWebsiteId }
      assert.deepStrictEqual(yield* failed, [{ ...item, failures: 1 }])
      // Not due yet.
      yield* RollUpLoop.round
      assert.deepStrictEqual(yield* failed, [{ ...item, failures: 1 }])
      for (const failures of [2, 3, 4, 5, 6, 7, 8, 9, 10, 10]) {
        yield* makeDue
        yield* RollUpLoop.round
        assert.deepStrictEqual(yield* failed, [{ ...item, failures }])
      }
      const [facts] = (yield* Inspection.database("20 seconds")).failedItems ?? []
      assert.strictEqual(facts?.retryAt, null)
      assert.include(facts?.reason ?? "", "Mars/Olympus")
      // A new process tries again what was set apart.
      yield* sql`UPDATE site SET time_zone = 'UTC' WHERE website_config_id = ${broken.websiteConfigId}`
      yield* FailedItems.retryAll
      yield* RollUpLoop.round
      assert.deepStrictEqual(yield* failed, [])
      assert.lengthOf(yield* sql`SELECT DISTINCT hosted_website_id FROM rollup_day`, 2)
    }).pipe(Effect.provide(postgres))
  )

  it.live("a submission whose event cannot become a delivery does not stop the events behind it", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const site = yield* newSite
      const { webhook } = yield* newWebhook(site, "https://example.com")
      const broken = yield* submit(site)
      yield* sql.unsafe(`ALTER TABLE delivery ADD CONSTRAINT broken CHECK (subject <> '${broken}')`)
      const behind = yield* submit(site)
      const last = yield* submit(yield* newSite)
      yield* fanOut
      const sent = Effect.map(deliveriesOf(webhook), (all) => all.map(({ event_id: eventId }): string => eventId))
      assert.deepStrictEqual(yield* sent, [behind])
      assert.deepStrictEqual(yield* failed, [{ kind: "event", item: broken, failures: 1 }])
      assert.notInclude((yield* FailedItems.list)[0]?.reason ?? "", last)
      // Later events are not held up either, and the broken one is tried again when it is due.
      const later = yield* submit(site)
      yield* fanOut
      assert.sameMembers(yield* sent, [behind, later])
      yield* sql.unsafe("ALTER TABLE delivery DROP CONSTRAINT broken")
      yield* makeDue
      yield* fanOut
      assert.sameMembers(yield* sent, [behind, later, broken])
      assert.deepStrictEqual(yield* failed, [])
    }).pipe(Effect.provide(postgres))
  )

  it.live(
    "a notification whose mail cannot be made, and a mail that cannot be read, do not stop the mails behind them",
    () =>
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const notifications = yield* Notifications
        const mails = yield* Mails
        const [broken, behind] = [yield* newSite, yield* newSite]
        for (const websiteConfigId of [broken, behind]) {
          yield* notifications.add(websiteConfigId, { to: "ada@example.com", report: "weekly" })
        }
        yield* sql`UPDATE notification SET due_at = to_timestamp(0), created_at = now() - interval '30 days'`
        yield* sql`UPDATE site SET time_zone = 'Mars/Olympus' WHERE website_config_id = ${broken}`
        const now = yield* Clock.currentTimeMillis
        yield* mails.make(now)
        const made = () =>
          Effect.map(sql`SELECT website_config_id AS site FROM mail`, (rows) => rows.map(({ site }) => site))
        assert.deepStrictEqual(yield* made(), [behind])
        assert.deepStrictEqual(
          (yield* failed).map(({ failures, kind }) => [kind, failures]),
          [["notification", 1]]
        )
        yield* sql`UPDATE site SET time_zone = 'UTC'`
        yield* makeDue
        yield* mails.make(now)
        assert.sameMembers(yield* made(), [behind, broken])
        assert.deepStrictEqual(yield* failed, [])
        // The data of a report is a range of days.
        yield* sql`UPDATE mail SET data = '{"first": 1}', next_attempt_at = to_timestamp(0) WHERE website_config_id = ${broken}`
        const leased = yield* mails.lease(2)
        assert.deepStrictEqual(
          leased.map(({ site }) => site.websiteConfigId),
          [behind]
        )
        assert.deepStrictEqual(
          (yield* failed).map(({ failures, kind }) => [kind, failures]),
          [["mail", 1]]
        )
        assert.notInclude((yield* FailedItems.list)[0]?.reason ?? "", "1")
      }).pipe(Effect.provide(postgres))
  )
})
