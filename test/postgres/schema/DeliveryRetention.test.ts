/** How long events, deliveries and mails are kept. Each test has its own database. */
import { randomUUID } from "node:crypto"
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger, Option, Schema } from "effect"
import type * as Core from "../../../src/core/sites/Retention.ts"
import * as Maintenance from "../../../src/postgres/schema/Maintenance.ts"
import * as TestDatabase from "../../support/postgres/TestDatabase.ts"

const days = (count: number): Option.Option<Core.Retention> => Option.some({ count, unit: "days" })
const off = Option.none<Core.Retention>()

const addSite = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const site = randomUUID()
  yield* sql`INSERT INTO site (website_config_id, hosted_website_id, tracking_token, name)
    VALUES (${site}, ${randomUUID()}, ${randomUUID()}, 'test')`
  return site
})

/** Runs a round of the maintenance, and returns the annotations of its warnings. */
const warnings = (options: Parameters<typeof Maintenance.round>[0]) =>
  Effect.gen(function* () {
    const lines: Array<string> = []
    const logger = Logger.layer([Logger.map(Logger.formatJson, (line) => void lines.push(line))])
    assert.isTrue(yield* Effect.provide(Maintenance.round(options), logger))
    return lines.map((line) => Schema.decodeUnknownSync(Line)(line)).filter(({ level }) => level === "WARN")
  }).pipe(Effect.map((all) => all.map(({ annotations }) => annotations)))

const Line = Schema.fromJsonString(
  Schema.Struct({ level: Schema.String, annotations: Schema.Record(Schema.String, Schema.Unknown) })
)

const Kinds = Schema.Array(Schema.Struct({ kind: Schema.String, age: Schema.Finite }))

/** The kinds and ages in days of what is left, in order. */
const left = (table: string, kind: string) =>
  PgClient.PgClient.use((sql) =>
    sql.unsafe(
      `SELECT ${kind} AS kind, floor(extract(epoch FROM now() - created_at) / 86400)::float8 AS age FROM ${table} ORDER BY 1, 2`
    )
  ).pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(Kinds)),
    Effect.map((rows) => rows.map((row) => `${row.kind} ${row.age}`))
  )

describe("postgres/schema: deliveries", () => {
  /** An event, a pending delivery or a pending mail of each kind and age. */
  const fill = Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const site = yield* addSite
    const notification = randomUUID()
    const kinds = ["submission.accepted", "conversation.started", "site.limit"]
    yield* sql`INSERT INTO notification (notification_id, website_config_id, recipient, kind)
      VALUES (${notification}, ${site}, 'ada@example.com', 'submissions')`
    for (const age of [0, 2, 8, 31]) {
      const createdAt = new Date(Date.now() - age * 86_400_000 - 60_000)
      for (const type of kinds) {
        yield* sql`INSERT INTO outbox (event_id, website_config_id, type, created_at)
          VALUES (gen_random_uuid(), ${site}, ${type}, ${createdAt})`
        for (const status of ["pending", "delivered"]) {
          yield* sql`INSERT INTO delivery (event_id, subscriber_id, website_config_id, type, created_at, status)
            VALUES (gen_random_uuid(), gen_random_uuid(), ${site}, ${type}, ${createdAt}, ${status})`
        }
      }
      for (const kind of ["submissions", "report"]) {
        yield* sql`INSERT INTO mail (mail_id, notification_id, website_config_id, kind, created_at)
          VALUES (gen_random_uuid(), ${notification}, ${site}, ${kind}, ${createdAt})`
      }
      yield* sql`INSERT INTO mail_item (notification_id, submission_id, website_config_id, created_at)
        VALUES (${notification}, gen_random_uuid(), ${site}, ${createdAt})`
    }
  })

  it.live("they expire with what they are about, and the log counts those that were pending", () =>
    Effect.gen(function* () {
      yield* fill
      const options = { pageViews: off, submissions: days(7), conversations: days(1) }
      assert.deepStrictEqual(yield* warnings(options), [{ events: 6, deliveries: 6, mailItems: 2, mails: 3 }])
      const events = [
        "conversation.started 0",
        ...["site.limit 0", "site.limit 2", "site.limit 8"],
        ...["submission.accepted 0", "submission.accepted 2"]
      ]
      assert.deepStrictEqual(yield* left("outbox", "type"), events)
      assert.deepStrictEqual(
        yield* left("delivery", "type"),
        events.flatMap((event) => [event, event])
      )
      assert.deepStrictEqual(yield* left("mail_item", "'item'"), ["item 0", "item 2"])
      assert.deepStrictEqual(yield* left("mail", "kind"), [
        ...["report 0", "report 2", "report 8"],
        ...["submissions 0", "submissions 2"]
      ])
      assert.deepStrictEqual(yield* warnings(options), [])
    }).pipe(Effect.provide(TestDatabase.layer))
  )

  it.live("a short retention of conversations leaves what is about submissions that are kept", () =>
    Effect.gen(function* () {
      yield* fill
      yield* warnings({ pageViews: off, submissions: off, conversations: days(1) })
      const kept = (kind: string) => [`${kind} 0`, `${kind} 2`, `${kind} 8`]
      assert.deepStrictEqual(yield* left("outbox WHERE type LIKE 'submission.%'", "type"), kept("submission.accepted"))
      assert.deepStrictEqual(yield* left("mail_item", "'item'"), kept("item"))
      assert.deepStrictEqual(yield* left("mail WHERE kind = 'submissions'", "kind"), kept("submissions"))
    }).pipe(Effect.provide(TestDatabase.layer))
  )
})
