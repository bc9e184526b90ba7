/**
 * Reads and changes submissions in PostgreSQL for their website's owner.
 *
 * Lists are read by keyset pagination. Filters without an index (a search, the read mark, the page, the status `accepted`) are
 * applied to at most `windowSize` submissions for each part of a list, so that no part reads the whole table.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { PgClient } from "@effect/sql-pg/PgClient"
import { Effect, Layer, Option, Schema, Stream } from "effect"
import type { SqlError, Statement } from "effect/sql"
import { ConversationId, InstanceId, SubmissionId, type WebsiteConfigId } from "../../platform/Id.ts"
import * as Database from "../../platform/postgres/Database.ts"
import * as Times from "../../platform/postgres/Times.ts"
import * as Rounds from "../../platform/rounds/Rounds.ts"
import { decodeColumn, decodeRows } from "../../platform/runtime/Rows.ts"
import type { Position } from "../../platform/text/Cursor.ts"
import type { Access } from "../../sites/access/Access.ts"
import * as SiteLock from "../../sites/postgres/SiteLock.ts"
import * as Inboxes from "../Inbox.ts"
import * as SpamMarks from "./SpamMarks.ts"
import * as SubmissionRows from "./SubmissionRows.ts"

const Rows = Schema.Array(
  Schema.Struct({
    ...SubmissionRows.fields,
    is_read: Schema.Boolean,
    instance_id: Schema.NullOr(InstanceId),
    conversation_id: Schema.NullOr(ConversationId),
    answer: Schema.NullOr(
      Schema.fromJsonString(Schema.Struct({ at: Schema.Finite, by: Schema.NullOr(Schema.String) }))
    ),
    deleted_at: Schema.NullOr(Schema.Date)
  })
)

const toMessage = ({
  answer,
  conversation_id: conversationId,
  deleted_at: deletedAt,
  instance_id: instanceId,
  is_read: isRead,
  ...row
}: (typeof Rows.Type)[number]): Inboxes.Message => ({
  ...SubmissionRows.fromRow(row),
  isRead,
  conversation: instanceId === null || conversationId === null ? null : { instanceId, conversationId },
  answer,
  deletedAt: deletedAt?.getTime() ?? null
})

/** `Message.answer`: a reply with a subject is automatic. */
const answerColumn = `(SELECT json_build_object('at', ${Times.millis("reply.created_at")}, 'by', author)::text FROM reply
    WHERE reply.submission_id = submission.submission_id AND subject IS NULL AND reply.status <> 'failed'
    ORDER BY reply.created_at DESC, reply_id DESC LIMIT 1) AS answer`

const common = `is_read, instance_id, conversation_id, ${answerColumn}`

/** A table of submissions, and the expressions for what only one of the two tables stores. */
const tables = {
  submission: { name: "submission", more: `${common}, NULL::timestamptz AS deleted_at` },
  deleted: { name: "deleted_submission", more: `${common}, submission.deleted_at` }
} as const

const tableOf = ({ isDeleted }: Inboxes.Filter) => (isDeleted === true ? tables.deleted : tables.submission)

const Positions = Schema.Array(Schema.Struct({ submission_id: SubmissionId, received_at: Schema.Date }))

const Overviews = Schema.Tuple([
  Schema.Struct({ unread: Schema.Int, quarantined: Schema.Int, pages: Schema.Array(Schema.String) })
])

/** The columns of a submission, with only as much of its form as a preview needs. */
const summaryColumns = SubmissionRows.columnsWith(`left(form_data::text, ${Inboxes.maxPreviewSource})`)

const wholeColumns = SubmissionRows.columns

const findStatement = Object.values(tables)
  .map(
    ({ more, name }) =>
      `SELECT ${wholeColumns}, ${more} FROM ${name} AS submission WHERE submission_id = $1 AND website_config_id = $2`
  )
  .join(" UNION ALL ")

/** The size of the forms of the earlier rows of a page. */
const sizeBefore = `, sum(octet_length(form_data::text)) OVER (ORDER BY received_at DESC, submission_id DESC
  ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS size_before`

