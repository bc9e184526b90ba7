/**
 * Stores which questions agents do not answer. Outcomes are collected in memory and stored together, so that an agent that is down
 * costs a few statements per second. If a statement fails, its outcomes are lost: the next ones show the same.
 *
 * @module
 */
import { PgClient, PgTypes } from "@effect/sql-pg"
import { Clock, Duration, Effect, Latch, Layer, Schema } from "effect"
import { WebsiteConfigId } from "../../platform/Id.ts"
import * as Database from "../../platform/postgres/Database.ts"
import * as Times from "../../platform/postgres/Times.ts"
import * as Rounds from "../../platform/rounds/Rounds.ts"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import { AgentFailures, add, kinds, none, type Outcomes } from "../AgentFailures.ts"

const { OID } = PgTypes

/** How long outcomes are collected before they are stored. */
const batchDelay = Duration.millis(200)

/** An answer ends the failures before it. */
const answeredStatement = `DELETE FROM agent_failure USING unnest($1, $2) AS answered (id, at)
  WHERE instance_id = id AND last_at <= at`

/** Locks the instances against deletion until the commit, and the rows in sorted order. */
const failedStatement = `INSERT INTO agent_failure AS held (instance_id, kind, times, since, last_at, reason)
  SELECT failed.* FROM (
    SELECT instance_id AS id FROM instance WHERE instance_id = ANY ($1) ORDER BY instance_id FOR KEY SHARE
  ) AS locked JOIN unnest($1, $2, $3, $4, $5, $6) AS failed (instance_id, kind, times, since, last_at, reason)
    ON failed.instance_id = id
  ORDER BY 1, 2
  ON CONFLICT (instance_id, kind) DO UPDATE SET times = held.times + excluded.times,
    since = least(held.since, excluded.since), last_at = greatest(held.last_at, excluded.last_at),
    reason = CASE WHEN excluded.last_at >= held.last_at THEN excluded.reason ELSE held.reason END`

const Stored = Schema.Array(
  Schema.Struct({
    site: Schema.NullOr(WebsiteConfigId),
    kind: Schema.Literals(kinds),
    instanceId: Schema.String,
    name: Schema.String,
    times: Schema.Int,
    since: Schema.Finite,
    lastAt: Schema.Finite,
    reason: Schema.String
  })
)

/**
 * The stored failures of the instances that meet an SQL condition: at most one series of each kind for each. What says whether an
 * assistant answers is made of them.
 */
export const stored = (sql: PgClient.PgClient, condition: string, parameters: ReadonlyArray<unknown>) =>
  sql
    .unsafe(
      `SELECT website_config_id AS "site", kind, instance_id AS "instanceId", name, reason,
          least(times, 2147483647)::int AS times, ${Times.millisAs("since", "since")}, ${Times.millisAs("last_at", "lastAt")}
        FROM agent_failure JOIN instance USING (instance_id) WHERE ${condition}`,
      parameters
    )
    .pipe(decodeRows(Stored))

const times = (values: ReadonlyArray<number>) => Database.timestamps(values.map((value) => new Date(value)))

/** Stores outcomes: first the answers, then the failures after them. */
const store = Effect.fnUntraced(function* (sql: PgClient.PgClient, outcomes: ReadonlyMap<string, Outcomes>) {
  const answers = [...outcomes].flatMap(([id, { answeredAt }]) => (answeredAt === null ? [] : [{ id, answeredAt }]))
  if (answers.length > 0) {
    yield* sql.unsafe(answeredStatement, [
      Database.uuids(answers.map(({ id }) => id)),
      times(answers.map(({ answeredAt }) => answeredAt))
    ])
  }
  const failures = [...outcomes].flatMap(([id, { failures }]) =>
    [...failures].map(([kind, series]) => ({ id, kind, ...series }))
  )
  if (failures.length === 0) return
  yield* sql.unsafe(failedStatement, [
    Database.uuids(failures.map(({ id }) => id)),
    Database.texts(failures.map(({ kind }) => kind)),
    Database.array(
      failures.map(({ times }) => BigInt(times)),
      OID.int8
    ),
    times(failures.map(({ since }) => since)),
    times(failures.map(({ lastAt }) => lastAt)),
    Database.texts(failures.map(({ reason }) => reason))
  ])
})

export const layer: Layer.Layer<AgentFailures, never, PgClient.PgClient> = Layer.effect(
  AgentFailures,
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    let outcomes = new Map<string, Outcomes>()
    const hasOutcomes = Latch.makeUnsafe(false)

    const flush = Effect.suspend(() => {
      hasOutcomes.closeUnsafe()
      const taken = outcomes
      outcomes = new Map()
      return taken.size === 0 ? Effect.void : store(sql, taken)
    }).pipe(
      Effect.timeout("10 seconds"),
      Database.mapErrors,
      Rounds.recover("Could not store which agents fail; trying again with the next answer")
    )

    // Added before the fiber is forked, so that it runs after the fiber ends.
    yield* Effect.addFinalizer(() => Effect.ignore(Effect.timeout(flush, "2 seconds")))
    yield* hasOutcomes.await.pipe(
      Effect.andThen(Effect.sleep(batchDelay)),
      Effect.andThen(flush),
      Effect.forever,
      Effect.forkScoped
    )

    return AgentFailures.of({
      // A caller whose request ends meanwhile would lose what it took, also the failures of other agents.
      flush: Effect.uninterruptible(flush),
      record: (instanceId, outcome) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          outcomes.set(instanceId, add(outcomes.get(instanceId) ?? none, outcome, now))
          hasOutcomes.openUnsafe()
        })
    })
  })
)
