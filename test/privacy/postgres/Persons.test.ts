import { randomUUID } from "node:crypto"
import { PgClient } from "@effect/sql-pg"
import { assert, it } from "@effect/vitest"
import { Clock, Effect, Layer, Option, Stream, Tracer } from "effect"
import { InstanceDirectory } from "../../../src/chat/InstanceDirectory.ts"
import type { WebsiteConfigId } from "../../../src/platform/Id.ts"
import * as Person from "../../../src/privacy/Person.ts"
import * as Persons from "../../../src/privacy/postgres/Persons.ts"
import { ConsoleSessions, limits } from "../../../src/sites/access/ConsoleSession.ts"
import * as PostgresConsoleSessions from "../../../src/sites/access/postgres/ConsoleSessions.ts"
import { suite } from "../../suites/Persons.ts"
import * as Delivery from "../../support/Delivery.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"

const live = Layer.mergeAll(
  Persons.layer,
  PostgresConsoleSessions.layer({ idle: limits.idle }),
  Delivery.postgresOn()
).pipe(Layer.provideMerge(TestClient.layer))

suite("privacy/postgres/Persons", live)

/** Counts the statements of an effect. */
const countStatements = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    let count = 0
    const tracer = Tracer.make({
      span: (options) => {
        if (options.kind === "client") count++
        return new Tracer.NativeSpan(options)
      }
    })
    return Effect.map(Effect.withTracer(effect, tracer), (value) => ({ value, count }))
  })

it.live(
  "privacy/postgres/Persons: the number of statements is proportional to the pages read, not to the rows found",
  () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const persons = yield* Person.Persons
      const website = yield* Delivery.newSite
      const other = yield* Delivery.newSite
      yield* sql`INSERT INTO submission (submission_id, website_config_id, received_at, email, form_data)
      SELECT gen_random_uuid(), ${website}::uuid, timestamptz '2026-01-01Z' + n * interval '1 microsecond',
        CASE WHEN n % 10 = 0 THEN 'ann@example.com' ELSE n || '@example.com' END, '{}'
      FROM generate_series(1, 1000) AS n`
      yield* sql`INSERT INTO submission (submission_id, website_config_id, received_at, email, form_data)
      SELECT gen_random_uuid(), ${other}::uuid, now(), 'ann@example.com', '{}' FROM generate_series(1, 1000)`
      const query = (address: string) => ({ address, websiteConfigId: website, kinds: Person.kinds })
      const none = yield* countStatements(persons.erase(query(`${randomUUID()}@example.com`)))
      assert.deepStrictEqual(none.value, Person.nothing)
      // Two statements for each page of 64 submissions, and for the page of deleted ones, and one for the marks of spam.
      assert.isAtLeast(none.count, 2 * (1000 / 64))
      assert.isAtMost(none.count, 2 * (1000 / 64 + 2) + 4)
      const { count, value } = yield* countStatements(persons.erase(query("ann@example.com")))
      assert.deepStrictEqual(value, { ...Person.nothing, submissions: 100 })
      // In addition, the statements that delete a page's rows.
      assert.isAtMost(count, 12 * (1000 / 64 + 2) + 4)
    }).pipe(Effect.provide(live))
)

