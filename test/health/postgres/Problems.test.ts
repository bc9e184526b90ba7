import { randomUUID } from "node:crypto"
import { PgClient, PgTypes } from "@effect/sql-pg"
import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { refusalStatement } from "../../../src/health/postgres/Problems.ts"
import * as Database from "../../../src/platform/postgres/Database.ts"
import { suite } from "../../suites/Problems.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"
import { postgres } from "../../support/Storages.ts"

suite("health/postgres/Problems", Layer.merge(postgres(), TestClient.layer))

it.effect("health/postgres/Problems: the instance that refused an origin is found by an index", () =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const parameters = [Database.array([randomUUID()], PgTypes.OID.uuid), PgTypes.date("2026-11-24")]
    const plan = yield* sql`SET LOCAL enable_seqscan = off`.pipe(
      Effect.andThen(sql.unsafe(`EXPLAIN ${refusalStatement}`, parameters)),
      sql.withTransaction
    )
    const text = JSON.stringify(plan)
    assert.match(text, /instance_pkey/)
    assert.notMatch(text, /Seq Scan on instance/)
  }).pipe(Effect.provide(TestClient.layer))
)
