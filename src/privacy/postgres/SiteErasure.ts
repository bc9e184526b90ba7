/**
 * Deletes a website and all its data, while other websites are written to.
 *
 * 1. Marks the website. Statements that begin later do not find it and store nothing for it. If its instances are deleted with
 *    it, the same transaction deletes their tokens.
 * 2. Waits for the transactions that are writing to the tables of websites: they may have found the website before the mark.
 *    Blocks no transaction. After that, no more data is stored for the website. Only a rollup run of a separate store may still
 *    store visits, and deletes them when it ends.
 * 3. Deletes its data. From large tables, a statement deletes a few thousand rows at most, so that no lock is held for long.
 * 4. Deletes its row last, after its instances if they are deleted with it. As long as the row exists, the same command or
 *    `Maintenance` can resume an interrupted erasure. The same transaction deletes the keys, sessions and links that reach no
 *    other website.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { Effect, Layer, Option, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { SeparateStore } from "../../analytics/SeparateStore.ts"
import * as InstanceDirectory from "../../chat/postgres/InstanceDirectory.ts"
import { HostedWebsiteId, InstanceId } from "../../platform/Id.ts"
import * as Database from "../../platform/postgres/Database.ts"
import * as Partitions from "../../platform/postgres/schema/Partitions.ts"
import * as Writers from "../../platform/postgres/Writers.ts"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import type { StorageUnavailable } from "../../platform/Storage.ts"
import * as CredentialSql from "../../sites/access/postgres/CredentialSql.ts"
import * as SiteTables from "../../sites/postgres/SiteTables.ts"
import { type Erased, type Options as EraseOptions, SiteErasure } from "../../sites/SiteErasure.ts"

const Marked = Schema.Array(Schema.Struct({ hosted_website_id: HostedWebsiteId }))

const lock = (id: string) =>
  SqlClient.SqlClient.use((sql) => sql`SELECT 1 FROM site WHERE website_config_id = ${PgTypes.uuid(id)} FOR UPDATE`)

/**
 * The tables to which a transaction writes after it has found a website. `rollup_day` covers the other tables of rollups, since
 * a transaction that writes to those locks `rollup_day` first.
 */
const writtenTables = [
  ...Partitions.parents,
  "conversion",
  "conversion_outbox",
  "pending_lead",
  "submission",
  "deleted_submission",
  "outbox",
  "submission_outbox",
  "delivery",
  "mail",
  "mail_item",
  "idempotency_key",
  "conversation",
  "not_counted",
  "rollup_day",
  "analytics_copy"
]

const outboxes = ["outbox", "submission_outbox"]

/** The tokens of a website's instances. */
const deleteTokens = (id: string) =>
  SqlClient.SqlClient.use(
    (sql) => sql`DELETE FROM widget_token USING instance
      WHERE instance.website_config_id = ${PgTypes.uuid(id)} AND widget_token.instance_id = instance.instance_id`
  )

/** Marks a website, waits for running writers, and returns its `hosted_website_id`; none if it does not exist. */
const close = Effect.fnUntraced(function* (id: string, { withInstances }: EraseOptions) {
  const sql = yield* SqlClient.SqlClient
  // Idempotent: a second run keeps the `deleted_at` of the first.
  const [marked] = yield* sql`UPDATE site SET deleted_at = coalesce(deleted_at, now())
    WHERE website_config_id = ${PgTypes.uuid(id)} RETURNING hosted_website_id`.pipe(
    Effect.tap(() => (withInstances ? deleteTokens(id) : Effect.void)),
    sql.withTransaction,
    Database.mapErrors,
    decodeRows(Marked)
  )
  if (marked === undefined) return Option.none()
  yield* Database.mapErrors(Writers.awaitEnd(writtenTables))
  return Option.some(marked.hosted_website_id)
})

const Instances = Schema.Array(Schema.Struct({ id: InstanceId }))

/** Deletes the conversations of a website's instances and returns their number. Conversations that begin later remain. */
const deleteConversations = Effect.fnUntraced(function* (id: string) {
  const sql = yield* SqlClient.SqlClient
  const instances =
    yield* sql`SELECT instance_id AS id FROM instance WHERE website_config_id = ${PgTypes.uuid(id)}`.pipe(
      Database.mapErrors,
      decodeRows(Instances)
    )
  let deleted = 0
  for (const instance of instances) deleted += yield* InstanceDirectory.deleteConversations(instance.id)
  return deleted
})

/** For each partitioned table, the field of `Erased` that counts its rows. */
const erasedOf = { page_view: "pageViews", bot_view: "botViews", event: "events" } as const

