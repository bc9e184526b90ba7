/**
 * Looks for work that was left over: by a process that died between its commit and its wake-up, by a command, or by a process
 * that does not do this kind of work. One process does so for all: the holder of a lease, with one statement every ten seconds.
 * It also starts what is due by the time, such as rollups and maintenance.
 *
 * The lease only saves statements. Two holders at once, such as after a long pause of the first, do no harm: every kind of work
 * is safe in several processes. The lease is a row, since a lock of the session would not work through PgBouncer in transaction
 * mode.
 *
 * The other processes take turns to look whether the lease has ended, one every ten seconds, however many there are.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { PgTypes } from "@effect/sql-pg"
import { Clock, Duration, Effect, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql"
import * as Database from "../../postgres/Database.ts"
import * as Outbox from "../../postgres/Outbox.ts"
import * as Times from "../../postgres/Times.ts"
import { decodeRows } from "../../runtime/Rows.ts"
import { StorageUnavailable } from "../../Storage.ts"
import * as Rounds from "../Rounds.ts"
import * as FailedItems from "./FailedItems.ts"

/** The time between two looks of the holder, in milliseconds. */
const interval = 10_000

/** How long a lease lasts without a further look, in milliseconds. A look may be late by the difference to `interval`. */
const leaseMillis = 20_000

/** The longest time between two looks of a process that has no lease, in milliseconds, however many processes there are. */
const longestTurn = 120_000

/**
 * The time to the next look after one that found left-over work, in milliseconds: more of it may follow, for example if a
 * process with `DELIVERY=off` receives submissions. It doubles up to `interval`.
 */
const busyInterval = 500

/** How often closed days are looked for, in milliseconds: that query reads all websites. */
const rollupInterval = 60_000

/**
 * How often all websites are searched for page views after their stored visits, in milliseconds. A process knows of those that it
 * stored, but not of those before its start.
 */
const openDaysInterval = 3_600_000

/** How often the problems of websites are looked for, in milliseconds, to mail them. */
const problemsInterval = 300_000

/** How often the tables are maintained, in milliseconds. */
const maintenanceInterval = 3_600_000

/** The kinds of work that a look can find. */
const found = ["events", "deliveries", "replays", "mails", "leads", "rollups"] as const

type Found = (typeof found)[number]

/** Times up to this one are soon enough that the next look would be late for them. */
const soon = `now() + interval '${2 * interval} milliseconds'`

/** When failed items are tried again. */
const retries = (...kinds: ReadonlyArray<FailedItems.Kind>) =>
  `SELECT min(retry_at) FROM failed_item WHERE kind IN (${kinds.map((kind) => `'${kind}'`).join(", ")})
    AND retry_at < ${soon}`

const when = (condition: string) => `SELECT now() WHERE ${condition}`

/**
 * For each kind, queries for when work is due; null or no row if none is due soon. Deliveries are found as in `Leases`: with one
 * index probe for each subscriber that has any.
 */
const dueTimes: Readonly<Record<Found, ReadonlyArray<string>>> = {
  events: [
    when(`EXISTS (SELECT FROM submission_outbox)
      OR EXISTS (SELECT FROM outbox WHERE ${FailedItems.mayTry("event", "event_id")} AND ${Outbox.mayFanOut})`),
    retries("event")
  ],
  deliveries: [
    `WITH RECURSIVE subscriber AS (
        (SELECT subscriber_id FROM delivery WHERE status = 'pending' ORDER BY subscriber_id LIMIT 1)
        UNION ALL
        SELECT (
          SELECT subscriber_id FROM delivery WHERE status = 'pending' AND subscriber_id > subscriber.subscriber_id
          ORDER BY subscriber_id LIMIT 1
        ) FROM subscriber WHERE subscriber_id IS NOT NULL
      )
      SELECT min(next_attempt_at) FROM subscriber JOIN webhook ON webhook_id = subscriber_id
      JOIN site USING (website_config_id) CROSS JOIN LATERAL (
        SELECT next_attempt_at FROM delivery WHERE subscriber_id = webhook_id AND status = 'pending'
          AND next_attempt_at < ${soon} ORDER BY next_attempt_at LIMIT 1
      ) AS first WHERE disabled_at IS NULL AND deleted_at IS NULL`
  ],
  replays: [
    when(`EXISTS (SELECT FROM webhook_replay JOIN webhook USING (webhook_id) JOIN site USING (website_config_id)
      WHERE disabled_at IS NULL AND deleted_at IS NULL AND ${FailedItems.mayTry("replay", "webhook_id")})`),
    retries("replay")
  ],
  mails: [
    `SELECT min(due_at) FROM notification JOIN site USING (website_config_id)
      WHERE due_at < ${soon} AND is_confirmed AND deleted_at IS NULL
        AND ${FailedItems.mayTry("notification", "notification_id")}`,
    `SELECT min(next_attempt_at) FROM mail WHERE status = 'pending' AND next_attempt_at < ${soon}
      AND ${FailedItems.mayTry("mail", "mail_id")}`,
    // As in `Replies`: a reply waits while its submission is deleted, and an automatic one also while it is quarantined.
    `SELECT min(next_attempt_at) FROM reply WHERE status = 'pending' AND next_attempt_at < ${soon}
      AND EXISTS (SELECT FROM submission WHERE submission.submission_id = reply.submission_id
        AND (reply.subject IS NULL OR submission.status = 'accepted'))`,
    retries("notification", "mail")
  ],
  leads: [
    when(`EXISTS (SELECT FROM conversion_outbox)
      OR EXISTS (SELECT FROM pending_lead WHERE ${FailedItems.mayTry("leads", "hosted_website_id")})`),
    retries("leads")
  ],
  rollups: [
    when(`EXISTS (SELECT FROM rollup_stale WHERE ${FailedItems.mayTry("rollup", "hosted_website_id")})`),
    retries("rollup")
  ]
}

