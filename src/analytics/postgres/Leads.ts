/**
 * Credits visits with leads.
 *
 * Page views have no index by visitor, because it would slow down every insert. Instead, a pass reads a website's latest rows
 * once for all of its pending leads: those of the last half hour, and earlier ones only for visits that last longer or, before a
 * lead is dropped, for a visit that ended hours ago.
 *
 * @module
 */

import { randomUUID } from "node:crypto"
import { PgTypes } from "@effect/sql-pg"
import { PgClient } from "@effect/sql-pg/PgClient"
import { Duration, Effect, Layer, Option, Schema } from "effect"
import { SqlClient } from "effect/sql"
import type { SqlError } from "effect/sql/SqlError"
import type { InstanceId } from "../../platform/Id.ts"
import * as Database from "../../platform/postgres/Database.ts"
import * as FailedItems from "../../platform/rounds/postgres/FailedItems.ts"
import * as Rounds from "../../platform/rounds/Rounds.ts"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import type { StorageUnavailable } from "../../platform/Storage.ts"
import * as AnalyticsRows from "../AnalyticsRows.ts"
import * as Lead from "../Lead.ts"
import { Leads, type Matched } from "../Lead.ts"
import { SeparateStore, type Store } from "../SeparateStore.ts"
import * as ConversionOutbox from "./ConversionOutbox.ts"

/** Maximum number of leads of a website in a pass. */
const maxLeads = 500

/** Maximum number of websites in a pass. */
const maxSites = 100

/** The arbitrary unique key of the lock that lets one process match at a time. */
const advisoryLock = 7_215_930_445

/** Drops leads that are too old because no pass succeeded, so that no visitor stays linked to a submission. */
const expireStatement = `DELETE FROM pending_lead WHERE stored_at < now() - interval '${Lead.maxKeptMillis} milliseconds'`

/** The websites with pending leads, the longest waiting first. */
const sitesStatement = `SELECT hosted_website_id AS "hostedWebsiteId" FROM pending_lead
  GROUP BY hosted_website_id ORDER BY min(stored_at) LIMIT ${maxSites}`

const Sites = Schema.Array(Schema.Struct({ hostedWebsiteId: Schema.String }))

/**
 * The longest waiting leads of a website; none if another process has the lock. The lock ends with the transaction, so that the
 * connection may be shared through PgBouncer.
 */
const leadsStatement = `SELECT lead_id AS "leadId", kind, hosted_website_id AS "hostedWebsiteId", visitor_hashes AS "visitorHashes",
    (extract(epoch FROM received_at) * 1000)::float8 AS "receivedAt",
    stored_at < now() - interval '${Lead.maxWaitMillis} milliseconds' AS "isLate"
  FROM pending_lead WHERE hosted_website_id = $1 AND (SELECT pg_try_advisory_xact_lock(${advisoryLock})) ORDER BY stored_at LIMIT ${maxLeads}`

const PendingLeads = Schema.Array(
  Schema.Struct({
    leadId: Schema.String,
    kind: Schema.Literals(["form", "chat"]),
    hostedWebsiteId: Schema.String,
    visitorHashes: Schema.Array(Schema.String),
    receivedAt: Schema.Finite,
    isLate: Schema.Boolean
  })
)

type PendingLead = (typeof PendingLeads.Type)[number]

/** The rows of a website in a period that have one of the hashes `$4`. */
const ofVisitors = (table: "page_view" | "event", columns: string) => `SELECT session_id AS session,
    encode(visitor_hash, 'hex') AS hash, (extract(epoch FROM received_at) * 1000)::float8 AS at, path AS page, country, ${columns}
  FROM ${table} WHERE hosted_website_id = $1 AND received_at > $2 AND received_at <= $3
    AND visitor_hash IN (SELECT decode(hash, 'hex') FROM unnest($4) AS hash)`

const rowsStatement = `${ofVisitors("page_view", 'true AS "isView", utm_source, utm_medium, utm_campaign, referrer_host, referrer_path')}
  UNION ALL ${ofVisitors("event", "false, NULL, NULL, NULL, NULL, NULL")}`

/**
 * Ends leads: those in `$1` are matched, those in `$12` dropped. Leads that another process has deleted have no effect. No
 * conversion is stored for a website whose deletion has begun, or for a quarantined submission. Conversations are locked in the
 * order that `ConversationStore` describes.
 */