/** Erases a website, as `SiteErasure.erase` does. */
export const erase = Effect.fnUntraced(function* (
  id: string,
  options: EraseOptions = { withInstances: false }
): Effect.fn.Return<Option.Option<Erased>, StorageUnavailable, SqlClient.SqlClient> {
  const sql = yield* SqlClient.SqlClient
  const hosted = yield* close(id, options)
  if (Option.isNone(hosted)) return Option.none()
  const erased = {
    pageViews: 0,
    botViews: 0,
    events: 0,
    conversions: 0,
    submissions: 0,
    conversations: 0,
    idempotencyKeys: 0,
    decisionCounts: 0
  }
  erased.idempotencyKeys = yield* SiteTables.deleteAll(SiteTables.idempotencyKeys, id)
  erased.submissions = yield* SiteTables.deleteAll(SiteTables.submissions, id)
  erased.submissions += yield* SiteTables.deleteAll(SiteTables.deletedSubmissions, id)
  for (const table of outboxes) {
    yield* sql`DELETE FROM ${sql(table)} WHERE website_config_id = ${PgTypes.uuid(id)}`.pipe(Database.mapErrors)
  }
  erased.conversations = yield* deleteConversations(id)
  yield* SiteTables.deleteAll(SiteTables.deliveries, id)
  yield* SiteTables.deleteAll(SiteTables.mailItems, id)
  yield* SiteTables.deleteAll(SiteTables.mails, id)
  erased.decisionCounts = yield* SiteTables.deleteAll(SiteTables.decisionCounts, id)
  yield* sql`DELETE FROM pending_lead WHERE hosted_website_id = ${PgTypes.uuid(hosted.value)}`.pipe(Database.mapErrors)
  erased.conversions = yield* SiteTables.deleteAll(SiteTables.conversions, hosted.value)
  erased.conversions += yield* SiteTables.deleteAll(SiteTables.outboxConversions, hosted.value)
  for (const { name, parent } of yield* Database.mapErrors(Partitions.list)) {
    const deleted = yield* SiteTables.deleteAll(SiteTables.partition(name), hosted.value)
    erased[erasedOf[parent]] += deleted
  }
  const separate = yield* SeparateStore
  if (Option.isSome(separate)) {
    const { botViews, conversions, events, pageViews } = yield* separate.value.erase(hosted.value)
    erased.botViews += botViews
    erased.conversions += conversions
    erased.events += events
    erased.pageViews += pageViews
  }
  yield* SiteTables.deleteAll(SiteTables.visits, hosted.value)
  for (const table of ["rollup_month", "rollup_day", "rollup", "rollup_site", "rollup_stale", "analytics_copy"]) {
    yield* sql`DELETE FROM ${sql(table)} WHERE hosted_website_id = ${PgTypes.uuid(hosted.value)}`.pipe(
      Database.mapErrors
    )
  }
  // A process of an earlier version ignores the mark and may have stored a submission meanwhile.
  yield* lock(id).pipe(
    Effect.andThen(sql`DELETE FROM submission WHERE website_config_id = ${PgTypes.uuid(id)}`),
    Effect.andThen(
      Effect.forEach(
        outboxes,
        (table) => sql`DELETE FROM ${sql(table)} WHERE website_config_id = ${PgTypes.uuid(id)}`,
        { discard: true }
      )
    ),
    Effect.andThen(
      // Also deletes the conversations that were stored meanwhile. The lock keeps new instances out.
      Effect.when(
        sql`DELETE FROM instance WHERE website_config_id = ${PgTypes.uuid(id)}`,
        Effect.succeed(options.withInstances)
      )
    ),
    Effect.andThen(sql`DELETE FROM site WHERE website_config_id = ${PgTypes.uuid(id)}`),
    Effect.andThen(CredentialSql.deleteWithoutSites),
    sql.withTransaction,
    Database.mapErrors
  )
  return Option.some(erased)
})

const Names = Schema.Array(Schema.Struct({ name: Schema.String }))

const Unfinished = Schema.Array(Schema.Struct({ id: Schema.String }))

/** The websites whose erasure began more than an hour ago and has not completed, probably because it was interrupted. */
export const unfinished = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql`SELECT website_config_id AS id FROM site WHERE deleted_at < now() - interval '1 hour'`.pipe(
    decodeRows(Unfinished)
  )
  return rows.map(({ id }) => id)
})

const Present = Schema.Array(Schema.Struct({ id: Schema.String }))

/**
 * Deletes the visits that a separate store has of deleted websites: those that a rollup run stored which began before the
 * deletion and died, or that a process of an earlier version left.
 */
export const eraseLeftVisits = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const separate = yield* SeparateStore
  if (Option.isNone(separate)) return
  const ids = yield* separate.value.websitesWithVisits
  if (ids.length === 0) return
  const rows = yield* sql`SELECT hosted_website_id AS id FROM site
    WHERE hosted_website_id = ANY (${Database.array(ids, PgTypes.OID.uuid)})`.pipe(decodeRows(Present))
  const present = new Set(rows.map(({ id }) => id))
  yield* Effect.forEach(
    ids.filter((id) => !present.has(id)),
    separate.value.eraseVisits,
    { discard: true }
  )
})

export const layer: Layer.Layer<SiteErasure, never, SqlClient.SqlClient> = Layer.effect(
  SiteErasure,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const separate = yield* SeparateStore
    return {
      nameOf: (id) =>
        sql`SELECT name FROM site WHERE website_config_id = ${PgTypes.uuid(id)}`.pipe(
          Database.mapErrors,
          decodeRows(Names),
          Effect.map((rows) => Option.map(Option.fromUndefinedOr(rows[0]), ({ name }) => name))
        ),
      erase: (id, options) =>
        erase(id, options).pipe(
          Effect.provideService(SqlClient.SqlClient, sql),
          Effect.provideService(SeparateStore, separate)
        )
    }
  })
)