/** In how many milliseconds work is due; negative if it is overdue. By the database's clock, which set the times. */
const waitOf = (kind: Found) =>
  `'${kind}', extract(epoch FROM least(${dueTimes[kind].map((query) => `(${query})`).join(", ")}) - clock_timestamp()) * 1000`

/** A process with more kinds of work takes the lease of one with fewer, which would not do all of the work that it finds. */
const takes = "lease.holder = $1 OR lease.until <= $3 OR lease.kinds < $2"

/** Extends or takes the lease, or else takes a turn to look again. The holder also gets when work is due. */
const statement = `WITH looked AS (
    INSERT INTO background_lease AS lease (name, holder, kinds, until, next_look_at)
    VALUES ('left-over work', $1, $2, $3 + interval '${leaseMillis} milliseconds', $3)
    ON CONFLICT (name) DO UPDATE SET
      holder = CASE WHEN ${takes} THEN excluded.holder ELSE lease.holder END,
      kinds = CASE WHEN ${takes} THEN excluded.kinds ELSE lease.kinds END,
      until = CASE WHEN ${takes} THEN excluded.until ELSE lease.until END,
      next_look_at = CASE WHEN ${takes} THEN lease.next_look_at ELSE least(
        greatest(lease.next_look_at, $3) + interval '${interval} milliseconds',
        $3 + interval '${longestTurn} milliseconds') END
    RETURNING holder = $1 AS "isHolder", next_look_at
  )
  SELECT "isHolder", ${Times.millisAs("next_look_at", "nextLookAt")},
    CASE WHEN "isHolder" THEN json_build_object(${found.map(waitOf).join(", ")}) END AS waits
  FROM looked`

const Wait = Schema.NullOr(Schema.Finite)

const Looked = Schema.Tuple([
  Schema.Struct({
    isHolder: Schema.Boolean,
    nextLookAt: Schema.Finite,
    waits: Schema.NullOr(
      Schema.Struct({ events: Wait, deliveries: Wait, replays: Wait, mails: Wait, leads: Wait, rollups: Wait })
    )
  })
])

/** Looks until the scope closes, and then ends its lease. Build it after the loops, so that it wakes them. */
export const layer: Layer.Layer<never, never, SqlClient.SqlClient> = Layer.effectDiscard(
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const { count, wake, wakeAt } = yield* Rounds.Wakeups
    const id = PgTypes.uuid(randomUUID())
    const never = Number.NEGATIVE_INFINITY
    let last = { rollups: never, "all-open-days": never, maintenance: never, problems: never }
    let untilNext = interval

    /** Wakes the loops of a kind if they were not woken for `millis`. */
    const wakeEvery = (kind: keyof typeof last, millis: number, now: number) => {
      if (now - last[kind] < millis) return
      last = { ...last, [kind]: now }
      wake(kind)
    }

    const look = Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const [{ isHolder, nextLookAt, waits }] = yield* sql
        .unsafe(statement, [id, PgTypes.int4(count()), PgTypes.timestamptz(now)])
        .pipe(decodeRows(Looked))
      if (!isHolder || waits === null) return Duration.millis(Math.max(nextLookAt - now, interval))
      for (const kind of found) {
        const wait = waits[kind]
        if (wait !== null) wakeAt(kind, now + Math.max(0, wait))
      }
      wakeEvery("rollups", rollupInterval, now)
      wakeEvery("all-open-days", openDaysInterval, now)
      wakeEvery("maintenance", maintenanceInterval, now)
      wakeEvery("problems", problemsInterval, now)
      const isBusy = (waits.events ?? 1) <= 0 || (waits.leads ?? 1) <= 0
      untilNext = isBusy ? busyInterval : Math.min(2 * untilNext, interval)
      return Duration.millis(untilNext)
    }).pipe(
      Effect.timeoutOrElse({
        duration: "10 seconds",
        orElse: () => Effect.fail(new StorageUnavailable({ reason: "timeout" }))
      }),
      Database.mapErrors
    )

    // Added before the loop starts, so that it runs after the loop has ended.
    yield* Effect.addFinalizer(() =>
      sql`UPDATE background_lease SET until = to_timestamp(0) WHERE holder = ${id}`.pipe(
        Effect.timeout("1 second"),
        Effect.ignore
      )
    )
    yield* Effect.ignore(Effect.timeout(FailedItems.retryAll, "10 seconds"))
    yield* Rounds.start({
      kind: "left-over",
      what: "look for left-over work",
      round: look,
      gap: busyInterval,
      startsAtOnce: true
    })
  })
)
