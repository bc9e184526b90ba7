/**
 * Keeps the agents' instances in PostgreSQL. What is found, or not, is remembered for less than a second.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { PgClient, PgTypes } from "@effect/sql-pg"
import { Clock, type Duration, Effect, Layer, Option, Schema } from "effect"
import type { Instance } from "../../core/chat/Instance.ts"
import { isCanonicalUuid } from "../../core/text/Uuid.ts"
import { InstanceDirectory } from "../../services/chat/InstanceDirectory.ts"
import { array, bounded } from "../Database.ts"
import * as Lookup from "../Lookup.ts"

/** The fields of an instance as `instanceColumns` gives them. */
export const instanceFields = {
  instanceId: Schema.String,
  name: Schema.String,
  agentUrl: Schema.String,
  agentModel: Schema.NullOr(Schema.String),
  agentKeyEnv: Schema.NullOr(Schema.String),
  origins: Schema.Array(Schema.String)
}

/** What is selected of the table `instance`. */
export const instanceColumns = `
  instance.instance_id AS "instanceId", instance.name, instance.agent_url AS "agentUrl",
  instance.agent_model AS "agentModel", instance.agent_key_env AS "agentKeyEnv", instance.origins`

const decodeInstances = (rows: unknown) =>
  Effect.orDie(Schema.decodeUnknownEffect(Schema.Array(Schema.Struct(instanceFields)))(rows))

export interface Options {
  /** How long a caller waits for the database. */
  readonly timeout: Duration.Input
  /** How many ids are remembered: 10,000 if not given. */
  readonly capacity?: number
}

export const layer = (options: Options): Layer.Layer<InstanceDirectory, never, PgClient.PgClient> =>
  Layer.effect(
    InstanceDirectory,
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const { capacity = 10_000, timeout } = options
      const columns = sql.literal(instanceColumns)

      const find = yield* Lookup.make<Instance>({
        find: (id) =>
          sql`SELECT ${columns} FROM instance WHERE instance_id = ${PgTypes.uuid(id)}`.pipe(
            bounded(timeout),
            Effect.flatMap(decodeInstances),
            Effect.map((instances) => Option.fromUndefinedOr(instances[0]))
          ),
        found: "900 millis",
        unknown: "900 millis",
        capacity
      })

      const create: InstanceDirectory["Service"]["create"] = Effect.fnUntraced(function* (request) {
        const { agentKeyEnv, agentModel, agentUrl, name, origins } = request
        const instance: Instance = { instanceId: randomUUID(), name, agentUrl, agentModel, agentKeyEnv, origins }
        const now = yield* Clock.currentTimeMillis
        // It may run twice, if the connection breaks: the second run finds the row of the first.
        yield* sql`
            INSERT INTO instance (instance_id, name, agent_url, agent_model, agent_key_env, origins, created_at)
            VALUES (${PgTypes.uuid(instance.instanceId)}, ${name}, ${agentUrl}, ${PgTypes.text(agentModel)},
              ${PgTypes.text(agentKeyEnv)}, ${array(origins, PgTypes.OID.text)}, ${PgTypes.timestamptz(now)})
            ON CONFLICT (instance_id) DO NOTHING`.pipe(bounded(timeout))
        return instance
      })

      // It may run twice: the second run writes the same.
      const update: InstanceDirectory["Service"]["update"] = (id, change) => {
        const { agentKeyEnv, agentModel, agentUrl, name, origins } = change
        const orNull = (column: string, text: string | null | undefined) =>
          text === undefined ? sql`${sql(column)}` : sql`${PgTypes.text(text)}`
        return isCanonicalUuid(id)
          ? sql`
              UPDATE instance SET name = coalesce(${PgTypes.text(name ?? null)}, name),
                agent_url = coalesce(${PgTypes.text(agentUrl ?? null)}, agent_url),
                agent_model = ${orNull("agent_model", agentModel)},
                agent_key_env = ${orNull("agent_key_env", agentKeyEnv)},
                origins = ${origins === undefined ? sql`origins` : sql`${array(origins, PgTypes.OID.text)}`}
              WHERE instance_id = ${PgTypes.uuid(id)} RETURNING ${columns}`.pipe(
              bounded(timeout),
              Effect.flatMap(decodeInstances),
              Effect.map((instances) => Option.fromUndefinedOr(instances[0]))
            )
          : Effect.succeedNone
      }

      // Looked for first, and not with what is remembered: a deletion that runs twice finds nothing the second time.
      const remove: InstanceDirectory["Service"]["delete"] = Effect.fnUntraced(function* (id) {
        if (!isCanonicalUuid(id)) return false
        const found = yield* sql`SELECT 1 FROM instance WHERE instance_id = ${PgTypes.uuid(id)}`.pipe(bounded(timeout))
        if (found.length === 0) return false
        yield* sql`DELETE FROM instance WHERE instance_id = ${PgTypes.uuid(id)}`.pipe(bounded(timeout))
        return true
      })

      return InstanceDirectory.of({
        create,
        update,
        delete: remove,
        find: (id) => (isCanonicalUuid(id) ? find(id) : Effect.succeedNone),
        list: sql`SELECT ${columns} FROM instance ORDER BY created_at, instance_id`.pipe(
          bounded(timeout),
          Effect.flatMap(decodeInstances)
        )
      })
    })
  )
