import { PgTypes } from "@effect/sql-pg"
import { assert, describe, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"
import * as Channel from "../../../../src/analytics/reports/Channel.ts"
import * as DimensionSql from "../../../../src/analytics/reports/postgres/DimensionSql.ts"
import * as Sources from "../../../../src/analytics/reports/Sources.ts"
import * as Database from "../../../../src/platform/postgres/Database.ts"
import * as TestClient from "../../../support/postgres/TestClient.ts"

const patternsOf = (condition: Channel.Condition): ReadonlyArray<string> => {
  if ("all" in condition) return condition.all.flatMap(patternsOf)
  if ("any" in condition) return condition.any.flatMap(patternsOf)
  return [condition.pattern]
}

const patterns = [...new Set(Channel.rules.flatMap(([, condition]) => patternsOf(condition)))]

const Text = Schema.Union([
  Schema.Literals([
    "www.google.co.uk",
    "googleads",
    "google.com.evil.example",
    "m.youtube.com",
    "fb_feed_ads",
    "yt-ads",
    "cpc",
    "paid\nsocial",
    "e-shop",
    "workshop",
    "push",
    "(direct)",
    "social\n",
    "\u212A"
  ]),
  Schema.String.check(Schema.makeFilter((text: string) => text.isWellFormed() && !text.includes("\0")))
])

const Source = Schema.Union([
  Schema.Literals([
    "Google",
    "www.www.google.de",
    "www.",
    "X",
    "mobile.Twitter.com",
    "a.search.yahoo.co.uk",
    "hacker news"
  ]),
  Schema.Literals([...Sources.names.keys()]),
  Text
])

describe("analytics/reports/postgres: the patterns of channels", () => {
  layer(TestClient.layer)((it) => {
    it.effect.prop(
      "match the same texts in PostgreSQL as in JavaScript",
      [Text],
      ([text]) =>
        Effect.gen(function* () {
          const sql = yield* SqlClient.SqlClient
          const rows = yield* sql`
            SELECT array_agg(${text} ~ pattern ORDER BY position) AS found
            FROM unnest(${Database.texts(patterns)}) WITH ORDINALITY AS rule (pattern, position)`
          assert.deepStrictEqual(
            rows[0]?.["found"],
            patterns.map((pattern) => new RegExp(pattern).test(text))
          )
        }),
      { arbitrary: { runs: 60 } }
    )

    it.effect.prop(
      "give a source the same name in PostgreSQL as in JavaScript",
      [Source],
      ([text]) =>
        Effect.gen(function* () {
          const sql = yield* SqlClient.SqlClient
          const rows = yield* sql.unsafe(
            `WITH visited AS (SELECT $1::text AS utm_source, ''::text AS referrer_host)
              SELECT coalesce(source_name, '') AS name FROM ${DimensionSql.named("visited")}`,
            [PgTypes.text(text)]
          )
          assert.deepStrictEqual(rows, [{ name: Sources.nameOf(text) }])
        }),
      { arbitrary: { runs: 100 } }
    )
  })
})
