/**
 * Two services that serve reports of one website, on a database that records every rollup of a day. The first is a process, the
 * second runs in the test's process.
 *
 * @module
 */
import { PgClient, PgTypes } from "@effect/sql-pg"
import { assert } from "@effect/vitest"
import { ConfigProvider, Context, Effect, Layer, Option, Redacted, Scope } from "effect"
import { Reactivity } from "effect/reactivity"
import * as Cluster from "../../scripts/torture/Cluster.ts"
import * as PgBouncer from "../../scripts/torture/PgBouncer.ts"
import * as App from "../../src/App.ts"
import { Settings } from "../../src/Config.ts"
import * as Migrations from "../../src/platform/postgres/schema/Migrations.ts"
import { OwnerKeys } from "../../src/sites/access/OwnerKey.ts"
import type { Site } from "../../src/sites/Site.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import * as Command from "./Command.ts"
import * as InProcessServe from "./InProcessServe.ts"
import * as Process from "./Process.ts"
import { until } from "./Wait.ts"

export interface Server {
  readonly url: string
  /** The URL of the owner API. */
  readonly owner: string
}

export class Service extends Context.Service<
  Service,
  {
    /** A client of the database, besides those of the services. */
    readonly sql: PgClient.PgClient
    readonly site: Site
    readonly key: string
    /** Both services. `kill` ends the first, `end` ends the second, and `start` starts another in the test's process. */
    readonly servers: readonly [Server, Server]
    readonly kill: Effect.Effect<void>
    readonly end: Effect.Effect<void>
    readonly start: Effect.Effect<Server>
    /** Runs a command, which must succeed. */
    readonly command: (...args: ReadonlyArray<string>) => Effect.Effect<void>
  }
>()("hydracore/test/ReportsService") {}

/** The time limit of a report. A busy machine needs a long one. */
const reportTimeout = "10 seconds"

/** Migrates the database, and creates a website and a key for its statistics. */
const newSiteAndKey = (url: string) =>
  Effect.gen(function* () {
    const settings = yield* Settings.parse(ConfigProvider.fromUnknown({ DATABASE_TIMEOUT: "30 seconds" }))
    const database = App.database(settings, { url: Redacted.make(url) })
    return yield* Effect.gen(function* () {
      const site = yield* SiteDirectory.use((sites) => sites.create({ name: "Reported", origins: [] }))
      const issued = yield* OwnerKeys.use((keys) =>
        keys.issue({ scope: "stats", sites: [site.websiteConfigId], label: null, expiresAt: null })
      )
      return { site, key: Option.getOrThrow(issued).key }
    }).pipe(
      Effect.provide(
        App.storage(settings).pipe(Layer.provide(Layer.effectDiscard(Migrations.run)), Layer.provide(database))
      )
    )
  }).pipe(Effect.orDie)

/** Records every rollup of a day in the table `audit`. */
const audit = (sql: PgClient.PgClient) =>
  Effect.gen(function* () {
    yield* sql`CREATE TABLE audit (day date)`
    yield* sql`CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN INSERT INTO audit VALUES (NEW.day); RETURN NULL; END $$`
    yield* sql`CREATE TRIGGER audit AFTER INSERT ON rollup_day FOR EACH ROW EXECUTE FUNCTION audit()`
  }).pipe(Effect.orDie)

/** Adds 600 visits of one page view each, on 20 days of March 2025. */
export const addVisits = (sql: PgClient.PgClient, site: Site, batch: string) =>
  Effect.orDie(sql`INSERT INTO page_view (hosted_website_id, received_at, path, session_id, utm_source, visitor_hash)
    SELECT ${PgTypes.uuid(site.hostedWebsiteId)}, timestamptz '2025-03-01 00:10Z' + n * interval '48 minutes', '/' || n % 3,
      ${batch} || n, CASE WHEN n % 4 = 0 THEN 'news' END, decode(md5(n % 50 || ${batch}), 'hex')
    FROM generate_series(0, 599) AS n`)

export const service = (through: "PostgreSQL" | "PgBouncer") =>
  Layer.effect(
    Service,
    Effect.gen(function* () {
      const cluster = yield* Cluster.make({ fsync: "off" })
      const { key, site } = yield* newSiteAndKey(cluster.url)
      const database = through === "PgBouncer" ? yield* PgBouncer.start(cluster) : cluster.url
      const sql = yield* PgClient.make({ url: Redacted.make(cluster.url) }).pipe(
        Effect.provide(Reactivity.layer),
        Effect.orDie
      )
      yield* audit(sql)
      yield* addVisits(sql, site, "first")
      const scope = yield* Effect.scope
      const env = { DATABASE_URL: database, OWNER_PORT: "0", REPORT_TIMEOUT: reportTimeout }
      const process = yield* Process.start("serve", env)
      const owner = yield* until(
        "the owner API has a URL",
        () => /Owner API on (http:\/\/127\.0\.0\.1:\d+)/.exec(process.output())?.[1]
      )
      const start = Effect.map(InProcessServe.start(env), ({ end, owner, url }) => ({ url, owner: owner ?? "", end }))
      const second = yield* start
      return Service.of({
        sql,
        site,
        key,
        servers: [{ url: process.url, owner }, second],
        kill: Effect.andThen(process.signal("SIGKILL"), process.ended),
        end: second.end,
        start: Scope.provide(start, scope),
        command: (...args) =>
          Effect.map(Command.run(args, { DATABASE_URL: database }), ({ code, output }) =>
            assert.strictEqual(code, 0, output)
          )
      })
    })
  )
