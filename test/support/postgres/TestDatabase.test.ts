import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import * as TestClient from "./TestClient.ts"
import * as TestDatabase from "./TestDatabase.ts"

const count = (sql: SqlClient.SqlClient) => sql<{ readonly n: number }>`SELECT count(*)::int AS n FROM visitor_salt`

const store = (sql: SqlClient.SqlClient) =>
  sql`INSERT INTO visitor_salt (day, salt) VALUES ('2026-01-01', decode(repeat('00', 32), 'hex'))`

layer(TestClient.layer)("support/postgres/TestDatabase: a test's database", (it) => {
  it.effect("is migrated, empty and writable", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      assert.deepStrictEqual(yield* count(sql), [{ n: 0 }])
      yield* store(sql)
      assert.deepStrictEqual(yield* count(sql), [{ n: 1 }])
    })
  )

  it.effect("is separate from other databases, and dropped with its scope", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const database = yield* Effect.scoped(
        Effect.gen(function* () {
          const connection = yield* TestDatabase.connection
          const writer = yield* TestDatabase.clientOf(connection)
          const reader = yield* TestDatabase.clientOf(connection)
          yield* store(writer)
          assert.deepStrictEqual(yield* count(reader), [{ n: 1 }])
          return connection.database
        })
      )
      const remaining = yield* sql`SELECT datname FROM pg_database WHERE datname = ${database}`
      assert.deepStrictEqual(remaining, [])
    })
  )
})
