/**
 * Prepares a database with a website and an instance, and compares its rows with the outcomes of a load.
 *
 * @module
 */
import { PgClient } from "@effect/sql-pg"
import { Effect, Layer, Option, Redacted, Schema, type Scope } from "effect"
import type { Instance } from "../../src/chat/Instance.ts"
import * as Instances from "../../src/chat/InstanceDirectory.ts"
import * as InstanceDirectory from "../../src/chat/postgres/InstanceDirectory.ts"
import * as WidgetTokens from "../../src/chat/postgres/WidgetTokens.ts"
import * as Tokens from "../../src/chat/WidgetTokens.ts"
import * as PgDatabase from "../../src/platform/postgres/Database.ts"
import * as Migrations from "../../src/platform/postgres/schema/Migrations.ts"
import * as SiteDirectory from "../../src/sites/postgres/SiteDirectory.ts"
import * as Sites from "../../src/sites/SiteDirectory.ts"
import * as Ledger from "./Ledger.ts"
import type { Load, Target } from "./Load.ts"

/** Makes a database, which need not be migrated, for a scenario, and returns the database's URL. */
export type Database = Effect.Effect<string, never, Scope.Scope>

/** Migrates a database and creates a website, an instance whose agent is at `agentUrl`, and a token. */
export const prepare = (
  url: string,
  agentUrl = "http://127.0.0.1:9",
  memory: Instance["memory"] = "agent"
): Effect.Effect<Target> =>
  Effect.gen(function* () {
    yield* Migrations.run
    const site = yield* Sites.SiteDirectory.use((sites) => sites.create({ name: "Torture", origins: [] }))
    const instance = yield* Instances.InstanceDirectory.use((instances) =>
      instances.create({ name: "Torture", agent_url: agentUrl, memory })
    )
    const token = yield* Tokens.WidgetTokens.use((tokens) =>
      tokens.issue({ reach: "all", instanceId: instance.instance_id, label: null, expiresAt: null })
    )
    return {
      trackingToken: site.trackingToken,
      websiteConfigId: site.websiteConfigId,
      instanceId: instance.instance_id,
      widgetToken: Option.getOrThrow(token).token
    }
  }).pipe(
    Effect.provide(
      Layer.mergeAll(SiteDirectory.layer(), InstanceDirectory.layer(), WidgetTokens.layer()).pipe(
        Layer.provideMerge(PgDatabase.layer({ url: Redacted.make(url), connections: 2, timeout: "20 seconds" }))
      )
    ),
    Effect.scoped,
    Effect.orDie
  )

/** Runs with a new connection and closes it. */
export const use = <A, E>(url: string, run: (sql: PgClient.PgClient) => Effect.Effect<A, E>): Effect.Effect<A> =>
  PgClient.PgClient.use(run).pipe(
    Effect.provide(PgDatabase.layer({ url: Redacted.make(url), connections: 1 })),
    Effect.orDie
  )

const Views = Schema.Array(Schema.Struct({ mark: Schema.String }))
const Forms = Schema.Array(Schema.Struct({ mark: Schema.String, submissionId: Schema.String }))

/** The stored page views and forms of a load. */
const rowsOf = (sql: PgClient.PgClient, run: string) =>
  Effect.gen(function* () {
    const views = yield* sql`SELECT substr(path, 2) AS mark FROM page_view WHERE starts_with(path, ${`/${run}-`})`
    const forms = yield* sql`SELECT form_data->>'mark' AS mark, submission_id AS "submissionId" FROM submission
      WHERE starts_with(form_data->>'mark', ${`${run}-`})`
    return [
      ...(yield* Schema.decodeUnknownEffect(Views)(views)),
      ...(yield* Schema.decodeUnknownEffect(Forms)(forms))
    ] satisfies ReadonlyArray<Ledger.Row>
  })

/** Compares a load's outcomes with the rows of a database and the rows that are stored elsewhere. */
export const account = (
  url: string,
  load: Load,
  rowsElsewhere: Effect.Effect<ReadonlyArray<Ledger.Row>> = Effect.succeed([])
): Effect.Effect<Ledger.Account> =>
  use(url, (sql) =>
    Effect.gen(function* () {
      return Ledger.reconcile(load.ledger, [...(yield* rowsOf(sql, load.run)), ...(yield* rowsElsewhere)])
    })
  )
