import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import * as TestDatabase from "./TestDatabase.ts"

const count = (sql: SqlClient.SqlClient) => sql<{ readonly n: number }>`SELECT count(*)::int AS n FROM visitor_salt`

const store = (sql: SqlClient.SqlClient) =>
  sql`INSERT INTO visitor_salt (day, salt) VALUES ('2026-01-01', decode(repeat('00', 32), 'hex'))`

layer(TestDatabase.layer)("a test's database", (it) => {
  it.effect("is migrated, empty and writable", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      assert.deepStrictEqual(yield* count(sql), [{ n: 0 }])
      yield* store(sql)
      assert.deepStrictEqual(yield* count(sql), [{ n: 1 }])
    })
  )

  it.effect("is isolated from others and dropped with its scope", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const gone = yield* Effect.scoped(
        Effect.gen(function* () {
          const connection = yield* TestDatabase.connection
          const one = yield* TestDatabase.clientOf(connection)
          const two = yield* TestDatabase.clientOf(connection)
          yield* store(one)
          assert.deepStrictEqual(yield* count(two), [{ n: 1 }])
          return connection.database
        })
      )
      const left = yield* sql`SELECT datname FROM pg_database WHERE datname = ${gone}`
      assert.deepStrictEqual(left, [])
    })
  )
})
