/**
 * Stores instances in PostgreSQL. The result of a lookup is cached for less than a second, also if there is no instance.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { PgClient, PgTypes } from "@effect/sql-pg"
import { Clock, Effect, Layer, Option, Result, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { isCanonicalUuid, WebsiteConfigId } from "../../platform/Id.ts"
import { array, mapErrors } from "../../platform/postgres/Database.ts"
import * as Lookup from "../../platform/postgres/Lookup.ts"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import { LimitReached } from "../../platform/Storage.ts"
import * as Maximums from "../../sites/Maximums.ts"
import * as SiteLock from "../../sites/postgres/SiteLock.ts"
import * as Instance from "../Instance.ts"
import { InstanceDirectory } from "../InstanceDirectory.ts"
import * as ConversationDeletion from "./ConversationDeletion.ts"

const Additions = Schema.Struct({ names: Schema.Array(Schema.String), sealed: Schema.Uint8ArrayFromBase64 })

/** The schema of a row of `instanceColumns`. */
export const instanceFields = {
  instanceId: Schema.String,
  name: Schema.String,
  websiteConfigId: Schema.NullOr(WebsiteConfigId),
  agentUrl: Schema.String,
  agentProtocol: Schema.Literals(Instance.protocols),
  agentModel: Schema.NullOr(Schema.String),
  agentKeyEnv: Schema.NullOr(Schema.String),
  agentKey: Schema.NullOr(Schema.Uint8Array),
  isGuarded: Schema.Boolean,
  agentKeyHeader: Schema.NullOr(Schema.String),
  agentBody: Schema.NullOr(Additions),
  agentHeaders: Schema.NullOr(Additions),
  memory: Schema.Literals(["edge", "agent"]),
  conversationIds: Schema.Literals(["service", "client"]),
  instructions: Schema.NullOr(Schema.String),
  historyMessages: Schema.Int,
  historyCharacters: Schema.Int,
  maxTokens: Schema.Int,
  dailyTokens: Schema.NullOr(Schema.Int),
  origins: Schema.Array(Schema.String)
}

/** The columns of table `instance`, named as the fields of an instance. */
export const instanceColumns = `
  instance.instance_id AS "instanceId", instance.name, instance.website_config_id AS "websiteConfigId",
  instance.agent_url AS "agentUrl", instance.agent_protocol AS "agentProtocol", instance.agent_model AS "agentModel",
  instance.agent_key_env AS "agentKeyEnv", instance.agent_key AS "agentKey", instance.guarded AS "isGuarded",
  instance.agent_key_header AS "agentKeyHeader", instance.agent_body AS "agentBody",
  instance.agent_headers AS "agentHeaders", instance.memory,
  instance.conversation_ids AS "conversationIds", instance.instructions,
  instance.history_messages AS "historyMessages", instance.history_characters AS "historyCharacters",
  instance.max_tokens AS "maxTokens", instance.daily_tokens::float8 AS "dailyTokens", instance.origins`

const additions = (value: Instance.Additions | null) =>
  PgTypes.jsonb(value === null ? null : { names: value.names, sealed: Buffer.from(value.sealed).toString("base64") })

/** The parameters that an insert or an update writes, by column. */
const assignments = (change: Instance.InstanceChange): Readonly<Record<string, unknown>> => {
  const columns: { readonly [Field in keyof Instance.InstanceChange]-?: readonly [string, (value: never) => unknown] } =
    {
      name: ["name", PgTypes.text],
      websiteConfigId: ["website_config_id", PgTypes.uuid],
      agentUrl: ["agent_url", PgTypes.text],
      agentProtocol: ["agent_protocol", PgTypes.text],
      agentModel: ["agent_model", PgTypes.text],
      agentKeyEnv: ["agent_key_env", PgTypes.text],
      agentKey: ["agent_key", PgTypes.bytea],
      isGuarded: ["guarded", PgTypes.bool],
      agentKeyHeader: ["agent_key_header", PgTypes.text],
      agentBody: ["agent_body", additions],
      agentHeaders: ["agent_headers", additions],
      memory: ["memory", PgTypes.text],
      conversationIds: ["conversation_ids", PgTypes.text],
      instructions: ["instructions", PgTypes.text],
      historyMessages: ["history_messages", PgTypes.int4],
      historyCharacters: ["history_characters", PgTypes.int4],
      maxTokens: ["max_tokens", PgTypes.int4],
      dailyTokens: ["daily_tokens", (value: number | null) => PgTypes.int8(value === null ? null : BigInt(value))],
      origins: ["origins", (value: ReadonlyArray<string>) => array(value, PgTypes.OID.text)]
    }
  return Object.fromEntries(
    Object.entries(columns).flatMap(([field, [column, encode]]) => {
      const value = change[field as keyof Instance.InstanceChange]
      return value === undefined ? [] : [[column, encode(value as never)] as const]
    })
  )
}

