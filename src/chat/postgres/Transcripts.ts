/**
 * Lists conversations in PostgreSQL for their instance's owner, by keyset pagination. For one page, filters read the messages
 * of at most `Transcript.windowSize` conversations, so that no page reads a whole table.
 *
 * @module
 */
import { PgClient, PgTypes } from "@effect/sql-pg"
import { Clock, Effect, Layer, Option, Schema, Stream } from "effect"
import type { SqlError, Statement } from "effect/sql"
import { InstanceId, isCanonicalUuid, WebsiteConfigId } from "../../platform/Id.ts"
import * as Database from "../../platform/postgres/Database.ts"
import * as Times from "../../platform/postgres/Times.ts"
import { decodeRows, Time } from "../../platform/runtime/Rows.ts"
import type { Position } from "../../platform/text/Cursor.ts"
import * as Json from "../../platform/text/Json.ts"
import type { Access } from "../../sites/access/Access.ts"
import * as AnswerParts from "../conversations/AnswerParts.ts"
import type { ConversationKey } from "../conversations/Conversation.ts"
import * as Transcript from "../conversations/Transcript.ts"
import type { Reach } from "../InstanceDirectory.ts"
import { Transcripts } from "../Transcripts.ts"
import * as AgentFailures from "./AgentFailures.ts"
import * as Reads from "./ConversationReads.ts"
import * as Rows from "./ConversationRows.ts"
import { reached } from "./InstanceDirectory.ts"

const { preview: _, ...summaryFields } = Transcript.TranscriptSummary.fields

/** The rows of a list: the preview is the beginning of the first message. */
const Summaries = Schema.Array(
  Schema.Struct({
    ...summaryFields,
    instanceId: InstanceId,
    created_at: Time,
    updated_at: Time,
    first: Schema.NullOr(Rows.Parts)
  })
)

const Instances = Schema.Array(
  Schema.Struct({ id: InstanceId, name: Schema.String, website_config_id: WebsiteConfigId })
)

/** Whether a conversation waits for a person, and who opened it. */
const state = {
  waiting: Schema.Boolean,
  opened_at: Schema.NullOr(Time),
  opened_by: Schema.NullOr(Schema.String)
}

const FoundRows = Schema.Array(Schema.Struct({ ...Rows.transcriptFields, ...state }))

/** The rows of an export, and whether its filter selects them. */
const ExportRows = Schema.Array(Schema.Struct({ ...Rows.transcriptFields, selected: Schema.Boolean }))

/** The number of conversations in a page of an export. Their messages are read one conversation at a time. */
const exportSize = 100

const WaitingCounts = Schema.Array(Schema.Struct({ id: WebsiteConfigId, count: Schema.Int }))

/** The websites `$1` that have conversations that wait, and how many, at most `Transcript.maxWaiting` of each instance. */
const waitingStatement = `SELECT website_config_id AS id, sum(waiting.count)::int AS count
  FROM instance CROSS JOIN LATERAL (
    SELECT count(*) AS count FROM (
      SELECT FROM conversation WHERE conversation.instance_id = instance.instance_id AND ${Rows.isWaiting}
      LIMIT ${Transcript.maxWaiting}
    ) AS found
  ) AS waiting
  WHERE website_config_id = ANY ($1) AND waiting.count > 0 GROUP BY 1`

/** Stores that the person `$3` opened a conversation at `$4`. */
const openStatement = `UPDATE conversation SET opened_at = $4, opened_by = $3
  FROM instance WHERE instance.instance_id = conversation.instance_id
    AND conversation.instance_id = $1 AND conversation_id = $2 AND ($5::uuid IS NULL OR website_config_id = $5) RETURNING 1`

const Answered = Schema.Tuple([Schema.Struct({ at: Schema.NullOr(Schema.Finite) })])

const Positions = Schema.Array(Schema.Struct({ time: Schema.Finite, id: Schema.String }))

const quoted = (words: ReadonlyArray<string>): string => words.map((word) => `'${word}'`).join(", ")

