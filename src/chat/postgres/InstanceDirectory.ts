/**
 * Stores instances in PostgreSQL. The result of a lookup is cached for less than a second, also if there is no instance.
 * An instance is deleted with its conversations.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { PgClient, PgTypes } from "@effect/sql-pg"
import { Clock, Effect, Layer, Option, Result, Schema } from "effect"
import { SqlClient, type Statement } from "effect/sql"
import { ConversationId, InstanceId, type WebsiteConfigId } from "../../platform/Id.ts"
import { array, mapErrors } from "../../platform/postgres/Database.ts"
import * as Lookup from "../../platform/postgres/Lookup.ts"
import * as Outbox from "../../platform/postgres/Outbox.ts"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import { LimitReached } from "../../platform/Storage.ts"
import * as Maximums from "../../sites/Maximums.ts"
import * as SiteLock from "../../sites/postgres/SiteLock.ts"
import * as Conversation from "../conversations/Conversation.ts"
import * as Instance from "../Instance.ts"
import { InstanceDirectory, type Reach, WebsiteUnknown } from "../InstanceDirectory.ts"

/** The maximum number of conversations that one statement deletes, with their messages. */
const chunk = 500

const Chunk = Schema.Tuple([Schema.Struct({ found: Schema.Int, deleted: Schema.Array(ConversationId) })])

/**
 * Deletes a chunk of an instance's conversations. Another transaction may delete some of those that it finds. Locks them in the
 * order that `ConversationStore` describes. Needs a transaction.
 */
const deleteChunk = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, instanceId: InstanceId) {
  const [{ deleted, found }] = yield* sql`WITH chunk AS MATERIALIZED (
      SELECT conversation_key FROM conversation WHERE instance_id = ${PgTypes.uuid(instanceId)} LIMIT ${chunk}
    ), locked AS MATERIALIZED (
      SELECT conversation_key FROM conversation JOIN chunk USING (conversation_key) ORDER BY running FOR UPDATE OF conversation
    ), gone AS (
      DELETE FROM conversation USING locked WHERE conversation.conversation_key = locked.conversation_key
      RETURNING conversation_id
    )
    SELECT (SELECT count(*)::int FROM chunk) AS found, ARRAY(SELECT conversation_id FROM gone) AS deleted`.pipe(
    decodeRows(Chunk)
  )
  yield* Outbox.erase(
    sql,
    deleted.map((conversationId) => Conversation.subjectOf({ instanceId, conversationId }))
  )
  return { deleted: deleted.length, isLast: found < chunk }
})

/**
 * Deletes the conversations of an instance with their messages, and returns the number of conversations. It deletes them in
 * chunks, so that no statement takes long.
 */
export const deleteConversations = Effect.fnUntraced(function* (instanceId: InstanceId) {
  const sql = yield* SqlClient.SqlClient
  let deleted = 0
  while (true) {
    const some = yield* deleteChunk(sql, instanceId).pipe(sql.withTransaction, mapErrors)
    deleted += some.deleted
    if (some.isLast) return deleted
  }
})

/** Deletes an instance, with the conversations that began after `deleteConversations`. The lock keeps new ones out. */
const deleteInstance = Effect.fnUntraced(function* (instanceId: InstanceId) {
  const sql = yield* SqlClient.SqlClient
  const id = PgTypes.uuid(instanceId)
  yield* sql`SELECT FROM instance WHERE instance_id = ${id} FOR UPDATE`.pipe(
    Effect.andThen(Effect.repeat(deleteChunk(sql, instanceId), { until: ({ isLast }) => isLast })),
    Effect.andThen(sql`DELETE FROM instance WHERE instance_id = ${id}`),
    sql.withTransaction,
    mapErrors
  )
})

const Additions = Schema.NullOr(Schema.Struct({ ...Instance.Additions.fields, sealed: Schema.Uint8ArrayFromBase64 }))