const Count = Schema.Tuple([Schema.Struct({ count: Schema.Int })])

const decodeInstances = decodeRows(Schema.Array(Schema.Struct(instanceFields)))

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

      const find = yield* Lookup.make<Instance.Instance>({
        find: (id) =>
          sql`SELECT ${columns} FROM instance WHERE instance_id = ${PgTypes.uuid(id)}`.pipe(
            mapErrors,
            decodeInstances,
            Effect.map((instances) => Option.fromUndefinedOr(instances[0]))
          ),
        foundTtl: "900 millis",
        unknownTtl: "900 millis",
        capacity
      })

      const create: InstanceDirectory["Service"]["create"] = Effect.fnUntraced(function* (request) {
        const instance = Instance.make(request.instanceId ?? randomUUID(), request)
        const { instanceId, ...fields } = instance
        const row = {
          instance_id: PgTypes.uuid(instanceId),
          created_at: PgTypes.timestamptz(yield* Clock.currentTimeMillis),
          ...assignments(fields)
        }
        const insert = sql`INSERT INTO instance ${sql.insert(row)} ON CONFLICT (instance_id) DO NOTHING`
        const { websiteConfigId } = instance
        if (websiteConfigId === null) yield* mapErrors(insert)
        else {
          yield* Effect.gen(function* () {
            const [{ count }] = yield* sql`SELECT count(*)::int AS count FROM instance
              WHERE website_config_id = ${PgTypes.uuid(websiteConfigId)}`.pipe(decodeRows(Count))
            if (count >= Maximums.instances.max) return yield* new LimitReached({ maximum: Maximums.instances })
            return yield* insert
          }).pipe(whileLocked(websiteConfigId))
        }
        return instance
      })

      const write = (id: string, change: Instance.InstanceChange) => {
        const values = assignments(change)
        const rows =
          Object.keys(values).length === 0
            ? sql`SELECT ${columns} FROM instance WHERE instance_id = ${PgTypes.uuid(id)}`
            : sql`UPDATE instance SET ${sql.update(values)} WHERE instance_id = ${PgTypes.uuid(id)} RETURNING ${columns}`
        return Effect.map(decodeInstances(rows), (instances) => Option.fromUndefinedOr(instances[0]))
      }

      const update: InstanceDirectory["Service"]["update"] = (id, change) =>
        isCanonicalUuid(id) ? write(id, change).pipe(mapErrors) : Effect.succeedNone

      const modify: InstanceDirectory["Service"]["modify"] = (id, decide) =>
        isCanonicalUuid(id)
          ? Effect.gen(function* () {
              const [before] =
                yield* sql`SELECT ${columns} FROM instance WHERE instance_id = ${PgTypes.uuid(id)} FOR NO KEY UPDATE`.pipe(
                  decodeInstances
                )
              if (before === undefined) return Result.succeedNone
              const decided = decide(before)
              return Result.isFailure(decided)
                ? Result.fail(decided.failure)
                : Result.succeed(yield* write(id, decided.success))
            }).pipe(sql.withTransaction, mapErrors, Effect.flatMap(Effect.fromResult))
          : Effect.succeedNone

      // Whether the instance exists is not read from the cache.
      const remove: InstanceDirectory["Service"]["delete"] = Effect.fnUntraced(
        function* (id) {
          if (!isCanonicalUuid(id)) return false
          const rows = yield* sql`SELECT 1 FROM instance WHERE instance_id = ${PgTypes.uuid(id)}`.pipe(mapErrors)
          if (rows.length === 0) return false
          yield* ConversationDeletion.deleteAll(id)
          yield* ConversationDeletion.deleteInstance(id)
          return true
        },
        Effect.provideService(SqlClient.SqlClient, sql)
      )

      return InstanceDirectory.of({
        create,
        update,
        modify,
        delete: remove,
        find: (id) => (isCanonicalUuid(id) ? find(id) : Effect.succeedNone),
        list: sql`SELECT ${columns} FROM instance ORDER BY created_at, instance_id`.pipe(mapErrors, decodeInstances)
      })
    })
  )