/** `AnswerParts.isMissing` in SQL. An answer whose lease has expired reads as `cut`. */
const isMissing = `(ending IN (${quoted(AnswerParts.brokenOff)}) OR running = message_id AND ${Rows.isLapsed}
  OR ending NOT IN (${quoted(AnswerParts.endedByVisitor)}) AND characters = 0 AND json_array_length(parts) = 0)`

/** Whether the website `$website` has the instance `$instance`; a website that is null has all. */
const isWithin = (instance: string, website: string): string =>
  `EXISTS (SELECT FROM instance WHERE instance.instance_id = ${instance}
    AND (${website}::uuid IS NULL OR instance.website_config_id = ${website}))`

const websiteOf = (reach: Reach) => PgTypes.uuid(reach === "all" ? null : reach)

/**
 * When the latest answer of the instance `$1` of the website `$2` began that its visitor got, in the conversations with the latest
 * messages.
 */
const answeredStatement = `WITH latest AS (
    SELECT conversation_key, running, lease_until FROM conversation
    WHERE instance_id = $1 AND ${isWithin("$1", "$2")}
    ORDER BY updated_at DESC, conversation_id DESC LIMIT ${Transcript.healthWindow}
  )
  SELECT ${Times.millisAs("max(created_at)", "at")} FROM conversation_message JOIN latest USING (conversation_key)
  WHERE role = 'assistant' AND ending IS NOT NULL AND NOT coalesce(${isMissing}, false)
    AND (ending NOT IN (${quoted(AnswerParts.endedByVisitor)}) OR json_array_length(parts) > 0)`

/** The counts of a conversation's answers. */
const counts = `CROSS JOIN LATERAL (
    SELECT (count(*) FILTER (WHERE ${isMissing}))::int AS unanswered,
      (count(*) FILTER (WHERE rating = 'up'))::int AS up, (count(*) FILTER (WHERE rating = 'down'))::int AS down
    FROM conversation_message AS answer
    WHERE answer.conversation_key = conversation.conversation_key AND role = 'assistant'
  ) AS counted`

const first = `(SELECT parts::text FROM conversation_message AS message
  WHERE message.conversation_key = conversation.conversation_key AND role = 'user' ORDER BY position LIMIT 1) AS first`

/**
 * The escapes of JSON that end with a letter, and the characters that replace them, so that a search does not find the letter.
 * The first escape is a backslash's own: without it, the texts of the others would also be found after a backslash.
 */
const escapes: ReadonlyArray<readonly [escape: string, character: string]> = [
  ["\\\\", "\u0001"],
  ["\\n", "\n"],
  ["\\r", "\r"],
  ["\\t", "\t"],
  ["\\b", "\b"],
  ["\\f", "\f"]
]

/** The forms in which `texts` contains a text. */
const needlesOf = (text: string): ReadonlyArray<string> =>
  Json.needlesOf(text).map((needle) =>
    escapes.reduce((unescaped, [escape, character]) => unescaped.replaceAll(escape, character), needle)
  )

/**
 * The texts of a message's parts as JSON, without the names of the members and without `escapes`. Quotes within strings are
 * escaped, so that no text is taken for a name.
 */
const texts = escapes.reduce(
  (unescaped, [escape, character]) => `replace(${unescaped}, '${escape}', chr(${character.charCodeAt(0)}))`,
  `regexp_replace(parts::text,
    '\\{"type":"(text","text|source-url","sourceId":"source-[0-9]+","url)":|,"title":', ' ', 'g')`
)