/** The schema of a row of `instanceColumns`. */
export const instanceFields = { ...Instance.Instance.fields, agent_body: Additions, agent_headers: Additions }

/** The columns of table `instance`. */
export const instanceColumns = `instance.instance_id, instance.name, instance.website_config_id, instance.agent_url,
  instance.agent_protocol, instance.agent_model, instance.agent_key_env, instance.agent_key, instance.guarded,
  instance.agent_key_header, instance.agent_body, instance.agent_headers, instance.memory, instance.conversation_ids,
  instance.instructions, instance.history_messages AS history, instance.history_characters, instance.max_tokens,
  instance.daily_tokens::float8 AS daily_tokens, instance.contact, instance.origins`

/** The condition that the caller reaches a row of `instance`. */
export const reached = (sql: SqlClient.SqlClient, reach: Reach) =>
  reach === "all" ? sql`true` : sql`instance.website_config_id = ${PgTypes.uuid(reach)}`

const additions = (value: Instance.Additions | null) =>
  PgTypes.jsonb(value === null ? null : { names: value.names, sealed: Buffer.from(value.sealed).toString("base64") })

/** How a member of a change is written to its column. */
const encoders: { readonly [Member in keyof Instance.InstanceChange]-?: (value: never) => unknown } = {
  name: PgTypes.text,
  website_config_id: PgTypes.uuid,
  agent_url: PgTypes.text,
  agent_protocol: PgTypes.text,
  agent_model: PgTypes.text,
  agent_key_env: PgTypes.text,
  agent_key: PgTypes.bytea,
  guarded: PgTypes.bool,
  agent_key_header: PgTypes.text,
  agent_body: additions,
  agent_headers: additions,
  memory: PgTypes.text,
  conversation_ids: PgTypes.text,
  instructions: PgTypes.text,
  history: PgTypes.int4,
  history_characters: PgTypes.int4,
  max_tokens: PgTypes.int4,
  daily_tokens: (value: number | null) => PgTypes.int8(value === null ? null : BigInt(value)),
  contact: PgTypes.text,
  origins: (value: ReadonlyArray<string>) => array(value, PgTypes.OID.text)
}

/** The parameters that an insert or an update writes, by column. */
const assignments = (change: Instance.InstanceChange): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(encoders).flatMap(([member, encode]) => {
      const value = change[member as keyof Instance.InstanceChange]
      const column = member === "history" ? "history_messages" : member
      return value === undefined ? [] : [[column, encode(value as never)] as const]
    })
  )

const Website = Schema.Tuple([
  Schema.Struct({ is_known: Schema.Boolean, instances: Schema.Int, grows: Schema.Boolean })
])

const decodeInstances = decodeRows(Schema.Array(Schema.Struct(instanceFields)))

const first = <A>(rows: ReadonlyArray<A>): Option.Option<A> => Option.fromUndefinedOr(rows[0])

export interface Options {
  /** The maximum number of cached ids. Default: 10,000. */
  readonly capacity?: number
}

