/**
 * The service with one of the stores of page views, as a process whose date a test sets, and the websites of `Traffic.ts`.
 *
 * @module
 */
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { PgClient } from "@effect/sql-pg"
import { Effect, Redacted, type Scope } from "effect"
import { Reactivity } from "effect/reactivity"
import * as HttpInterface from "../../support/clickhouse/HttpInterface.ts"
import * as Process from "../../support/Process.ts"
import * as TestDatabase from "../../support/postgres/TestDatabase.ts"
import * as Command from "../Command.ts"
import * as Definition from "./Definition.ts"
import * as Rows from "./Rows.ts"
import { type Website, websites } from "./Traffic.ts"

export type Store = keyof typeof Rows.dialects

export interface Site extends Website {
  readonly id: string
  readonly token: string
}

/** A row of a report. */
export interface Row {
  readonly dimensions: ReadonlyArray<string>
  readonly metrics: ReadonlyArray<unknown>
}

/** The first and the last day. */
export type Range = readonly [first: string, last: string]

const empty: Row = {
  dimensions: [],
  metrics: Definition.metrics.map((metric) => (metric === "total_revenue" ? null : 0))
}

export interface Service {
  readonly url: string
  readonly sites: ReadonlyArray<Site>
  readonly sql: PgClient.PgClient
  /** The headers that authenticate an owner's request. */
  readonly credentials: Readonly<Record<string, string>>
  /** Sends a request of an owner, which must succeed, and returns its answer's text. */
  readonly owner: (method: string, path: string, body?: object) => Effect.Effect<string>
  /** Runs a command at the machine's date, which must succeed, and returns its output. */
  readonly command: (...args: ReadonlyArray<string>) => Effect.Effect<string>
  /** Sets the service's date, in milliseconds since 1970. With 0, it is the machine's. */
  readonly setDate: (millis: number) => void
  /** Merges the many small inserts of the requests into few parts. Merging them over and over meanwhile takes longer. */
  readonly merge: Effect.Effect<void>
  /** Inserts rows into the store by SQL, without the service. */
  readonly insert: (statement: string) => Effect.Effect<unknown>
  /** What a report must have, in `Definition.metrics`. */
  readonly expected: (query: Definition.Query, site: Site, range: Range) => Effect.Effect<ReadonlyArray<Row>>
  /** Computes the facts of `Definition.ts` from the rows that the store has now. */
  readonly computeFacts: Effect.Effect<{ readonly views: number; readonly events: number; readonly leads: number }>
}

const dateFile = Effect.acquireRelease(
  Effect.sync(() => {
    const folder = mkdtempSync(path.join(tmpdir(), "hydracore-date-"))
    const file = path.join(folder, "date")
    writeFileSync(file, new Float64Array(1))
    const descriptor = openSync(file, "r+")
    return { descriptor, file, folder }
  }),
  ({ descriptor, folder }) =>
    Effect.sync(() => {
      closeSync(descriptor)
      rmSync(folder, { recursive: true })
    })
)

const clickHouse = Effect.map(HttpInterface.make, ({ address, url }) => {
  const post = (statement: string) =>
    Effect.promise(async () => {
      const response = await fetch(address.url, {
        method: "POST",
        headers: { authorization: `Basic ${Buffer.from(`${address.user}:${address.password}`).toString("base64")}` },
        body: statement
      })
      const text = await response.text()
      if (!response.ok) throw new Error(text)
      return text
    })
  const select: Rows.Select = (statement) =>
    Effect.map(post(`${statement} FORMAT JSONEachRow`), (text) =>
      text.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line)]))
    )
  const ofTables = (statement: (table: string) => string) =>
    Effect.forEach(["page_view", "event", "conversion"], (table) => post(statement(table)), { discard: true })
  // Disables fsync, as for the tests' PostgreSQL.
  const prepare = Effect.andThen(
    ofTables((table) => `ALTER TABLE ${table} MODIFY SETTING fsync_after_insert = 0, fsync_part_directory = 0`),
    ofTables((table) => `SYSTEM STOP MERGES ${table}`)
  )
  const merge = Effect.andThen(
    ofTables((table) => `SYSTEM START MERGES ${table}`),
    ofTables((table) => `OPTIMIZE TABLE ${table} FINAL`)
  )
  return { env: { ANALYTICS_URL: url, ANALYTICS_INTERVAL: "10 millis" }, prepare, merge, insert: post, select }
})

