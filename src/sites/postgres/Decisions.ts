/**
 * Stores how many requests of a website were not counted, by day and reason. The counts are aggregated in memory and stored in
 * batches, so that a flood of such requests costs a few small statements per second instead of one per request.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { PgClient, PgTypes } from "@effect/sql-pg"
import { Cause, Clock, Duration, Effect, Latch, Layer, Schedule, Schema } from "effect"
import {
  type Counts,
  maxDistinctRefused,
  reasons,
  type Subject,
  type TallyReason
} from "../../platform/http/Decision.ts"
import * as Database from "../../platform/postgres/Database.ts"
import * as Rounds from "../../platform/rounds/Rounds.ts"
import { hourMillis } from "../../platform/text/Calendar.ts"
import * as Decisions from "../Decisions.ts"

export interface Options {
  /** The maximum number of distinct counts that are aggregated in memory. Default: 10,000. */
  readonly capacity?: number
}

const { OID } = PgTypes

/** How long counts are aggregated before they are stored. */
const batchDelay = Duration.millis(200)

/** The timeout of each of the last two batches at shutdown. */
const shutdownTimeout = Duration.seconds(2)

/** The minimum time between two `site.limit` events of a website, in milliseconds. */
const limitEventMillis = hourMillis

const isLimitEventDue = `coalesce(limit_event_at <= now() - interval '${limitEventMillis} milliseconds', true)`

/** The reasons that a website's owner or operator can change something about: `refusal` has them by what was refused. */
const changeable: ReadonlyArray<TallyReason> = [
  "foreign-origin",
  "form-rule",
  "limited",
  "chat-limited",
  "chat-foreign-origin"
]

/** An SQL condition: whether a row of `refusal` has the key of a row of `named`. */
const isNamed = `held.website_config_id = named.website_config_id AND held.day = named.day AND held.reason = named.reason`

/** An SQL expression: how many requests were not counted for a reason on the day of a row of `due`, this batch included. */
const timesSoFar = (reason: TallyReason) => `coalesce(
        (SELECT times FROM stored AS updated WHERE updated.website_config_id = due.website_config_id AND updated.day = due.day
          AND reason = '${reason}'),
        (SELECT times FROM not_counted AS previous WHERE previous.website_config_id = due.website_config_id
          AND previous.day = due.day AND reason = '${reason}'), 0)`

/**
 * Stores a batch in one statement. The batch id makes it idempotent, as it does for page views. Finds the websites of the ids
 * that clients sent, and drops unknown ids. Rows are locked in sorted order, to avoid deadlocks.
 *
 * Websites are locked against deletion until the commit: if one were deleted meanwhile, the foreign key would fail the whole
 * batch. A website whose deletion has begun counts as unknown.
 *
 * Uses a join for each kind of id. A single join whose condition chooses the column could use no index: it would compare every
 * sent id with every website, and clients choose how many ids they send. Exported for tests.
 *
 * What was refused is kept apart for at most `maxDistinctRefused` of a website, a day and a reason: clients choose their origins.
 * Two processes that store the last of these at the same time may keep a few more.
 *
 * If visitors were refused because of a limit, a website with subscribers gets an event, at most one an hour from all processes
 * together, because each of them locks the website's row.
 */
