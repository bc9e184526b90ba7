/**
 * Migrates what earlier revisions stored, and serves it: no row is lost, and ids, tokens and keys that are in use keep working.
 * `scripts/fixtures/dump-revision.mjs` writes the fixtures. Imports nothing of `src`.
 */
import { spawn } from "node:child_process"
import { randomUUID } from "node:crypto"
import { readFileSync } from "node:fs"
import path from "node:path"
import { isDeepStrictEqual } from "node:util"
import { PgClient } from "@effect/sql-pg"
import { assert, inject, layer } from "@effect/vitest"
import { Effect, Redacted, Schema } from "effect"
import { Reactivity } from "effect/reactivity"
import * as Program from "../support/Program.ts"
import { urlOf } from "../support/postgres/TestPostgres.ts"
import { until } from "../support/Wait.ts"
import * as Command from "./Command.ts"

/** What a fixture's first line says of the rows that follow. */
const Facts = Schema.fromJsonString(
  Schema.Struct({
    website_config_id: Schema.String,
    tracking_token: Schema.String,
    instance_id: Schema.String,
    widget_token: Schema.String,
    owner_key: Schema.optionalKey(Schema.String)
  })
)

/** Tables that are computed from others, and the record of migrations: they may be computed anew. */
const derived = /^(?:rollup_.*|effect_sql_migrations|page_view_batch)$/

const browser = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

const client = (url: string) => PgClient.make({ url: Redacted.make(url), maxConnections: 1 })

/** Every row of every table as JSON, by the table's name. Partitions count as their table. */
const rowsOf = Effect.fnUntraced(function* (sql: PgClient.PgClient) {
  const tables = yield* sql<{ readonly name: string }>`
    SELECT relname AS name FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition`
  const entries = yield* Effect.forEach(
    tables.filter(({ name }) => !derived.test(name)),
    ({ name }) =>
      Effect.map(
        sql<{ readonly row: Record<string, unknown> }>`SELECT to_jsonb(stored) AS row FROM ${sql(name)} AS stored`,
        (rows) => [name, rows.map(({ row }) => row)] as const
      )
  )
  return new Map(entries)
})

/** A database with what a revision stored, before any migration of today. */
const load = Effect.fnUntraced(function* (revision: string) {
  const postgres = inject("postgres")
  if (postgres._tag === "Unavailable") return assert.fail(postgres.message)
  const { admin, url } = postgres
  const name = `${postgres.template}_upgrade_${randomUUID().slice(0, 8)}`
  const server = yield* client(urlOf(url, admin))
  yield* Effect.acquireRelease(server`CREATE DATABASE ${server(name)}`, () =>
    client(urlOf(url, admin)).pipe(
      Effect.flatMap((sql) => sql`DROP DATABASE ${sql(name)} WITH (FORCE)`),
      Effect.scoped,
      Effect.orDie
    )
  )
  const databaseUrl = urlOf(url, name)
  const sql = yield* client(databaseUrl)
  const dump = readFileSync(path.join(import.meta.dirname, "fixtures", `${revision}.sql`), "utf8")
  // As one block, because the client sends one statement at a time.
  yield* sql.unsafe(
    `DO $dump$ BEGIN ${dump.replaceAll("\nSELECT pg_catalog.setval", "\nPERFORM pg_catalog.setval")} END $dump$`
  )
  const facts = yield* Schema.decodeEffect(Facts)(dump.slice(3, dump.indexOf("\n")))
  return { databaseUrl, facts, sql }
})

const program = Effect.fnUntraced(function* (databaseUrl: string) {
  const main = yield* Program.main
  const env = {
    PATH: process.env["PATH"] ?? "",
    DATABASE_URL: databaseUrl,
    SECRETS_KEY: "0".repeat(64),
    OWNER_API: "on",
    DELIVERY: "off",
    RETENTION_CONVERSATIONS: "off",
    PORT: "0"
  }
  const run = (...args: ReadonlyArray<string>) =>
    Effect.map(Command.run([...args, "--json"], env), ({ code, stderr, stdout }) => {
      assert.strictEqual(code, 0, stderr)
      return stdout
    })
  const serve = Effect.gen(function* () {
    let log = ""
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        const child = spawn(process.execPath, [main, "serve"], { env, stdio: ["ignore", "pipe", "pipe"] })
        for (const stream of [child.stdout, child.stderr])
          stream.setEncoding("utf8").on("data", (text) => (log += text))
        return { child, ended: new Promise((resolve) => child.once("exit", resolve)) }
      }),
      ({ child, ended }) =>
        Effect.promise(() => {
          child.kill("SIGTERM")
          return ended
        })
    )
    return yield* until(
      () => `the service listens: ${log}`,
      () => /Listening on (http:\/\/[\w.:]+)/.exec(log)?.[1]
    )
  })
  return { run, serve }
})

layer(Reactivity.layer, { excludeTestServices: true })("an upgrade", (it) => {
  for (const revision of ["cf86c6e", "5c0da731"]) {
    it.effect(`from ${revision} keeps every row, and what is in use`, () =>
      Effect.gen(function* () {
        const { databaseUrl, facts, sql } = yield* load(revision)
        const { run, serve } = yield* program(databaseUrl)
        const before = yield* rowsOf(sql)
        assert.isAtLeast(before.get("page_view")?.length ?? 0, 4)
        yield* run("migrate")
        const after = yield* rowsOf(sql)
        for (const [table, rows] of before) {
          assert.strictEqual(after.get(table)?.length, rows.length, `rows of ${table}`)
          for (const row of rows) {
            const found = after
              .get(table)
              ?.some((other) => Object.entries(row).every(([column, value]) => isDeepStrictEqual(value, other[column])))
            assert.isTrue(found, `${table} has no row with ${JSON.stringify(row)}`)
          }
        }

        const exported = yield* run("submissions", "export", "--site", facts.website_config_id)
        assert.strictEqual(JSON.parse(exported).length, 2)
        assert.include(exported, "Zwei Plätze, bitte: Größe 38 €")
        const url = yield* serve
        const post = (path: string, body: object, headers: Record<string, string> = {}) =>
          Effect.promise(() =>
            fetch(`${url}${path}`, {
              method: "POST",
              headers: { "content-type": "application/json", "user-agent": browser, ...headers },
              body: JSON.stringify(body)
            })
          )
        const tracked = yield* post("/v1/public/analytics/track", { site_id: facts.tracking_token, page_path: "/" })
        assert.strictEqual(tracked.status, 204)
        assert.strictEqual((yield* rowsOf(sql)).get("page_view")?.length, (before.get("page_view")?.length ?? 0) + 1)
        const chat = `/v1/public/widget/${facts.instance_id}/chat`
        // The agent of the fixture has ended, which only an accepted token learns.
        const answered = yield* post(chat, { message: "Hello" }, { "x-widget-token": facts.widget_token })
        assert.strictEqual(answered.status, 502)
        assert.strictEqual((yield* post(chat, { message: "Hello" }, { "x-widget-token": "other" })).status, 401)
        if (facts.owner_key === undefined) return
        const sites = yield* Effect.promise(() =>
          fetch(`${url}/v1/owner/sites`, { headers: { authorization: `Bearer ${facts.owner_key}` } }).then((response) =>
            response.json()
          )
        )
        assert.include(JSON.stringify(sites), facts.website_config_id)
      })
    )
  }
})
