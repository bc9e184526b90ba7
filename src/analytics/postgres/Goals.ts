/**
 * Stores goals in PostgreSQL.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { PgTypes } from "@effect/sql-pg"
import { PgClient } from "@effect/sql-pg/PgClient"
import { Clock, Effect, Layer, Option, Schema } from "effect"
import { GoalId, WebsiteConfigId } from "../../platform/Id.ts"
import * as Database from "../../platform/postgres/Database.ts"
import * as Rows from "../../platform/runtime/Rows.ts"
import * as Calendar from "../../platform/text/Calendar.ts"
import * as Maximums from "../../sites/Maximums.ts"
import * as SiteLock from "../../sites/postgres/SiteLock.ts"
import { Goal, GoalNameTaken, Goals, leads, maxCounted } from "../Goal.ts"

const GoalRows = Schema.Array(Schema.Struct({ ...Goal.fields, created_at: Rows.Time }))

const AllRows = Schema.Array(
  Schema.Struct({ ...Goal.fields, created_at: Rows.Time, website_config_id: WebsiteConfigId })
)

export const layer: Layer.Layer<Goals, never, PgClient> = Layer.effect(
  Goals,
  Effect.gen(function* () {
    const sql = yield* PgClient
    const whileLocked = yield* SiteLock.make
    return Goals.of({
      create: Effect.fnUntraced(function* (websiteConfigId, given) {
        if (Object.values<string>(leads).includes(given.name)) return yield* new GoalNameTaken({ goal: given.name })
        const now = yield* Clock.currentTimeMillis
        const { kind, name, value } = given
        const goal: Goal = { goal_id: GoalId.make(randomUUID()), name, kind, value, created_at: Calendar.iso(now) }
        const site = PgTypes.uuid(websiteConfigId)
        return yield* Effect.gen(function* () {
          const taken =
            yield* sql`SELECT 1 FROM goal WHERE website_config_id = ${site} AND name = ${PgTypes.text(name)}`
          if (taken.length > 0) return yield* new GoalNameTaken({ goal: name })
          yield* SiteLock.requireRoom(sql, websiteConfigId, "goal", Maximums.goals)
          const created = yield* sql`INSERT INTO goal (goal_id, website_config_id, name, kind, value, created_at)
            SELECT ${PgTypes.uuid(goal.goal_id)}, website_config_id, ${PgTypes.text(name)}, ${PgTypes.text(kind)},
              ${PgTypes.text(value)}, ${PgTypes.timestamptz(now)}
            FROM site WHERE website_config_id = ${site} AND deleted_at IS NULL RETURNING 1`
          return created.length === 0 ? Option.none() : Option.some(goal)
        }).pipe(whileLocked(websiteConfigId))
      }),
      list: (websiteConfigId) =>
        sql`SELECT goal_id, goal.name, kind, value, goal.created_at
                FROM goal JOIN site USING (website_config_id)
                WHERE website_config_id = ${PgTypes.uuid(websiteConfigId)} AND deleted_at IS NULL
                ORDER BY goal.created_at, goal_id LIMIT ${PgTypes.int4(maxCounted)}`.pipe(Database.read(GoalRows)),
      all: sql`SELECT website_config_id, goal_id, goal.name, kind, value, goal.created_at
                FROM goal JOIN site USING (website_config_id)
                WHERE deleted_at IS NULL ORDER BY goal.created_at, goal_id`.pipe(
        Database.read(AllRows),
        Effect.map((rows) => {
          const all = Map.groupBy(rows, (row) => row.website_config_id)
          return new Map(
            Array.from(all, ([id, own]) => [
              id,
              own.slice(0, maxCounted).map(({ website_config_id: _, ...goal }): Goal => goal)
            ])
          )
        })
      ),
      delete: Effect.fnUntraced(function* (websiteConfigId, goalId) {
        const deleted = yield* sql`DELETE FROM goal
          WHERE website_config_id = ${PgTypes.uuid(websiteConfigId)} AND goal_id = ${PgTypes.uuid(goalId)}
          RETURNING 1`.pipe(Database.mapErrors)
        return deleted.length > 0
      })
    })
  })
)