export const statement = `
  WITH batch AS (
    INSERT INTO page_view_batch (batch_id) VALUES ($1) ON CONFLICT DO NOTHING RETURNING 1
  ), counts AS (
    SELECT * FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10)
      AS counts (id_kind, id, day, reason, times, refused, field, first_at, last_at)
    WHERE EXISTS (SELECT FROM batch)
  ), by_token AS MATERIALIZED (
    SELECT website_config_id, counts.* FROM counts JOIN site ON tracking_token = id
    WHERE id_kind = 'token' AND deleted_at IS NULL FOR KEY SHARE OF site
  ), by_id AS MATERIALIZED (
    SELECT website_config_id, counts.* FROM counts JOIN site ON website_config_id = id
    WHERE id_kind = 'site' AND deleted_at IS NULL FOR KEY SHARE OF site
  ), by_instance AS MATERIALIZED (
    SELECT website_config_id, counts.* FROM counts JOIN instance ON instance_id = id
    JOIN site USING (website_config_id)
    WHERE id_kind = 'instance' AND deleted_at IS NULL FOR KEY SHARE OF site
  ), known AS (
    SELECT * FROM by_token UNION ALL SELECT * FROM by_id UNION ALL SELECT * FROM by_instance
  ), stored AS (
    INSERT INTO not_counted AS held (website_config_id, day, reason, times)
    SELECT website_config_id, day::date, reason, sum(times)::bigint
    FROM known GROUP BY website_config_id, day, reason ORDER BY website_config_id, day, reason
    ON CONFLICT (website_config_id, day, reason) DO UPDATE SET times = held.times + excluded.times
    RETURNING website_config_id, day, reason, times
  ), named AS (
    SELECT website_config_id, day::date AS day, reason, refused, field, sum(times)::bigint AS times,
      min(first_at) AS first_at, max(last_at) AS last_at
    FROM known WHERE reason IN (${changeable.map((reason) => `'${reason}'`).join(", ")})
    GROUP BY website_config_id, day, reason, refused, field
  ), placed AS (
    SELECT *, is_held OR held_ones + row_number() OVER (
      PARTITION BY website_config_id, day, reason, is_held ORDER BY times DESC) <= ${maxDistinctRefused} AS is_kept
    FROM named CROSS JOIN LATERAL (
      SELECT count(*) AS held_ones, coalesce(bool_or(subject = refused AND held.field = named.field), false) AS is_held
      FROM refusal AS held WHERE ${isNamed}
    ) AS before
  ), refused AS (
    INSERT INTO refusal AS held (website_config_id, day, reason, subject, field, times, first_at, last_at)
    SELECT website_config_id, day, reason, kept.subject, kept.field, sum(times), min(first_at), max(last_at)
    FROM placed CROSS JOIN LATERAL (
      SELECT CASE WHEN is_kept THEN refused ELSE '' END AS subject, CASE WHEN is_kept THEN placed.field ELSE '' END AS field
    ) AS kept
    GROUP BY website_config_id, day, reason, kept.subject, kept.field
    ORDER BY website_config_id, day, reason, kept.subject, kept.field
    ON CONFLICT (website_config_id, day, reason, subject, field) DO UPDATE SET times = held.times + excluded.times,
      first_at = least(held.first_at, excluded.first_at), last_at = greatest(held.last_at, excluded.last_at)
  ), limited AS (
    SELECT website_config_id, max(day) AS day FROM stored WHERE reason IN ('limited', 'chat-limited')
    GROUP BY website_config_id
  ), due AS MATERIALIZED (
    SELECT limited.* FROM limited JOIN site USING (website_config_id) WHERE has_subscribers AND ${isLimitEventDue}
    ORDER BY website_config_id FOR NO KEY UPDATE OF site
  ), marked AS (
    UPDATE site SET limit_event_at = now() FROM due WHERE site.website_config_id = due.website_config_id
  )
  INSERT INTO outbox (event_id, website_config_id, type, created_at, data)
  SELECT gen_random_uuid(), website_config_id, 'site.limit', now(),
    json_build_object('website_config_id', website_config_id, 'day', day,
      'refused', ${timesSoFar("limited")}, 'refused_messages', ${timesSoFar("chat-limited")})
  FROM due`

/** What the id of a subject identifies. */
const idKindOf = (subject: Subject): "token" | "site" | "instance" =>
  subject._tag === "Known" || subject.by === "website-config-id"
    ? "site"
    : subject.by === "tracking-token"
      ? "token"
      : "instance"

const columns: ReadonlyArray<readonly [oid: number, value: (entry: Decisions.DecisionCount) => unknown]> = [
  [OID.text, ({ subject }) => idKindOf(subject)],
  [OID.uuid, ({ subject }) => (subject._tag === "Known" ? subject.websiteConfigId : subject.id)],
  [OID.text, ({ day }) => day],
  [OID.text, ({ reason }) => reason],
  [OID.int8, ({ times }) => BigInt(times)],
  [OID.text, ({ refused }) => refused.subject],
  [OID.text, ({ refused }) => refused.field],
  [OID.timestamptz, ({ firstAt }) => new Date(firstAt)],
  [OID.timestamptz, ({ lastAt }) => new Date(lastAt)]
]

