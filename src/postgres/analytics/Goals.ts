/**
 * Stores goals in PostgreSQL.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { PgTypes } from "@effect/sql-pg"
import { PgClient } from "@effect/sql-pg/PgClient"
import { Clock, Effect, Layer, Option, Schema } from "effect"
import { type Goal, kinds, leads, maxCounted } from "../../core/analytics/Goal.ts"
import * as Maximums from "../../core/sites/Maximums.ts"
import { isCanonicalUuid } from "../../core/text/Uuid.ts"
import { decodeRows } from "../../runtime/Rows.ts"
import { GoalNameTaken, Goals } from "../../services/analytics/Goals.ts"
import { LimitReached } from "../../services/LimitReached.ts"
import * as Database from "../Database.ts"
import * as SiteLock from "../sites/SiteLock.ts"

const Rows = Schema.Array(
  Schema.Struct({
    goal_id: Schema.String,
    website_config_id: Schema.String,
    name: Schema.String,
    kind: Schema.Literals(kinds),
    value: Schema.String,
    created_at: Schema.Date
  })
)

const toGoal = (row: (typeof Rows.Type)[number]): Goal => ({
  goalId: row.goal_id,
  websiteConfigId: row.website_config_id,
  name: row.name,
  kind: row.kind,
  value: row.value,
  createdAt: row.created_at.getTime()
})

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

const Websites = Schema.Array(Schema.Struct({ website_config_id: Schema.String }))

export const layer: Layer.Layer<Goals, never, PgClient> = Layer.effect(
  Goals,
  Effect.map(PgClient, (sql) =>
    Goals.of({
      create: Effect.fnUntraced(function* (given) {
        if (!isCanonicalUuid(given.websiteConfigId)) return Option.none()
        if (Object.values<string>(leads).includes(given.name)) return yield* new GoalNameTaken({ goal: given.name })
        const goal: Goal = { ...given, goalId: randomUUID(), createdAt: yield* Clock.currentTimeMillis }
        const [{ created, known, taken }] = yield* sql
          .unsafe(createStatement, [
            PgTypes.uuid(goal.goalId),
            PgTypes.uuid(goal.websiteConfigId),
            PgTypes.text(goal.name),
            PgTypes.text(goal.kind),
            PgTypes.text(goal.value),
            PgTypes.timestamptz(goal.createdAt)
          ])
          .pipe(SiteLock.whileLocked(sql, goal.websiteConfigId), decodeRows(Created))
        if (known && taken) return yield* new GoalNameTaken({ goal: given.name })
        if (known && !created) return yield* new LimitReached({ maximum: Maximums.goals })
        return created ? Option.some(goal) : Option.none()
      }),
      list: (websiteConfigId) =>
        isCanonicalUuid(websiteConfigId)
          ? sql`SELECT goal_id, website_config_id, goal.name, kind, value, goal.created_at
                FROM goal JOIN site USING (website_config_id)
                WHERE website_config_id = ${PgTypes.uuid(websiteConfigId)} AND deleted_at IS NULL
                ORDER BY goal.created_at, goal_id LIMIT ${PgTypes.int4(maxCounted)}`.pipe(
              Database.mapErrors,
              decodeRows(Rows),
              Effect.map((rows) => rows.map(toGoal))
            )
          : Effect.succeed([]),
      websites: sql`SELECT DISTINCT website_config_id FROM goal`.pipe(
        Database.mapErrors,
        decodeRows(Websites),
        Effect.map((rows) => new Set(rows.map((row) => row.website_config_id)))
      ),
      delete: Effect.fnUntraced(function* (goalId) {
        if (!isCanonicalUuid(goalId)) return false
        const deleted = yield* sql`DELETE FROM goal WHERE goal_id = ${PgTypes.uuid(goalId)} RETURNING 1`.pipe(
          Database.mapErrors
        )
        return deleted.length > 0
      })
    })
  )
)