const endStatement = (conversions: "conversion" | "conversion_outbox") => `WITH matched AS (
    SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
      AS matched (lead_id, visit_started_at, session_key, name, source, medium, campaign, referrer, entry_page, page, country)
  ), ended AS (
    DELETE FROM pending_lead WHERE lead_id IN (SELECT lead_id FROM matched) OR lead_id = ANY ($12)
    RETURNING lead_id, hosted_website_id, kind, conversation_key
  ), chat AS MATERIALIZED (
    SELECT conversation_key, matched.page, matched.source, matched.country
    FROM matched JOIN ended USING (lead_id) JOIN conversation USING (conversation_key)
    ORDER BY running FOR NO KEY UPDATE OF conversation
  ), described AS (
    UPDATE conversation SET page = chat.page, source = chat.source, country = chat.country
    FROM chat WHERE conversation.conversation_key = chat.conversation_key
  ), attributed AS (
    UPDATE submission SET source = matched.source, medium = matched.medium, campaign = matched.campaign,
      referrer = matched.referrer, entry_page = matched.entry_page
    FROM matched JOIN ended USING (lead_id) WHERE submission_id = lead_id AND kind = 'form'
  )
  INSERT INTO ${conversions} (hosted_website_id, visit_started_at, session_key, name)
  SELECT hosted_website_id, visit_started_at, session_key, matched.name
  FROM matched JOIN ended USING (lead_id) JOIN site USING (hosted_website_id)
  WHERE deleted_at IS NULL AND NOT EXISTS (SELECT FROM submission WHERE submission_id = lead_id AND status = 'quarantined')`

const endParameters = (matched: ReadonlyArray<Lead.MatchedLead>, dropped: ReadonlyArray<PendingLead>) => {
  const text = (valueOf: (one: Lead.MatchedLead) => string | null) => Database.texts(matched.map(valueOf))
  return [
    Database.uuids(matched.map(({ lead }) => lead.leadId)),
    Database.timestamps(matched.map(({ visit }) => new Date(visit.startedAt))),
    text(({ visit }) => visit.sessionKey),
    text((one) => Lead.conversionOf(one).name),
    text(({ visit }) => visit.attribution.source),
    text(({ visit }) => visit.attribution.medium),
    text(({ visit }) => visit.attribution.campaign),
    text(({ visit }) => visit.attribution.referrer),
    text(({ visit }) => visit.attribution.entryPage),
    text(({ visit }) => visit.page),
    text(({ visit }) => visit.country),
    Database.uuids(dropped.map(({ leadId }) => leadId))
  ]
}

/** Reads the page views and events of the visitors of one website's leads. */
const search = Effect.fnUntraced(function* (
  sql: PgClient,
  separate: Option.Option<Store>,
  hostedWebsiteId: string,
  leads: ReadonlyArray<PendingLead>
) {
  const times = leads.map(({ receivedAt }) => receivedAt)
  const first = Math.min(...times)
  const until = Math.max(...times) + Lead.clockToleranceMillis
  const visitorHashes = [...new Set(leads.flatMap((lead) => lead.visitorHashes))]
  const read = (after: number): Effect.Effect<ReadonlyArray<Lead.VisitorRow>, SqlError | StorageUnavailable> =>
    Option.isSome(separate)
      ? separate.value.visitorRows({ hostedWebsiteId, after, until, visitorHashes })
      : sql
          .unsafe(rowsStatement, [
            PgTypes.uuid(hostedWebsiteId),
            PgTypes.timestamptz(after),
            PgTypes.timestamptz(until),
            Database.texts(visitorHashes)
          ])
          .pipe(AnalyticsRows.decodeVisitors)
  let rowsOf: (lead: PendingLead) => ReadonlyArray<Lead.VisitorRow> = () => []
  for (const millis of Lead.searchMillis) {
    const after = first - millis
    const byHash = Map.groupBy(yield* read(after), ({ visitorHash }) => visitorHash)
    rowsOf = (lead) => lead.visitorHashes.flatMap((hash) => byHash.get(hash) ?? [])
    if (!leads.some((lead) => Lead.needsEarlierRows(lead, rowsOf(lead), after))) break
  }
  return rowsOf
})

const none: Matched = { matched: 0, dropped: 0 }

/** Matches the leads of one website in a transaction. */
const matchSite = (
  sql: PgClient,
  separate: Option.Option<Store>,
  hostedWebsiteId: string
): Effect.Effect<Matched, SqlError | StorageUnavailable> =>
  Effect.gen(function* () {
    const leads = yield* sql.unsafe(leadsStatement, [PgTypes.uuid(hostedWebsiteId)]).pipe(decodeRows(PendingLeads))
    if (leads.length === 0) return none
    const { dropped, matched } = Lead.match(leads, yield* search(sql, separate, hostedWebsiteId, leads))
    if (matched.length + dropped.length > 0) {
      const conversions = Option.isSome(separate) ? "conversion_outbox" : "conversion"
      yield* sql.unsafe(endStatement(conversions), endParameters(matched, dropped))
    }
    return { matched: matched.length, dropped: dropped.length }
  }).pipe(sql.withTransaction)

