/** How long events, deliveries and mails are kept. Each test has its own database. */
import { randomBytes, randomUUID } from "node:crypto"
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Logger, Option, Schema } from "effect"
import * as Maintenance from "../../../../src/privacy/postgres/Maintenance.ts"
import type * as Core from "../../../../src/sites/Retention.ts"
import * as TestClient from "../../../support/postgres/TestClient.ts"

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
const runMaintenance = (options: Parameters<typeof Maintenance.round>[0]) =>
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

/**
 * The kinds and ages in days of the remaining rows, in order.
 *
 * @param from a table, maybe with a condition
 * @param kind the SQL expression of a row's kind
 */
const remaining = (from: string, kind: string) =>
  PgClient.PgClient.use((sql) =>
    sql.unsafe(
      `SELECT ${kind} AS kind, floor(extract(epoch FROM now() - created_at) / 86400)::float8 AS age FROM ${from} ORDER BY 1, 2`
    )
  ).pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(Kinds)),
    Effect.map((rows) => rows.map((row) => `${row.kind} ${row.age}`))
  )

describe("platform/postgres/schema: deliveries", () => {
  /** Adds events, pending and delivered deliveries, and pending mails, of each kind and age. */
  const fill = Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const site = yield* addSite
    const notification = randomUUID()
    const kinds = ["submission.accepted", "conversation.started", "site.limit"]
    yield* sql`INSERT INTO notification (notification_id, website_config_id, recipient, kind)
      VALUES (${notification}, ${site}, 'ada@example.com', 'submissions')`
    for (const age of [0, 2, 8, 31]) {
      const createdAt = new Date((yield* Clock.currentTimeMillis) - age * 86_400_000 - 60_000)
      for (const type of kinds) {
        yield* sql`INSERT INTO outbox (event_id, website_config_id, type, created_at)
          VALUES (gen_random_uuid(), ${site}, ${type}, ${createdAt})`
        for (const status of ["pending", "delivered"]) {
          yield* sql`INSERT INTO delivery (event_id, subscriber_id, website_config_id, type, created_at, status)
            VALUES (gen_random_uuid(), gen_random_uuid(), ${site}, ${type}, ${createdAt}, ${status})`
        }
      }
      if (age !== 31) {
        yield* sql`INSERT INTO submission_outbox (website_config_id, type, created_at, submission_ids)
          VALUES (${site}, 'submission.accepted', ${createdAt}, '{}')`
      }
      for (const kind of ["submissions", "report"]) {
        yield* sql`INSERT INTO mail (mail_id, notification_id, website_config_id, kind, created_at)
          VALUES (gen_random_uuid(), ${notification}, ${site}, ${kind}, ${createdAt})`
      }
      const submission = randomUUID()
      yield* sql`INSERT INTO submission (submission_id, website_config_id, received_at, form_data)
        VALUES (${submission}, ${site}, now(), '{}')`
      yield* sql`INSERT INTO mail_item (notification_id, submission_id, website_config_id, created_at)
        VALUES (${notification}, ${submission}, ${site}, ${createdAt})`
    }
  })

  it.live("events, deliveries and mails expire with their subject, and the log counts those that were pending", () =>
    Effect.gen(function* () {
      yield* fill
      const options = { pageViews: off, submissions: days(7), conversations: days(1) }
      assert.deepStrictEqual(yield* runMaintenance(options), [
        { events: 6, batches: 1, deliveries: 6, mailItems: 2, mails: 3 }
      ])
      const events = [
        "conversation.started 0",
        ...["site.limit 0", "site.limit 2", "site.limit 8"],
        ...["submission.accepted 0", "submission.accepted 2"]
      ]
      assert.deepStrictEqual(yield* remaining("outbox", "type"), events)
      assert.deepStrictEqual(yield* remaining("submission_outbox", "'batch'"), ["batch 0", "batch 2"])
      assert.deepStrictEqual(
        yield* remaining("delivery", "type"),
        events.flatMap((event) => [event, event])
      )
      assert.deepStrictEqual(yield* remaining("mail_item", "'item'"), ["item 0", "item 2"])
      assert.deepStrictEqual(yield* remaining("mail", "kind"), [
        ...["report 0", "report 2", "report 8"],
        ...["submissions 0", "submissions 2"]
      ])
      assert.deepStrictEqual(yield* runMaintenance(options), [])
    }).pipe(Effect.provide(TestClient.layer))
  )

  it.live("a short retention of conversations keeps the events and mails about submissions", () =>
    Effect.gen(function* () {
      yield* fill
      yield* runMaintenance({ pageViews: off, submissions: off, conversations: days(1) })
      const withoutOldest = (kind: string) => [`${kind} 0`, `${kind} 2`, `${kind} 8`]
      assert.deepStrictEqual(
        yield* remaining("outbox WHERE type LIKE 'submission.%'", "type"),
        withoutOldest("submission.accepted")
      )
      assert.deepStrictEqual(yield* remaining("mail_item", "'item'"), withoutOldest("item"))
      assert.deepStrictEqual(yield* remaining("mail WHERE kind = 'submissions'", "kind"), withoutOldest("submissions"))
    }).pipe(Effect.provide(TestClient.layer))
  )

  it.live("the row of a recipient is deleted a day after its last use, except that of an unsubscribed recipient", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const site = yield* addSite
      for (const [hours, unsubscribed] of [
        [23, false],
        [25, false],
        [25, true]
      ] as const) {
        const usedAt = new Date((yield* Clock.currentTimeMillis) - hours * 3_600_000)
        yield* sql`INSERT INTO mail_recipient (website_config_id, recipient_hmac, used_at, unsubscribed_at)
          VALUES (${site}, ${randomBytes(32)}, ${usedAt}, ${unsubscribed ? usedAt : null})`
      }
      yield* runMaintenance({ pageViews: off, submissions: off, conversations: off })
      const rows = yield* sql`SELECT unsubscribed_at IS NOT NULL AS unsubscribed FROM mail_recipient ORDER BY 1`
      assert.deepStrictEqual(rows, [{ unsubscribed: false }, { unsubscribed: true }])
      yield* sql`DELETE FROM site WHERE website_config_id = ${site}`
      assert.deepStrictEqual(yield* sql`SELECT 1 FROM mail_recipient`, [])
    }).pipe(Effect.provide(TestClient.layer))
  )

  it.live(
    "a notification that is not confirmed is deleted a week after the last confirmation mail to its address",
    () =>
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const site = yield* addSite
        const now = yield* Clock.currentTimeMillis
        const daysAgo = (days: number) => new Date(now - days * 86_400_000)
        const add = Effect.fnUntraced(function* (
          recipient: string,
          days: number,
          isConfirmed = false,
          kind = "report"
        ) {
          const id = randomUUID()
          yield* sql`INSERT INTO notification
            (notification_id, website_config_id, recipient, kind, period, created_at, is_confirmed)
          VALUES (${id}, ${site}, ${recipient}, ${kind}, ${kind === "report" ? "weekly" : null}, ${daysAgo(days)},
            ${sql.literal(String(isConfirmed))})`
          return id
        })
        const mail = (id: string, days: number) =>
          sql`INSERT INTO mail (mail_id, notification_id, website_config_id, kind, created_at, status)
          VALUES (${randomUUID()}, ${id}, ${site}, 'confirmation', ${daysAgo(days)}, 'sent')`
        yield* add("new", 6)
        yield* mail(yield* add("late", 8), 8)
        yield* add("confirmed", 8, true)
        // The same address in another letter case got a mail later.
        yield* add("again", 9, false, "submissions")
        yield* mail(yield* add("Again", 8), 6)
        yield* runMaintenance({ pageViews: off, submissions: off, conversations: off })
        const rows = yield* sql`SELECT recipient FROM notification ORDER BY lower(recipient), created_at`
        assert.deepStrictEqual(
          rows.map(({ recipient }) => recipient),
          ["again", "Again", "confirmed", "new"]
        )
      }).pipe(Effect.provide(TestClient.layer))
  )

  const Deliveries = Schema.Array(
    Schema.Struct({
      subject: Schema.String,
      status: Schema.String,
      payload: Schema.NullOr(Schema.Json),
      answer: Schema.NullOr(Schema.String)
    })
  )

  it.live(
    "deliveries about expired submissions and conversations lose their data, and other deliveries keep theirs",
    () =>
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const [site, instance] = [yield* addSite, randomUUID()]
        const [old, young] = [randomUUID(), randomUUID()]
        const now = yield* Clock.currentTimeMillis
        yield* sql`INSERT INTO instance (instance_id, name, agent_url) VALUES (${instance}, 'a', 'https://a.example')`
        for (const [id, time] of [
          [old, new Date(now - 8 * 86_400_000)],
          [young, new Date(now)]
        ] as const) {
          yield* sql`INSERT INTO submission (submission_id, website_config_id, received_at, form_data)
          VALUES (${id}, ${site}, ${time}, '{}')`
          yield* sql`INSERT INTO conversation (instance_id, conversation_id, created_at, updated_at, messages, size)
          VALUES (${instance}, ${id}, ${new Date(now - 8 * 86_400_000)}, ${time}, 1, 1)`
          for (const [type, subject] of [
            ["submission.released", id],
            ["conversation.feedback", `${instance} ${id}`]
          ] as const) {
            for (const status of ["pending", "delivered"]) {
              const eventId = randomUUID()
              yield* sql`INSERT INTO delivery
                (event_id, subscriber_id, website_config_id, type, created_at, subject, payload, status)
              VALUES (${eventId}, ${site}, ${site}, ${type}, now(), ${subject}, '"Ada"', ${status})`
              yield* sql`INSERT INTO delivery_attempt (event_id, subscriber_id, attempted_at, millis, answer)
              VALUES (${eventId}, ${site}, now(), 1, 'Ada')`
            }
            yield* sql`INSERT INTO outbox (event_id, website_config_id, type, created_at, subject)
            VALUES (gen_random_uuid(), ${site}, ${type}, now(), ${subject})`
          }
          yield* sql`INSERT INTO outbox (event_id, website_config_id, type, created_at, subject)
          VALUES (${id}, ${site}, 'submission.accepted', now(), ${id})`
        }
        yield* runMaintenance({ pageViews: off, submissions: days(7), conversations: days(7) })
        const rows = yield* sql`SELECT subject, delivery.status, payload, answer
        FROM delivery JOIN delivery_attempt USING (event_id, subscriber_id)`.pipe(
          Effect.flatMap(Schema.decodeUnknownEffect(Deliveries))
        )
        assert.lengthOf(rows, 8)
        for (const { answer, payload, status, subject } of rows) {
          if (subject.endsWith(young)) assert.deepStrictEqual([payload, answer], ["Ada", "Ada"])
          else assert.deepStrictEqual([payload, answer, status === "pending"], [null, null, false])
        }
        assert.strictEqual(rows.filter(({ status }) => status === "cancelled").length, 2)
        assert.deepStrictEqual(yield* remaining("outbox", "type"), [
          "conversation.feedback 0",
          "submission.accepted 0",
          "submission.released 0"
        ])
      }).pipe(Effect.provide(TestClient.layer))
  )
})
