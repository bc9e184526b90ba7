import { PgClient, PgTypes } from "@effect/sql-pg"
import { assert, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql"
import * as Lead from "../../../src/analytics/Lead.ts"
import * as AnalyticsRepo from "../../../src/analytics/postgres/AnalyticsRepo.ts"
import * as Leads from "../../../src/analytics/postgres/Leads.ts"
import * as ConversationStore from "../../../src/chat/postgres/ConversationStore.ts"
import * as InstanceDirectory from "../../../src/chat/postgres/InstanceDirectory.ts"
import * as Transcripts from "../../../src/chat/postgres/Transcripts.ts"
import * as Inbox from "../../../src/forms/postgres/Inbox.ts"
import * as SubmissionRepo from "../../../src/forms/postgres/SubmissionRepo.ts"
import * as FailedItems from "../../../src/platform/rounds/postgres/FailedItems.ts"
import * as SiteErasure from "../../../src/privacy/postgres/SiteErasure.ts"
import * as SiteDirectory from "../../../src/sites/postgres/SiteDirectory.ts"
import * as Sites from "../../../src/sites/SiteDirectory.ts"
import { suite } from "../../suites/Leads.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"

const timeout = "20 seconds"
const queue = { timeout, maxQueue: 1_000 } as const

const live = Layer.mergeAll(
  Leads.layer,
  AnalyticsRepo.layer(queue),
  SubmissionRepo.layer(queue),
  Inbox.layer,
  SiteDirectory.layer(),
  SiteErasure.layer,
  InstanceDirectory.layer(),
  ConversationStore.layer(queue),
  Transcripts.layer
).pipe(Layer.provideMerge(TestClient.layer))

const Rows = Schema.Array(
  Schema.Struct({ visit_started_at: Schema.Date, session_key: Schema.String, name: Schema.String })
)

suite("analytics/postgres/Leads", live, (hostedWebsiteId) =>
  SqlClient.SqlClient.use((sql) =>
    sql`SELECT visit_started_at, session_key, name FROM conversion
      WHERE hosted_website_id = ${PgTypes.uuid(hostedWebsiteId)}`.pipe(
      Effect.flatMap(Schema.decodeUnknownEffect(Rows)),
      Effect.map((rows) =>
        rows.map((row) => ({
          hostedWebsiteId,
          visitStartedAt: row.visit_started_at.getTime(),
          sessionKey: row.session_key,
          name: row.name
        }))
      ),
      Effect.orDie
    )
  )
)

it.live("analytics/postgres/Leads: a lead without a visit is dropped after its maximum wait, and not earlier", () =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const leads = yield* Lead.Leads
    const addPending = (ageMillis: number) => sql`INSERT INTO pending_lead
      (lead_id, kind, hosted_website_id, visitor_hashes, received_at, stored_at)
      VALUES (gen_random_uuid(), 'form', gen_random_uuid(), ARRAY[md5('a')], now(), now() - ${`${ageMillis} milliseconds`}::interval)`
    yield* addPending(0)
    yield* addPending(Lead.maxWaitMillis + 1)
    assert.deepStrictEqual(yield* leads.match, { matched: 0, dropped: 1 })
    assert.lengthOf(yield* sql`SELECT 1 FROM pending_lead`, 1)
    assert.deepStrictEqual(yield* leads.match, { matched: 0, dropped: 0 })
  }).pipe(Effect.provide(live))
)

it.live(
  "analytics/postgres/Leads: a lead hours after its visit is matched before it would be dropped, not earlier",
  () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const leads = yield* Lead.Leads
      const { hostedWebsiteId } = yield* Sites.SiteDirectory.use((sites) => sites.create({ name: "a", origins: [] }))
      // More rows of others than a bound by rows would allow.
      yield* sql`INSERT INTO page_view (hosted_website_id, received_at, path, visitor_hash)
      SELECT ${hostedWebsiteId}::uuid, now() - interval '3 hours', '/', decode(md5('a'), 'hex')
      UNION ALL SELECT ${hostedWebsiteId}::uuid, now() - n * interval '0.3 seconds', '/', decode(md5(n::text), 'hex')
      FROM generate_series(1, 30000) AS n`
      yield* sql`INSERT INTO pending_lead (lead_id, kind, hosted_website_id, visitor_hashes, received_at)
      VALUES (gen_random_uuid(), 'chat', ${hostedWebsiteId}, ARRAY[md5('a')], now())`
      assert.deepStrictEqual(yield* leads.match, { matched: 0, dropped: 0 })
      yield* sql`UPDATE pending_lead SET stored_at = now() - interval '11 seconds'`
      assert.deepStrictEqual(yield* leads.match, { matched: 1, dropped: 0 })
      assert.lengthOf(yield* sql`SELECT 1 FROM pending_lead`, 0)
    }).pipe(Effect.provide(live))
)

it.live(
  "analytics/postgres/Leads: a website whose leads cannot be matched does not delay other websites, and its leads are dropped after an hour",
  () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const sites = yield* Sites.SiteDirectory
      const leads = yield* Lead.Leads
      const [broken, healthy] = [
        yield* sites.create({ name: "a", origins: [] }),
        yield* sites.create({ name: "b", origins: [] })
      ]
      const add = (hostedWebsiteId: string, age: string) => sql`INSERT INTO pending_lead
      (lead_id, kind, hosted_website_id, visitor_hashes, received_at, stored_at)
      VALUES (gen_random_uuid(), 'chat', ${hostedWebsiteId}, ARRAY[md5('a')], now(), now() - ${age}::interval)`
      // Makes every conversion of this website fail.
      yield* sql.unsafe(`ALTER TABLE conversion ADD CHECK (hosted_website_id <> '${broken.hostedWebsiteId}')`)
      for (const { hostedWebsiteId } of [broken, healthy]) {
        yield* sql`INSERT INTO page_view (hosted_website_id, received_at, path, visitor_hash)
        VALUES (${hostedWebsiteId}, now(), '/', decode(md5('a'), 'hex'))`
      }
      yield* add(broken.hostedWebsiteId, "2 hours")
      yield* add(broken.hostedWebsiteId, "30 minutes")
      yield* add(healthy.hostedWebsiteId, "1 minute")
      assert.deepStrictEqual(yield* leads.match, { matched: 1, dropped: 0 })
      assert.deepStrictEqual(
        (yield* FailedItems.list).map(({ item, kind }) => [kind, item]),
        [["leads", broken.hostedWebsiteId]]
      )
      assert.lengthOf(yield* sql`SELECT 1 FROM conversion`, 1)
      assert.lengthOf(yield* sql`SELECT 1 FROM pending_lead`, 1)
    }).pipe(Effect.provide(live))
)