interface Query {
  readonly sites: Access["sites"]
  readonly filter: Inboxes.Filter
  readonly after: Position | null
  readonly limit: number
}

/** The maximum number of submissions that a stream reads at once. */
const streamPage = 64

/** The maximum size of their forms in bytes. A form may have hundreds of kilobytes; at least one is read. */
export const streamBytes = 1_000_000

/** Whether a filter selects what is new: accepted, and not read. */
const isUnread = ({ isRead, status }: Inboxes.Filter): boolean => status === "accepted" && isRead === false

/** Accepts submissions. Those that were quarantined leave an event for subscribers. */
const releaseStatement = `WITH found AS (
    SELECT submission_id FROM submission WHERE website_config_id = $1 AND submission_id = ANY ($2)
    ORDER BY submission_id FOR UPDATE
  ), released AS (
    UPDATE submission SET status = 'accepted' FROM found
    WHERE submission.submission_id = found.submission_id AND status <> 'accepted'
    RETURNING submission.submission_id, website_config_id
  ), event AS (
    INSERT INTO outbox (event_id, website_config_id, type, created_at, subject)
    SELECT gen_random_uuid(), website_config_id, 'submission.released', now(), submission_id::text
    FROM released JOIN site USING (website_config_id) WHERE has_subscribers
  )
  SELECT submission_id FROM found`