const make = Effect.gen(function* () {
  const sql = yield* Database.OwnerConnections
  const writer = yield* PgClient.PgClient
  const { read } = Reads.make(sql)

  const within = (reach: Reach, instanceId: InstanceId) =>
    sql`EXISTS (SELECT FROM instance WHERE instance.instance_id = ${PgTypes.uuid(instanceId)} AND ${reached(sql, reach)})`

  /** The condition of the conversation that has this id; and of the one that has a message with it. */
  const named = ({ conversationId, instanceId }: ConversationKey) =>
    sql`instance_id = ${PgTypes.uuid(instanceId)} AND (conversation_id = ${PgTypes.text(conversationId)} OR conversation_key = (
      SELECT conversation_key FROM conversation_message
      WHERE message_id = ${PgTypes.uuid(isCanonicalUuid(conversationId) ? conversationId : null)}))`

  /** Where a page's conversations come from, and the order of their list. */
  interface Source {
    /** The conversations that meet the conditions, at most `limit` of each instance if they are not read in order. */
    readonly conversations: (conditions: Statement.Fragment, limit: number) => Statement.Fragment
    readonly order: string
    /** The position as a value of `order`. */
    readonly tuple: (position: Position) => Statement.Fragment
    /** The id of a row's position. */
    readonly id: string
  }

  const timeOf = (
    column: "created_at" | "updated_at",
    key: { readonly instanceId: string | null; readonly conversationId: string },
    time: number
  ) =>
    Times.ofPosition(
      sql,
      column,
      sql`FROM conversation WHERE instance_id = ${PgTypes.uuid(key.instanceId)}
        AND conversation_id = ${PgTypes.text(key.conversationId)}`,
      time
    )

  const ofInstance = (instanceId: InstanceId, reach: Reach): Source => ({
    conversations: (conditions) =>
      sql`conversation WHERE instance_id = ${PgTypes.uuid(instanceId)} AND ${within(reach, instanceId)} AND ${conditions}`,
    order: "updated_at, conversation_id",
    tuple: ({ id, time }) =>
      sql`(${timeOf("updated_at", { instanceId, conversationId: id }, time)}, ${PgTypes.text(id)})`,
    id: "conversation_id"
  })

  const ofSites = (sites: Access["sites"]): Source => ({
    conversations: (conditions, limit) =>
      sites === "all"
        ? sql`conversation WHERE ${conditions} AND EXISTS (SELECT FROM instance JOIN site USING (website_config_id)
            WHERE instance.instance_id = conversation.instance_id AND deleted_at IS NULL)`
        : sql`instance JOIN site USING (website_config_id) CROSS JOIN LATERAL (
              SELECT * FROM conversation WHERE conversation.instance_id = instance.instance_id AND ${conditions}
              ORDER BY updated_at DESC, conversation_id DESC LIMIT ${PgTypes.int8(BigInt(limit))}
            ) AS conversation
            WHERE website_config_id = ANY (${Database.uuids(sites)}) AND deleted_at IS NULL`,
    order: "updated_at, instance_id, conversation_id",
    tuple: ({ id, time }) => {
      const { conversationId, instanceId } = Transcript.parsePlace(id) ?? { instanceId: null, conversationId: "" }
      return sql`(${timeOf("updated_at", { instanceId, conversationId }, time)}, ${PgTypes.uuid(instanceId)}, ${PgTypes.text(conversationId)})`
    },
    id: "instance_id || '.' || conversation_id"
  })

  /** The conditions of a filter that need no messages. */
  const rangeOf = ({ before, since, waiting }: Transcript.ListFilter) => [
    ...(waiting === true ? [sql.literal(Rows.isWaiting)] : []),
    ...(since === undefined ? [] : [sql`updated_at >= ${PgTypes.timestamptz(since)}`]),
    ...(before === undefined ? [] : [sql`updated_at < ${PgTypes.timestamptz(before)}`])
  ]

  /** The conditions of a filter that read the messages, or their `counts`. */
  const filtersOf = ({ rating, search, unanswered }: Transcript.Filter) => {
    const has = (column: string, needle: string) =>
      sql`strpos(lower(${sql.literal(column)}), lower(${PgTypes.text(needle)})) > 0`
    const mentions = (text: string) => sql`EXISTS (SELECT FROM conversation_message AS message
      WHERE message.conversation_key = conversation.conversation_key
        AND ${sql.or([...needlesOf(text).map((needle) => has(texts, needle)), has("comment", text)])})`
    return [
      ...(unanswered === true ? [sql`unanswered > 0`] : []),
      ...(rating === undefined ? [] : [sql`${sql.literal(rating)} > 0`]),
      ...(search === undefined ? [] : [mentions(search)])
    ]
  }

  const page = Effect.fnUntraced(function* (
    source: Source,
    { after, filter, limit }: Pick<Parameters<Transcripts["Service"]["list"]>[0], "after" | "filter" | "limit">
  ) {
    const order = sql.literal(source.order)
    const latestFirst = sql.literal(source.order.replaceAll(/,|$/g, " DESC$&"))
    const indexed = sql.and([...rangeOf(filter), ...(after === null ? [] : [sql`(${order}) < ${source.tuple(after)}`])])
    const filters = filtersOf(filter)
    /** The last conversation that the filters of this page read; null without filters, or if no more are left. */
    const [windowEnd = null] =
      filters.length === 0
        ? []
        : yield* sql`SELECT ${sql.literal(`${source.id} AS id, ${Times.millisAs("updated_at", "time")}`)} FROM (
              SELECT conversation.* FROM ${source.conversations(indexed, Transcript.windowSize)}
            ) AS conversation ORDER BY ${latestFirst}
            OFFSET ${PgTypes.int8(BigInt(Transcript.windowSize - 1))} LIMIT 1`.pipe(decodeRows(Positions))
    const conditions = windowEnd === null ? indexed : sql.and([indexed, sql`(${order}) >= ${source.tuple(windowEnd)}`])
    const read = filters.length === 0 ? limit + 1 : Transcript.windowSize
    const rows =
      yield* sql`SELECT conversation_id, created_at, updated_at, messages, page, source, country, ${sql.literal(`${Rows.isWaiting} AS waiting, ${first}`)},
        unanswered, up, down, instance_id AS "instanceId"
      FROM (
        SELECT conversation.* FROM ${source.conversations(conditions, read)}
        ORDER BY ${latestFirst} LIMIT ${PgTypes.int8(BigInt(read))}
      ) AS conversation ${sql.literal(counts)}
      WHERE ${sql.and(filters.length === 0 ? [sql`true`] : filters)}
      ORDER BY ${latestFirst} LIMIT ${PgTypes.int8(BigInt(limit + 1))}`.pipe(decodeRows(Summaries))
    const items = rows
      .slice(0, limit)
      .map(({ first, ...summary }) => ({ ...summary, preview: Transcript.preview(AnswerParts.textOf(first ?? [])) }))
    const hasMore = rows.length > limit
    return { items, hasMore, windowEnd }
  })

  const list: Transcripts["Service"]["list"] = Effect.fnUntraced(function* ({ instanceId, reach, ...query }) {
    const { hasMore, items, windowEnd } = yield* page(ofInstance(instanceId, reach), query)
    const last = items.at(-1)
    return {
      items: items.map(({ instanceId: _, ...summary }) => summary),
      next: hasMore && last !== undefined ? Transcript.positionOf(last) : windowEnd
    }
  }, Database.mapErrors)

  const listAll: Transcripts["Service"]["listAll"] = Effect.fnUntraced(function* ({ sites, ...query }) {
    const { hasMore, items, windowEnd } = yield* page(ofSites(sites), query)
    const ids = Database.uuids([...new Set(items.map(({ instanceId }) => instanceId))])
    const instances = new Map(
      (yield* sql`SELECT instance_id AS id, name, website_config_id FROM instance
        WHERE instance_id = ANY (${ids}) AND website_config_id IS NOT NULL`.pipe(decodeRows(Instances))).map(
        (instance) => [instance.id, instance]
      )
    )
    const last = items.at(-1)
    return {
      items: items.flatMap((summary) => {
        // Deleted since the list was read, or moved away from its website.
        const instance = instances.get(summary.instanceId)
        return instance === undefined
          ? []
          : [{ ...summary, instanceName: instance.name, websiteConfigId: instance.website_config_id }]
      }),
      next:
        hasMore && last !== undefined
          ? { time: Date.parse(last.updated_at), id: Transcript.placeOf(last.instanceId, last.conversation_id) }
          : windowEnd
    }
  }, Database.mapErrors)

  /** A page of an export after a conversation, oldest first, and its last conversation if more may be left. */
  const exportPage = Effect.fnUntraced(function* (
    { filter, instanceId, reach }: Parameters<Transcripts["Service"]["stream"]>[0],
    last: (typeof ExportRows.Type)[number] | null
  ) {
    const filters = filtersOf(filter)
    const range = sql.and([
      sql`instance_id = ${PgTypes.uuid(instanceId)} AND ${within(reach, instanceId)}`,
      ...rangeOf(filter),
      ...(last === null
        ? []
        : [
            sql`(created_at, conversation_id) > (${timeOf("created_at", { instanceId, conversationId: last.conversation_id }, Date.parse(last.created_at))}, ${PgTypes.text(last.conversation_id)})`
          ])
    ])
    const rows =
      yield* sql`SELECT ${sql.literal(Rows.transcriptColumns)}, ${sql.and([sql`true`, ...filters])} AS selected
      FROM (
        SELECT * FROM conversation WHERE ${range} ORDER BY created_at, conversation_id LIMIT ${PgTypes.int8(BigInt(exportSize))}
      ) AS conversation ${sql.literal(filters.length === 0 ? "" : counts)}
      ORDER BY created_at, conversation_id`.pipe(decodeRows(ExportRows))
    return [rows, Option.fromUndefinedOr(rows[exportSize - 1])] as const
  }, Database.mapErrors)

  return Transcripts.of({
    stream: (query) =>
      Stream.paginate(null as (typeof ExportRows.Type)[number] | null, (last) => exportPage(query, last)).pipe(
        Stream.filter(({ selected }) => selected),
        Stream.mapEffect(({ selected: _, ...conversation }) =>
          Effect.map(
            read({ instanceId: query.instanceId, conversationId: conversation.conversation_id }),
            Option.map((messages) => ({ ...conversation, messages: messages.map(Transcript.messageOf) }))
          )
        ),
        // It was deleted after its page was read.
        Stream.filter(Option.isSome),
        Stream.map(({ value }) => value)
      ),
    answerHealth: Effect.fnUntraced(function* (reach, instanceId) {
      const key = [PgTypes.uuid(instanceId), websiteOf(reach)]
      const [{ at }] = yield* sql.unsafe(answeredStatement, key).pipe(decodeRows(Answered))
      const own = "instance_id = $1 AND ($2::uuid IS NULL OR website_config_id = $2)"
      const failures = yield* AgentFailures.stored(sql, own, key)
      return Transcript.healthOf(at, failures.find(({ kind }) => kind === "failed") ?? null)
    }, Database.mapErrors),
    list,
    listAll,
    find: Effect.fnUntraced(function* (reach, key) {
      const [found] = yield* sql`SELECT ${sql.literal(`${Rows.transcriptColumns}, ${Rows.isWaiting} AS waiting`)},
        opened_at, opened_by FROM conversation
        WHERE ${named(key)} AND ${within(reach, key.instanceId)}
        ORDER BY conversation_id = ${PgTypes.text(key.conversationId)} DESC LIMIT 1`.pipe(Database.read(FoundRows))
      if (found === undefined) return Option.none()
      return Option.map(yield* read({ ...key, conversationId: found.conversation_id }), (messages) => ({
        ...found,
        messages: messages.map(Transcript.messageOf)
      }))
    }),
    open: Effect.fnUntraced(function* (reach, key, name) {
      const opened = yield* writer
        .unsafe(openStatement, [
          ...Rows.keyParameters(key),
          PgTypes.text(name),
          PgTypes.timestamptz(yield* Clock.currentTimeMillis),
          websiteOf(reach)
        ])
        .pipe(Database.mapErrors)
      return opened.length > 0
    }),
    countWaiting: (websites) =>
      sql.unsafe(waitingStatement, [Database.uuids(websites)]).pipe(
        Database.read(WaitingCounts),
        Effect.map((rows) => new Map(rows.map(({ count, id }) => [id, count])))
      )
  })
})

export const layer: Layer.Layer<Transcripts, SqlError.SqlError, PgClient.PgClient> = Layer.effect(
  Transcripts,
  make
).pipe(Layer.provide(Database.layerOwner))