const postgres = (sql: PgClient.PgClient) =>
  Effect.succeed({
    env: {},
    prepare: Effect.void,
    merge: Effect.void,
    insert: (statement: string) => Effect.orDie(sql.unsafe(statement)),
    select: (statement: string) => Effect.orDie(sql.unsafe<Readonly<Record<string, unknown>>>(statement))
  })

/** Starts a service with an empty store. */
export const make = Effect.fnUntraced(function* (store: Store): Effect.fn.Return<Service, never, Scope.Scope> {
  const databaseUrl = yield* TestDatabase.unmigrated
  const sql = yield* Effect.orDie(
    PgClient.make({ url: Redacted.make(databaseUrl), maxConnections: 2 }).pipe(Effect.provide(Reactivity.layer))
  )
  const { env: ofStore, insert, merge, prepare, select } = yield* store === "PostgreSQL" ? postgres(sql) : clickHouse
  const date = yield* dateFile
  const env = {
    ...ofStore,
    DATABASE_URL: databaseUrl,
    OWNER_API: "on",
    RATE_LIMIT_OWNER: "off",
    // A report waits for the processors of a busy machine.
    REPORT_TIMEOUT: "2 minutes",
    DATABASE_TIMEOUT: "1 minute",
    TRUSTED_PROXIES: "127.0.0.1",
    GEO_HEADER: "cf-ipcountry",
    NODE_OPTIONS: `--import=${path.join(import.meta.dirname, "../SetDate.mjs")}`,
    PROGRAM_DATE_FILE: date.file
  }
  const command = Effect.fnUntraced(function* (...args: ReadonlyArray<string>) {
    const { code, stderr, stdout } = yield* Command.run(args, env)
    if (code !== 0) return yield* Effect.die(new Error(`${args.join(" ")}: ${stderr}`))
    return stdout
  })
  yield* command("migrate")
  yield* prepare
  const [{ url }, issued] = yield* Effect.all(
    [Process.serve(env), command("key", "issue", "--all-sites", "--scope", "write", "--json")],
    { concurrency: 2 }
  )
  const { key } = JSON.parse(issued) as { readonly key: string }
  const credentials = { authorization: `Bearer ${key}` }
  const owner = (method: string, path: string, body?: object) =>
    Effect.promise(async () => {
      const response = await fetch(url + path, {
        method,
        headers: { ...credentials, "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) })
      })
      const text = await response.text()
      if (!response.ok) throw new Error(`${method} ${path} ${JSON.stringify(body)}: ${response.status} ${text}`)
      return text
    })
  const sites = yield* Effect.forEach(websites, ({ name, timeZone }) =>
    Effect.map(owner("POST", "/v1/owner/sites", { name, time_zone: timeZone }), (text): Site => {
      const { site_id, tracking_token } = JSON.parse(text) as {
        readonly site_id: string
        readonly tracking_token: string
      }
      return { name, timeZone, id: site_id, token: tracking_token }
    })
  )
  yield* Effect.orDie(sql.unsafe(`DO $$ BEGIN ${Definition.tables} END $$`))
  yield* Effect.orDie(
    sql`INSERT INTO expected.website SELECT website_config_id, hosted_website_id, time_zone FROM site`
  )
  const known = new Map<string, ReadonlyArray<Row>>()
  const expected = Effect.fnUntraced(function* (query: Definition.Query, { id }: Site, range: Range) {
    const statement = Definition.report(query)
    const key = JSON.stringify([statement, id, range])
    const rows = known.get(key) ?? (yield* sql.unsafe<Row>(statement, [id, ...range]))
    known.set(key, rows)
    return rows.length === 0 && query.dimensions.length === 0 ? [empty] : rows
  }, Effect.orDie)
  const computeFacts = Effect.gen(function* () {
    known.clear()
    yield* sql`TRUNCATE expected.goal`
    yield* sql`INSERT INTO expected.goal SELECT website_config_id, name, kind, value FROM goal`
    const counts = yield* Rows.copy(sql, select, Rows.dialects[store])
    yield* sql.unsafe(`DO $$ BEGIN ${Definition.computeFacts} END $$`)
    return counts
  }).pipe(Effect.orDie)
  const setDate = (millis: number) => void writeSync(date.descriptor, new Float64Array([millis]), 0, 8, 0)
  return { url, sites, sql, credentials, owner, command, setDate, merge, insert, expected, computeFacts }
})
