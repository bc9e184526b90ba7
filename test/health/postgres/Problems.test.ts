import { randomUUID } from "node:crypto"
import { PgClient, PgTypes } from "@effect/sql-pg"
import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { refusalStatement, webhookStatement } from "../../../src/health/postgres/Problems.ts"
import * as Database from "../../../src/platform/postgres/Database.ts"
import { suite } from "../../suites/Problems.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"
import { postgres } from "../../support/Storages.ts"

suite("health/postgres/Problems", Layer.merge(postgres(), TestClient.layer))

it.effect("health/postgres/Problems: the instance that refused an origin is found by an index", () =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const parameters = [Database.uuids([randomUUID()]), PgTypes.date("2026-11-24")]
    const plan = yield* sql`SET LOCAL enable_seqscan = off`.pipe(
      Effect.andThen(sql.unsafe(`EXPLAIN ${refusalStatement}`, parameters)),
      sql.withTransaction
    )
    const text = JSON.stringify(plan)
    assert.match(text, /instance_pkey/)
    assert.notMatch(text, /Seq Scan on instance/)
  }).pipe(Effect.provide(TestClient.layer))
)

it.effect("health/postgres/Problems: of a webhook with many deliveries, only the latest attempts are read", () =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const [site, webhook] = [randomUUID(), randomUUID()]
    yield* sql`INSERT INTO site (website_config_id, hosted_website_id, tracking_token, name)
      VALUES (${PgTypes.uuid(site)}, gen_random_uuid(), gen_random_uuid(), 'a')`
    yield* sql`INSERT INTO webhook (webhook_id, website_config_id, url, secret, failing_since)
      VALUES (${PgTypes.uuid(webhook)}, ${PgTypes.uuid(site)}, 'https://hooks.example/a', '', now())`
    yield* sql`INSERT INTO delivery (event_id, subscriber_id, website_config_id, type, created_at, attempts, status)
      SELECT md5(number::text)::uuid, ${PgTypes.uuid(webhook)}, ${PgTypes.uuid(site)}, 'submission.accepted',
        now() - number * interval '1 second', 1, CASE WHEN number % 2 = 0 THEN 'failed' ELSE 'delivered' END
      FROM generate_series(1, 20000) AS number`
    yield* sql`INSERT INTO delivery_attempt (event_id, subscriber_id, attempted_at, status, millis)
      SELECT event_id, subscriber_id, created_at, CASE status WHEN 'failed' THEN 500 ELSE 204 END, 10 FROM delivery`
    yield* sql`ANALYZE`
    const parameters = [Database.uuids([site])]
    const [row] = yield* sql.unsafe(`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${webhookStatement}`, parameters)
    const [{ Plan: plan }] = JSON.parse(JSON.stringify(row))["QUERY PLAN"]
    // All of these deliveries and attempts take about a thousand pages.
    assert.isBelow(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"], 100)
  }).pipe(Effect.provide(TestClient.layer))
)
