import { randomUUID } from "node:crypto"
import { assert, layer as withLayer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { bounded, ClickHouse } from "../../../src/platform/clickhouse/ClickHouse.ts"
import * as Migrations from "../../../src/platform/clickhouse/schema/Migrations.ts"
import * as Tables from "../../../src/platform/clickhouse/schema/Tables.ts"
import { decodeRows } from "../../../src/platform/runtime/Rows.ts"
import * as TestClickHouse from "../../support/clickhouse/TestClickHouse.ts"
import { describeWithClickHouse } from "../../support/clickhouse/TestClickHouse.ts"

const Rows = Schema.Array(Schema.Struct({ website: Schema.String, at: Schema.Finite, key: Schema.String }))

const stored = (website: string) =>
  ClickHouse.use(({ query }) =>
    query(
      `SELECT hosted_website_id AS website, toUnixTimestamp64Milli(visit_started_at) AS at, session_key AS key
        FROM conversion WHERE hosted_website_id = {website:UUID} ORDER BY at`,
      { parameters: { website } }
    ).pipe(decodeRows(Rows))
  )

const insert = (rows: ReadonlyArray<ReadonlyArray<unknown>>, token: string = randomUUID()) =>
  ClickHouse.use((clickHouse) =>
    clickHouse.insert({
      table: "conversion",
      columns: ["hosted_website_id", "visit_started_at", "session_key", "name"],
      rows,
      token
    })
  )

describeWithClickHouse("platform/clickhouse/ClickHouse", () => {
  withLayer(TestClickHouse.layer, { excludeTestServices: true })((it) => {
    it.effect("texts and times are read as they were stored", () =>
      Effect.gen(function* () {
        const website = randomUUID()
        const texts = ["", "a'b\\", "\u0000", "é\u{1F600}", "\uFFFD", "{x:String}"]
        const rows = texts.map((text, index) => [website, 1_767_225_600_123 + index, text, "Form"])
        yield* insert(rows)
        assert.deepStrictEqual(
          yield* stored(website),
          texts.map((key, index) => ({ website, at: 1_767_225_600_123 + index, key }))
        )
      })
    )

    it.effect("stores a batch once, also if it is sent again or twice at the same time", () =>
      Effect.gen(function* () {
        const website = randomUUID()
        const token = randomUUID()
        const rows = [[website, 0, "s", "Form"]]
        yield* Effect.all([insert(rows, token), insert(rows, token)], { concurrency: "unbounded" })
        yield* insert(rows, token)
        assert.lengthOf(yield* stored(website), 1)
        yield* insert(rows)
        assert.lengthOf(yield* stored(website), 2)
      })
    )

    it.effect("stores nothing of a batch with a value that its column cannot hold, and does not reveal the value", () =>
      Effect.gen(function* () {
        const website = randomUUID()
        for (const wrong of ["secret", null]) {
          const error = yield* Effect.flip(
            insert([
              [website, 0, "s", "Form"],
              [wrong, 0, "s", "Form"]
            ])
          )
          assert.strictEqual(error.reason, "refused")
          assert.notInclude(String(error.cause), "secret")
        }
        assert.deepStrictEqual(yield* stored(website), [])
      })
    )

    it.effect("a statement that takes too long fails at its deadline", () =>
      Effect.gen(function* () {
        const { query } = yield* ClickHouse
        const error = yield* Effect.flip(bounded("50 millis")(query("SELECT sleep(1)")))
        assert.deepInclude(error, { _tag: "StorageUnavailable", reason: "timeout", setting: "ANALYTICS_URL" })
      })
    )

    it.effect("the error of a missing table has ClickHouse's code", () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(ClickHouse.use(({ query }) => query("SELECT 1 FROM missing")))
        assert.deepInclude(error, { reason: "broken", code: "UNKNOWN_TABLE" })
      })
    )

    it.effect("the tables can be created again", () => Migrations.migrate(Tables.server))
  })
})