export const layer = (options: Options = {}): Layer.Layer<InstanceDirectory, never, PgClient.PgClient> =>
  Layer.effect(
    InstanceDirectory,
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { capacity = 10_000 } = options
      const columns = sql.literal(instanceColumns)
      const whileLocked = yield* SiteLock.make

      const one = (reach: Reach, id: string) =>
        sql`SELECT ${columns} FROM instance WHERE instance_id = ${PgTypes.uuid(id)} AND ${reached(sql, reach)}`

      const find = yield* Lookup.make<Instance.Instance>({
        find: (id) => one("all", id).pipe(mapErrors, decodeInstances, Effect.map(first)),
        foundTtl: "900 millis",
        unknownTtl: "900 millis",
        capacity
      })

      /**
       * Fails if a website cannot have the instance, which is new or may be of another website. While the website is locked, its
       * deletion does not begin, and it gets no other instance.
       */
      const requireRoom = Effect.fnUntraced(function* (websiteConfigId: WebsiteConfigId, isNewTo: Statement.Fragment) {
        const [website] = yield* sql`SELECT
            EXISTS (SELECT FROM site WHERE website_config_id = ${PgTypes.uuid(websiteConfigId)} AND deleted_at IS NULL)
              AS is_known,
            (SELECT count(*)::int FROM instance WHERE website_config_id = ${PgTypes.uuid(websiteConfigId)}) AS instances,
            ${isNewTo} AS grows`.pipe(decodeRows(Website))
        if (!website.is_known) return yield* new WebsiteUnknown({})
        if (website.grows && website.instances >= Maximums.instances.max) {
          return yield* new LimitReached({ maximum: Maximums.instances })
        }
      })

      const create: InstanceDirectory["Service"]["create"] = Effect.fnUntraced(function* (request) {
        const instance = Instance.make(request.instance_id ?? InstanceId.make(randomUUID()), request)
        const { instance_id, website_config_id: websiteConfigId, ...members } = instance
        const row = {
          instance_id: PgTypes.uuid(instance_id),
          created_at: PgTypes.timestamptz(yield* Clock.currentTimeMillis),
          ...assignments({ ...members, website_config_id: websiteConfigId })
        }
        const insert = sql`INSERT INTO instance ${sql.insert(row)} ON CONFLICT (instance_id) DO NOTHING`
        if (websiteConfigId === null) yield* mapErrors(insert)
        else {
          yield* Effect.andThen(requireRoom(websiteConfigId, sql`true`), insert).pipe(whileLocked(websiteConfigId))
        }
        return instance
      })

      const write = (id: string, change: Instance.InstanceChange) => {
        const values = assignments(change)
        const rows =
          Object.keys(values).length === 0
            ? one("all", id)
            : sql`UPDATE instance SET ${sql.update(values)} WHERE instance_id = ${PgTypes.uuid(id)} RETURNING ${columns}`
        return Effect.map(decodeInstances(rows), first)
      }

      const update: InstanceDirectory["Service"]["update"] = (id, change) => {
        const websiteConfigId = change.website_config_id ?? null
        if (websiteConfigId === null) return write(id, change).pipe(mapErrors)
        const moves = sql`EXISTS (SELECT FROM instance WHERE instance_id = ${PgTypes.uuid(id)}
          AND website_config_id IS DISTINCT FROM ${PgTypes.uuid(websiteConfigId)})`
        return Effect.andThen(requireRoom(websiteConfigId, moves), write(id, change)).pipe(whileLocked(websiteConfigId))
      }

      const modify: InstanceDirectory["Service"]["modify"] = (reach, id, decide) =>
        Effect.gen(function* () {
          const [before] = yield* sql`${one(reach, id)} FOR NO KEY UPDATE`.pipe(decodeInstances)
          if (before === undefined) return Result.succeedNone
          const decided = decide(before)
          return Result.isFailure(decided)
            ? Result.fail(decided.failure)
            : Result.succeed(yield* write(id, decided.success))
        }).pipe(sql.withTransaction, mapErrors, Effect.flatMap(Effect.fromResult))

      // Whether the instance exists is not read from the cache.
      const remove: InstanceDirectory["Service"]["delete"] = Effect.fnUntraced(
        function* (reach, id) {
          if (Option.isNone(first(yield* one(reach, id).pipe(mapErrors)))) return false
          yield* deleteConversations(id)
          yield* deleteInstance(id)
          return true
        },
        Effect.provideService(SqlClient.SqlClient, sql)
      )

      return InstanceDirectory.of({
        create,
        find,
        read: (reach, id) => one(reach, id).pipe(mapErrors, decodeInstances, Effect.map(first)),
        update,
        modify,
        delete: remove,
        list: (reach) =>
          sql`SELECT ${columns} FROM instance WHERE ${reached(sql, reach)} ORDER BY created_at, instance_id`.pipe(
            mapErrors,
            decodeInstances
          )
      })
    })
  )