/** Matches the leads of each website. If one website fails or times out, the others are still matched. */
const matchAll = Effect.fnUntraced(function* (sql: PgClient, separate: Option.Option<Store>) {
  const sites = yield* sql.unsafe(sitesStatement).pipe(Database.read(Sites))
  if (sites.length === 0) return none
  yield* sql.unsafe(expireStatement).pipe(Database.mapErrors)
  const ready = yield* FailedItems.ready("leads", sites, ({ hostedWebsiteId }) => hostedWebsiteId)
  const done = yield* FailedItems.each("leads", ready, ({ hostedWebsiteId }) =>
    matchSite(sql, separate, hostedWebsiteId).pipe(Database.mapErrors)
  )
  return {
    matched: done.reduce((sum, { matched }) => sum + matched, 0),
    dropped: done.reduce((sum, { dropped }) => sum + dropped, 0)
  }
})

/** Matches the leads and, if there is a separate store, moves the conversions to it. */
const pass = Effect.fnUntraced(function* (sql: PgClient, separate: Option.Option<Store>) {
  const matched = yield* Effect.exit(matchAll(sql, separate))
  if (Option.isSome(separate)) yield* ConversionOutbox.move(sql, separate.value).pipe(Database.mapErrors)
  return yield* matched
})

export const layer: Layer.Layer<Leads, never, PgClient> = Layer.effect(
  Leads,
  Effect.gen(function* () {
    const sql = yield* PgClient
    const separate = yield* SeparateStore
    return Leads.of({
      addChat: (chat) =>
        Effect.suspend(() =>
          insertOfChat(sql, randomUUID(), chat).pipe(Database.mapErrors, Effect.asVoid, Rounds.waking("leads"))
        ),
      match: pass(sql, separate).pipe(Effect.provideService(SqlClient.SqlClient, sql), Database.mapErrors)
    })
  })
)

/** The time between two passes while leads may wait for their visits. */
const interval = Duration.millis(500)

/** The passes after which a lead has been dropped, if its visit was not found. */
const times = Math.ceil((Lead.maxWaitMillis + 1_000) / Duration.toMillis(interval))

/** Runs passes until the scope closes: at once, and for as long as a lead that was stored may wait. */
export const rounds: Layer.Layer<never, never, Leads> = Layer.effectDiscard(
  Effect.gen(function* () {
    const { match } = yield* Leads
    yield* Rounds.start({
      kind: "leads",
      what: "match leads with their visits",
      round: Effect.map(match, ({ dropped, matched }) => (dropped + matched > 0 ? interval : null)),
      gap: interval,
      poll: { interval, times },
      startsAtOnce: true
    })
  })
)

/**
 * A `SELECT` of the website of an instance, unless the website is being deleted. The argument is the SQL of the instance's id.
 * The limit makes the planner use an index.
 */
export const websiteOf = (instanceIdSql: string): string => `SELECT hosted_website_id
  FROM instance JOIN site USING (website_config_id)
  WHERE instance.instance_id = ${instanceIdSql} AND site.deleted_at IS NULL LIMIT 1`

const insertOfChatStatement = `INSERT INTO pending_lead (lead_id, kind, hosted_website_id, visitor_hashes, received_at, conversation_key)
  SELECT $1, 'chat', hosted_website_id, $3, $4, $5 FROM (${websiteOf("$2")}) AS website
  ON CONFLICT DO NOTHING`

/**
 * Stores the pending lead of a chat that begins, once for each `leadId`, which is random. Does nothing for an instance without a
 * website. A lead names the stored conversation only until its visit is found, so that no row that is kept links the conversation to
 * the visitor.
 */
export const insertOfChat = (
  sql: SqlClient.SqlClient,
  leadId: string,
  chat: {
    readonly instanceId: InstanceId
    readonly visitorHashes: ReadonlyArray<string>
    /** Milliseconds since 1970. */
    readonly receivedAt: number
    /** The stored conversation that begins; none if the conversation is not stored, or has begun before. */
    readonly conversationKey?: bigint | undefined
  }
) =>
  sql.unsafe(insertOfChatStatement, [
    PgTypes.uuid(leadId),
    PgTypes.uuid(chat.instanceId),
    Database.texts(chat.visitorHashes),
    PgTypes.timestamptz(chat.receivedAt),
    PgTypes.int8(chat.conversationKey ?? null)
  ])