/** The parameters of `statement`. Exported for tests. */
export const parameters = (entries: ReadonlyArray<Decisions.DecisionCount>, batchId: string) => [
  PgTypes.uuid(batchId),
  ...columns.map(([oid, value]) => Database.array(entries.map(value), oid))
]

/** Stores counts under a batch id, idempotently. Exported for tests. */
export const storeBatch = (sql: PgClient.PgClient, entries: ReadonlyArray<Decisions.DecisionCount>, batchId: string) =>
  sql.unsafe(statement, parameters(entries, batchId)).pipe(Effect.asVoid, Rounds.waking("events"))

const Rows = Schema.Array(Schema.Struct({ reason: Schema.Literals(reasons), times: Schema.BigInt }))

export const layer = (options: Options = {}): Layer.Layer<Decisions.Decisions, never, PgClient.PgClient> =>
  Layer.effect(
    Decisions.Decisions,
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const tally = Decisions.makeTally(options.capacity ?? 10_000)
      const hasCounts = Latch.makeUnsafe(false)
      /** Whether this outage of the database was logged. */
      let isLogged = false
      /** The batch in flight, kept until it is stored. */
      let inFlight: { readonly batchId: string; readonly entries: ReadonlyArray<Decisions.DecisionCount> } | undefined

      /** Stores the batch in flight, or else a new one. Call it again after a failure. */
      const store = (timeout: Duration.Input) =>
        Effect.suspend(() => {
          if (inFlight === undefined) {
            // Not before a retry: the counts that were recorded since the first attempt are still in the tally.
            hasCounts.closeUnsafe()
            if (tally.isEmpty()) return Effect.void
            inFlight = { batchId: randomUUID(), entries: tally.take() }
          }
          const { batchId, entries } = inFlight
          return storeBatch(sql, entries, batchId).pipe(
            // Drops a batch that no retry can store, so that the next ones are stored.
            Effect.catchTag("SqlError", (error) =>
              Database.isTransient(error)
                ? Effect.fail(error)
                : Effect.annotateLogs(
                    Effect.logWarning("Some decision counts could not be stored and are lost"),
                    "reason",
                    error.reason._tag
                  )
            ),
            Effect.catchCauseIf(
              (cause) => !Cause.hasFails(cause),
              (cause) => Effect.logWarning("Some decision counts could not be stored and are lost", cause)
            ),
            Database.repeatable,
            Database.withTimeout(timeout),
            Database.mapErrors,
            Effect.tapError(({ reason }) => {
              if (isLogged) return Effect.void
              isLogged = true
              return Effect.logWarning(
                "Decision counts cannot be stored now; they stay in memory and are stored later"
              ).pipe(Effect.annotateLogs({ reason, counts: entries.length }))
            }),
            Effect.andThen(
              Effect.sync(() => {
                inFlight = undefined
                isLogged = false
              })
            )
          )
        })

      // Added before the fiber is forked, so that it runs after the fiber ends: stores the remaining counts if it can.
      yield* Effect.addFinalizer(() => Effect.ignore(Effect.andThen(store(shutdownTimeout), store(shutdownTimeout))))
      yield* hasCounts.await.pipe(
        Effect.andThen(Effect.sleep(batchDelay)),
        Effect.andThen(Effect.retry(store("10 seconds"), Schedule.spaced("1 second"))),
        Effect.forever,
        Effect.forkScoped
      )

      return Decisions.Decisions.of({
        record: (subject, reason, refused) =>
          Effect.map(Clock.currentTimeMillis, (now) => {
            if (tally.add(subject, reason, now, refused)) hasCounts.openUnsafe()
          }),
        counts: ({ first, last, site }) =>
          sql`
            SELECT reason, sum(times)::bigint AS times FROM not_counted
            WHERE website_config_id = ${PgTypes.uuid(site.websiteConfigId)}
              AND day >= ${first}::date AND day <= ${last}::date
              AND reason = ANY(${Database.texts([...reasons])})
            GROUP BY reason`.pipe(
            Database.read(Rows),
            Effect.map((rows): Counts => Object.fromEntries(rows.map(({ reason, times }) => [reason, Number(times)])))
          )
      })
    })
  )