it.live(
  "privacy/postgres/Persons: finds all conversations of a person on a website, and reads none of other websites",
  () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const persons = yield* Person.Persons
      const instances = yield* InstanceDirectory
      const [website, other] = [yield* Delivery.newSite, yield* Delivery.newSite]
      const create = (websiteConfigId: WebsiteConfigId) =>
        Effect.map(
          instances.create({ name: "a", agent_url: "https://a.example", website_config_id: websiteConfigId }),
          ({ instance_id: instanceId }) => instanceId
        )
      /** Stores conversations, ten in each microsecond. Every third one contains the address. */
      const insertConversations = (instanceId: string, count: number) => sql`WITH begun AS (
        INSERT INTO conversation (instance_id, conversation_id, created_at, updated_at, messages, size)
        SELECT ${instanceId}::uuid, 'c-' || n, at, at, 1, 20
        FROM generate_series(1, ${count}::int) AS n,
          LATERAL (SELECT timestamptz '2026-01-01Z' + (n / 10) * interval '1 microsecond' AS at) AS started
        RETURNING *
      )
      INSERT INTO conversation_message (message_id, conversation_key, position, role, parts, characters, created_at)
      SELECT gen_random_uuid(), conversation_key, 1, 'user', json_build_array(json_build_object('type', 'text', 'text',
        CASE WHEN substr(conversation_id, 3)::int % 3 = 0 THEN 'I am ann@example.com' ELSE 'Hi' END)), 20, created_at FROM begun`
      yield* insertConversations(yield* create(website), 220)
      yield* insertConversations(yield* create(website), 30)
      yield* insertConversations(yield* create(other), 300)
      const query = { address: "ann@example.com", websiteConfigId: website, kinds: ["conversation"] as const }
      const { count, value } = yield* countStatements(Stream.runCollect(persons.records(query)))
      assert.deepStrictEqual(
        value.map((record) => (record.kind === "conversation" ? record.conversation.conversation_id : "")).sort(),
        [220, 30].flatMap((count) => Array.from({ length: Math.floor(count / 3) }, (_, n) => `c-${3 * n + 3}`)).sort()
      )
      // Three statements for each page of 50 conversations (one of them for its deliveries), one for each conversation found, and
      // one for the instances.
      assert.isAtMost(count, 3 * (5 + 1) + 83 + 1)
    }).pipe(Effect.provide(live))
)

it.live(
  "privacy/postgres/Persons: a person who logs in is found and erased on all websites only, and is logged out",
  () =>
    Effect.gen(function* () {
      const persons = yield* Person.Persons
      const sessions = yield* ConsoleSessions
      const website = yield* Delivery.newSite
      const email = `${randomUUID()}@example.com`
      const linkExpiresAt = (yield* Clock.currentTimeMillis) + 60_000
      const request = { role: "owner", sites: [website], label: "Ada", email, linkExpiresAt } as const
      const [accepted, waiting] = [
        yield* Effect.flatMap(sessions.createLink(request), Effect.fromOption),
        yield* Effect.flatMap(sessions.createLink(request), Effect.fromOption)
      ]
      const { cookie, session } = yield* Effect.flatMap(
        sessions.open(accepted.link, "Firefox on Linux"),
        Effect.fromOption
      )
      const query = (websiteConfigId: WebsiteConfigId | null) => ({
        address: email,
        websiteConfigId,
        kinds: Person.kinds
      })
      // A member of the website may erase its visitors, but no owner.
      assert.deepStrictEqual(yield* persons.erase(query(website)), Person.nothing)
      const found = yield* Stream.runCollect(persons.records(query(null)))
      const roles = [{ role: "owner" as const, sites: [website] }]
      assert.deepStrictEqual(
        found.map((record) => {
          if (record.kind !== "account") return []
          const { confirmed_at, devices, person_id, roles, session_id } = record.account
          return [person_id, session_id, devices, roles, confirmed_at !== null]
        }),
        [
          [session.person?.person_id ?? null, null, ["Firefox on Linux"], roles, true],
          [null, waiting.session.session_id, [], roles, false]
        ]
      )
      assert.deepStrictEqual(yield* persons.erase(query(null)), { ...Person.nothing, accounts: 2 })
      assert.isTrue(Option.isNone(yield* sessions.findLink(waiting.link)))
      assert.isTrue(Option.isNone(yield* sessions.find(cookie)))
      assert.deepStrictEqual(yield* Stream.runCollect(persons.records(query(null))), [])
      const sql = yield* PgClient.PgClient
      const rows = yield* sql`SELECT row_to_json(console_session)::text AS row FROM console_session`
      assert.notInclude(JSON.stringify(rows), email)
      assert.notInclude(JSON.stringify(rows), "Firefox")
    }).pipe(Effect.provide(live))
)
