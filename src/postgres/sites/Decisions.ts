/**
 * Counts in the database what was not counted. The counts are gathered in memory and stored a batch at a time, so that a
 * flood of what is not counted costs a few small statements a second, and a request none.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { PgClient, PgTypes } from "@effect/sql-pg"
import { Clock, Duration, Effect, Latch, Layer, Schedule, Schema } from "effect"
import * as Statistics from "../../core/analytics/Statistics.ts"
import { type Counts, reasons } from "../../core/sites/Decision.ts"
import * as Tally from "../../core/sites/Tally.ts"
import { decodeRows } from "../../runtime/Rows.ts"
import { Decisions } from "../../services/sites/Decisions.ts"
import * as Database from "../Database.ts"

export interface Options {
  /** How long a reader waits for the database. */
  readonly timeout: Duration.Input
  /** How many different counts wait for the database at most, 10,000 unless told. */
  readonly capacity?: number
}

const { OID } = PgTypes

/** How long is gathered before a batch is stored. */
const gathering = Duration.millis(200)

/** How long the last batch may take when the process ends. */
const farewell = Duration.seconds(2)

/**
 * One statement a batch, guarded by the batch's id as the page views' is: asked for twice, it counts once. A claimed id is
 * brought to its website here; one of no website falls out. Rows are locked in one order by everyone.
 *
 * A website is locked against deletion until the commit: one that goes in that moment would fail the counts of all others
 * by its foreign key. One whose deletion has begun is none.
 *
 * Two joins, since one whose condition chooses the column can use no index: it would compare every claim with every
 * website, and strangers make the claims. Exported for tests.
 */
export const statement = `
  WITH batch AS (
    INSERT INTO page_view_batch (batch_id) VALUES ($1) ON CONFLICT DO NOTHING RETURNING 1
  ), counted AS (
    SELECT * FROM unnest($2, $3, $4, $5, $6) AS counted (by_token, id, day, reason, times)
    WHERE EXISTS (SELECT FROM batch)
  ), by_token AS MATERIALIZED (
    SELECT website_config_id, day, reason, times FROM counted JOIN site ON tracking_token = id
    WHERE by_token AND deleted_at IS NULL FOR KEY SHARE OF site
  ), by_id AS MATERIALIZED (
    SELECT website_config_id, day, reason, times FROM counted JOIN site ON website_config_id = id
    WHERE NOT by_token AND deleted_at IS NULL FOR KEY SHARE OF site
  ), ours AS (
    SELECT * FROM by_token UNION ALL SELECT * FROM by_id
  )
  INSERT INTO not_counted AS held (website_config_id, day, reason, times)
  SELECT website_config_id, day::date, reason, sum(times)::bigint
  FROM ours GROUP BY website_config_id, day, reason ORDER BY website_config_id, day, reason
  ON CONFLICT (website_config_id, day, reason) DO UPDATE SET times = held.times + excluded.times`

const columns: ReadonlyArray<readonly [oid: number, value: (entry: Tally.DecisionCount) => unknown]> = [
  [OID.bool, ({ subject }) => subject._tag === "Claimed" && subject.by === "tracking-token"],
  [OID.uuid, ({ subject }) => (subject._tag === "Known" ? subject.websiteConfigId : subject.id)],
  [OID.text, ({ day }) => day],
  [OID.text, ({ reason }) => reason],
  [OID.int8, ({ times }) => BigInt(times)]
]

/** The parameters of `statement`. Exported for tests. */
export const parameters = (entries: ReadonlyArray<Tally.DecisionCount>, batchId: string) => [
  PgTypes.uuid(batchId),
  ...columns.map(([oid, value]) => Database.array(entries.map(value), oid))
]

/** Stores counts under a batch's id, once however often it is asked to. Exported for tests. */
export const storeBatch = (sql: PgClient.PgClient, entries: ReadonlyArray<Tally.DecisionCount>, batchId: string) =>
  Effect.asVoid(sql.unsafe(statement, parameters(entries, batchId)))

const Rows = Schema.Array(Schema.Struct({ reason: Schema.Literals(reasons), times: Schema.BigInt }))

export const layer = (options: Options): Layer.Layer<Decisions, never, PgClient.PgClient> =>
  Layer.effect(
    Decisions,
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const tally = Tally.make(options.capacity ?? 10_000)
      const some = Latch.makeUnsafe(false)
      /** Whether the log was told that counts wait: once for each time that the database is away. */
      let isTold = false
      /** The batch that is being stored, or was when the process was told to end. */
      let underway: { readonly batchId: string; readonly entries: ReadonlyArray<Tally.DecisionCount> } | undefined

      /** Stores the batch that is underway, or else a new one; it may be asked for again when it fails. */
      const store = (patience: Duration.Input) =>
        Effect.suspend(() => {
          some.closeUnsafe()
          if (underway === undefined && tally.isEmpty()) return Effect.void
          underway ??= { batchId: randomUUID(), entries: tally.take() }
          const { batchId, entries } = underway
          return storeBatch(sql, entries, batchId).pipe(
            // What the database will not take however often it is asked is given up, or nothing would follow it.
            Effect.catchTag("SqlError", (error) =>
              Database.isTransient(error)
                ? Effect.fail(error)
                : Effect.annotateLogs(
                    Effect.logWarning("Some counts of what was not counted could not be stored"),
                    "reason",
                    error.reason._tag
                  )
            ),
            Database.bounded(patience),
            Effect.tapError(({ reason }) => {
              if (isTold) return Effect.void
              isTold = true
              return Effect.logWarning("Counts of what was not counted wait for the database").pipe(
                Effect.annotateLogs({ reason, counts: entries.length })
              )
            }),
            Effect.andThen(
              Effect.sync(() => {
                underway = undefined
                isTold = false
              })
            )
          )
        })

      // Added before the fiber, so that it runs after the fiber's end: what still waits is stored, if it can be.
      yield* Effect.addFinalizer(() => Effect.ignore(Effect.andThen(store(farewell), store(farewell))))
      yield* some.await.pipe(
        Effect.andThen(Effect.sleep(gathering)),
        Effect.andThen(Effect.retry(store("10 seconds"), Schedule.spaced("1 second"))),
        Effect.forever,
        Effect.forkScoped
      )

      return Decisions.of({
        record: (subject, reason) =>
          Effect.map(Clock.currentTimeMillis, (now) => {
            if (tally.add(subject, reason, now)) some.openUnsafe()
          }),
        counts: ({ site, ...query }) => {
          const { dates } = Statistics.period(query)
          return sql`
            SELECT reason, sum(times)::bigint AS times FROM not_counted
            WHERE website_config_id = ${PgTypes.uuid(site.websiteConfigId)}
              AND day >= ${dates[0] ?? ""}::date AND day <= ${dates.at(-1) ?? ""}::date
              AND reason = ANY(${Database.array([...reasons], OID.text)})
            GROUP BY reason`.pipe(
            Database.bounded(options.timeout),
            decodeRows(Rows),
            Effect.map((rows): Counts => Object.fromEntries(rows.map(({ reason, times }) => [reason, Number(times)])))
          )
        }
      })
    })
  )
