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
import { LimitReached } from "../../platform/Storage.ts"
import * as Calendar from "../../platform/text/Calendar.ts"
import * as Maximums from "../../sites/Maximums.ts"
import * as SiteLock from "../../sites/postgres/SiteLock.ts"
import { Goal, GoalNameTaken, Goals, leads, maxCounted } from "../Goal.ts"

const GoalRows = Schema.Array(Schema.Struct({ ...Goal.fields, created_at: Rows.Time }))

/**
 * Whether the website exists, whether it has another goal of this name, and whether the goal was created.
 */
const Created = Schema.Tuple([Schema.Struct({ known: Schema.Boolean, taken: Schema.Boolean, created: Schema.Boolean })])

/** The website must be locked. */
const createStatement = `WITH website AS (
    SELECT website_config_id FROM site WHERE website_config_id = $2 AND deleted_at IS NULL
  ), created AS (
    INSERT INTO goal (goal_id, website_config_id, name, kind, value, created_at)
    SELECT $1, website_config_id, $3, $4, $5, $6 FROM website
    WHERE (SELECT count(*) FROM goal WHERE website_config_id = $2) < ${Maximums.goals.max}
    ON CONFLICT (website_config_id, name) DO NOTHING
    RETURNING 1
  )
  SELECT EXISTS (SELECT FROM website) AS known, EXISTS (SELECT FROM created) AS created,
    EXISTS (SELECT FROM goal WHERE website_config_id = $2 AND name = $3) AS taken`

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
        const [{ created, known, taken }] = yield* sql
          .unsafe(createStatement, [
            PgTypes.uuid(goal.goal_id),
            PgTypes.uuid(websiteConfigId),
            PgTypes.text(name),
            PgTypes.text(kind),
            PgTypes.text(value),
            PgTypes.timestamptz(now)
          ])
          .pipe(whileLocked(websiteConfigId), Rows.decodeRows(Created))
        if (known && taken) return yield* new GoalNameTaken({ goal: name })
        if (known && !created) return yield* new LimitReached({ maximum: Maximums.goals })
        return created ? Option.some(goal) : Option.none()
      }),
      list: (websiteConfigId) =>
        sql`SELECT goal_id, goal.name, kind, value, goal.created_at
                FROM goal JOIN site USING (website_config_id)
                WHERE website_config_id = ${PgTypes.uuid(websiteConfigId)} AND deleted_at IS NULL
                ORDER BY goal.created_at, goal_id LIMIT ${PgTypes.int4(maxCounted)}`.pipe(
          Database.mapErrors,
          Rows.decodeRows(GoalRows)
        ),
      all: sql`SELECT website_config_id, goal_id, goal.name, kind, value, goal.created_at
                FROM goal JOIN site USING (website_config_id)
                WHERE deleted_at IS NULL ORDER BY goal.created_at, goal_id`.pipe(
        Database.mapErrors,
        Rows.decodeRows(AllRows),
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