const make = Effect.gen(function* () {
  const sql = yield* PgClient
  const reads = yield* Database.OwnerConnections
  const whileLocked = yield* SiteLock.make

  /** The position as a value of `(received_at, submission_id)`. */
  const placeOf = ({ id, time }: Position, filter: Inboxes.Filter) => {
    const own = reads`FROM ${reads.literal(tableOf(filter).name)} WHERE submission_id = ${PgTypes.uuid(id)}`
    return reads`(${Times.ofPosition(reads, "received_at", own, time)}, ${PgTypes.uuid(id)})`
  }

  /** The conditions that have an index. Literals, so that the planner can use the indexes of the quarantine and of what is unread. */
  const indexed = ({ after, filter }: Query) =>
    reads.and([
      ...(filter.status === "quarantined" ? [reads`status = 'quarantined'`] : []),
      ...(filter.conversationId === undefined ? [] : [reads`conversation_id = ${PgTypes.text(filter.conversationId)}`]),
      ...(isUnread(filter) ? [reads`status = 'accepted' AND NOT is_read`] : []),
      ...(filter.since === undefined ? [] : [reads`received_at >= ${PgTypes.timestamptz(filter.since)}`]),
      ...(filter.before === undefined ? [] : [reads`received_at < ${PgTypes.timestamptz(filter.before)}`]),
      ...(after === null ? [] : [reads`(received_at, submission_id) < ${placeOf(after, filter)}`])
    ])

  const has = (column: string, needle: string) =>
    reads`strpos(lower(${reads.literal(column)}), lower(${PgTypes.text(needle)})) > 0`

  const matches = (search: string) => {
    const { json, text } = Inboxes.needlesOf(search)
    return reads.or([
      has("email", text),
      has("page_slug", text),
      ...json.map((needle) => has("form_data::text", needle))
    ])
  }

  const scanned = ({ pageSlug, search, ...filter }: Inboxes.Filter) => [
    ...(filter.status === "accepted" && !isUnread(filter) ? [reads`status = 'accepted'`] : []),
    ...(filter.isRead === undefined || isUnread(filter) ? [] : [reads`is_read = ${filter.isRead}`]),
    ...(pageSlug === undefined ? [] : [reads`page_slug = ${PgTypes.text(pageSlug)}`]),
    ...(search === undefined ? [] : [matches(search)])
  ]

  /**
   * The submissions of the query's websites that meet the conditions, as a table. Of several websites, each gives as many as the
   * query needs, from the end of its index.
   */
  const submissions = ({ filter, sites }: Query, conditions: Statement.Fragment, limit: number) => {
    const table = reads.literal(`${tableOf(filter).name} AS submission`)
    if (sites === "all") {
      return reads`${table} WHERE ${conditions} AND EXISTS (
        SELECT FROM site WHERE site.website_config_id = submission.website_config_id AND site.deleted_at IS NULL)`
    }
    const [only] = sites
    if (only !== undefined && sites.length === 1) {
      return reads`${table} WHERE website_config_id = ${PgTypes.uuid(only)} AND ${conditions}`
    }
    return reads`site CROSS JOIN LATERAL (
        SELECT * FROM ${table} WHERE submission.website_config_id = site.website_config_id AND ${conditions}
        ORDER BY received_at DESC, submission_id DESC LIMIT ${PgTypes.int8(BigInt(limit))}
      ) AS submission
      WHERE site.website_config_id = ANY (${Database.uuids(sites)}) AND site.deleted_at IS NULL`
  }

  /** The last submission of the window; null if the list ends within the window. */
  const windowEnd = (query: Query) =>
    reads`SELECT received_at, submission_id FROM ${submissions(query, indexed(query), Inboxes.windowSize)}
      ORDER BY received_at DESC, submission_id DESC OFFSET ${PgTypes.int8(BigInt(Inboxes.windowSize - 1))} LIMIT 1`.pipe(
      decodeRows(Positions),
      Effect.map(([row]): Position | null =>
        row === undefined ? null : { time: row.received_at.getTime(), id: row.submission_id }
      )
    )

  /** @param maxBytes the maximum size of the forms of a page, which is then shorter */
  const page = Effect.fnUntraced(function* (query: Query, columns: string, maxBytes?: number) {
    const filters = scanned(query.filter)
    // Read before the rows, so that a submission that is deleted meanwhile does not move the end past others.
    const end = filters.length === 0 ? null : yield* windowEnd(query)
    const conditions = [
      indexed(query),
      ...(end === null ? [] : [reads`(received_at, submission_id) >= ${placeOf(end, query.filter)}`]),
      ...filters
    ]
    const { more: deletion } = tableOf(query.filter)
    const found = (more: string) => reads`SELECT ${reads.literal(`${columns}${more}, ${deletion}`)}
      FROM ${submissions(query, reads.and(conditions), query.limit + 1)} ORDER BY received_at DESC, submission_id DESC
      LIMIT ${PgTypes.int8(BigInt(query.limit + 1))}`
    const rows = yield* (
      maxBytes === undefined
        ? found("")
        : reads`SELECT * FROM (${found(sizeBefore)}) AS page
            WHERE size_before IS NULL OR size_before < ${PgTypes.int8(BigInt(maxBytes))}`
    ).pipe(decodeRows(Rows))
    const items = rows.slice(0, query.limit).map(toMessage)
    const last = items.at(-1)
    const mayHaveMore = rows.length > query.limit || maxBytes !== undefined
    const next = mayHaveMore && last !== undefined ? Inboxes.positionOf(last) : end
    return { items, next }
  }, Database.mapErrors)

  const idsOfWebsite = (
    websiteConfigId: WebsiteConfigId,
    ids: ReadonlyArray<SubmissionId>,
    table: (typeof tables)[keyof typeof tables]
  ) =>
    sql`SELECT submission_id FROM ${sql.literal(table.name)} WHERE website_config_id = ${PgTypes.uuid(websiteConfigId)}
      AND submission_id = ANY (${Database.uuids(ids)}) ORDER BY submission_id`.pipe(Database.readColumn(SubmissionId))

  /** Deletes those that belong to the website. They cannot move to another website between the lookup and the deletion. */
  const deleteOwn: Inboxes.Inbox["Service"]["delete"] = (websiteConfigId, ids) =>
    Effect.tap(idsOfWebsite(websiteConfigId, ids, tables.submission), (own) =>
      Database.mapErrors(SubmissionRows.run(sql, websiteConfigId, own))
    )

  /** Also returns the ids of those that an earlier change has moved into this table. */
  const changedBefore =
    (
      table: (typeof tables)[keyof typeof tables],
      change: Inboxes.Inbox["Service"]["delete"]
    ): Inboxes.Inbox["Service"]["delete"] =>
    (websiteConfigId, ids) =>
      Effect.zipWith(idsOfWebsite(websiteConfigId, ids, table), change(websiteConfigId, ids), (before, now) => [
        ...before,
        ...now
      ])

  return Inboxes.Inbox.of({
    list: (query) =>
      Effect.map(page(query, summaryColumns), ({ items, next }) => ({ items: items.map(Inboxes.toSummary), next })),
    find: (websiteConfigId, submissionId) =>
      reads.unsafe(findStatement, [PgTypes.uuid(submissionId), PgTypes.uuid(websiteConfigId)]).pipe(
        Database.read(Rows),
        Effect.map(([row]) => Option.map(Option.fromUndefinedOr(row), toMessage))
      ),
    stream: (websiteConfigId, filter) =>
      Stream.paginate(null as Position | null, (after) =>
        Effect.map(
          page({ sites: [websiteConfigId], filter, after, limit: streamPage }, wholeColumns, streamBytes),
          ({ items, next }) => [items, Option.fromNullishOr(next)]
        )
      ),
    overview: (websiteConfigId) => {
      const website = PgTypes.uuid(websiteConfigId)
      const maxCount = PgTypes.int8(BigInt(Inboxes.maxCount))
      return reads`WITH latest AS (
          SELECT status, is_read, page_slug FROM submission WHERE website_config_id = ${website}
          ORDER BY received_at DESC, submission_id DESC LIMIT ${maxCount}
        )
        SELECT (SELECT count(*) FROM latest WHERE status = 'accepted' AND NOT is_read)::int AS unread,
          (SELECT count(*) FROM (SELECT FROM submission WHERE website_config_id = ${website}
            AND status = 'quarantined' LIMIT ${maxCount}) AS held)::int AS quarantined,
          ARRAY(SELECT DISTINCT page_slug COLLATE "C" FROM latest WHERE page_slug IS NOT NULL ORDER BY 1) AS pages`.pipe(
        Database.read(Overviews),
        Effect.map(([overview]) => overview)
      )
    },
    mark: (websiteConfigId, ids, isRead) =>
      sql`WITH found AS (
          SELECT submission_id FROM submission WHERE website_config_id = ${PgTypes.uuid(websiteConfigId)}
            AND submission_id = ANY (${Database.uuids(ids)})
          ORDER BY submission_id FOR UPDATE
        ), marked AS (
          UPDATE submission SET is_read = ${isRead} FROM found
          WHERE submission.submission_id = found.submission_id AND is_read <> ${isRead}
        ) SELECT submission_id FROM found`.pipe(Database.readColumn(SubmissionId)),
    release: (websiteConfigId, ids) =>
      Effect.gen(function* () {
        const released = yield* sql
          .unsafe(releaseStatement, [PgTypes.uuid(websiteConfigId), Database.array(ids, PgTypes.OID.uuid)])
          .pipe(decodeColumn(SubmissionId))
        yield* SpamMarks.forget(sql, websiteConfigId, released)
        return released
      }).pipe(whileLocked(websiteConfigId), Rounds.waking("events")),
    delete: changedBefore(tables.deleted, deleteOwn),
    restore: changedBefore(tables.submission, (websiteConfigId, ids) =>
      Database.mapErrors(SubmissionRows.restore(sql, websiteConfigId, ids))
    ),
    purge: (websiteConfigId, ids) => Database.mapErrors(SubmissionRows.purge(sql, websiteConfigId, ids)),
    ...SpamMarks.make(sql, whileLocked)
  })
})

export const layer: Layer.Layer<Inboxes.Inbox, SqlError.SqlError, PgClient> = Layer.effect(Inboxes.Inbox, make).pipe(
  Layer.provide(Database.layerOwner)
)
