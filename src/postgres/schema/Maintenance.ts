/**
 * Periodic maintenance of the tables: creates partitions for the coming months and deletes expired data.
 *
 * @module
 */
import { Clock, Duration, Effect, Exit, Layer, Option, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { cutoff } from "../../core/sites/Retention.ts"
import { decodeRows } from "../../runtime/Rows.ts"
import * as LapsedAnswers from "../chat/LapsedAnswers.ts"
import * as ConsoleSessions from "../sites/ConsoleSessions.ts"
import * as SiteErasure from "../sites/SiteErasure.ts"
import * as Partitions from "./Partitions.ts"
import * as Retention from "./Retention.ts"

const hour = 3_600_000

/** Rows deleted per statement: few enough to hold locks only briefly. */
const chunk = 5_000

/** The timeout of one statement. */
const statementTimeout = Duration.minutes(1)

const Deleted = Schema.Tuple([Schema.Struct({ deleted: Schema.BigInt })])

/** Deletes the rows of a table whose `column` is before `before` (milliseconds since 1970), in chunks. */
const deleteBefore = Effect.fnUntraced(function* (table: string, column: string, before: number) {
  const sql = yield* SqlClient.SqlClient
  while (true) {
    const [{ deleted }] = yield* sql`WITH old AS (
        DELETE FROM ${sql(table)} WHERE ctid = ANY (ARRAY(
          SELECT ctid FROM ${sql(table)} WHERE ${sql(column)} < ${new Date(before)} LIMIT ${chunk}
        )) AND ${sql(column)} < ${new Date(before)} RETURNING 1
      ) SELECT count(*) AS deleted FROM old`.pipe(decodeRows(Deleted), Effect.timeout(statementTimeout))
    if (deleted < chunk) return
  }
})

/** Deletes the salts of the days that began 48 hours ago or earlier. */
const deleteSalts = Effect.fnUntraced(function* (now: number) {
  const sql = yield* SqlClient.SqlClient
  const lastDay = new Date(now - 48 * hour).toISOString().slice(0, 10)
  yield* sql`DELETE FROM visitor_salt WHERE day <= ${lastDay}::date`.pipe(Effect.timeout(statementTimeout))
})

const ensurePartitions = (now: number) =>
  Partitions.ensure(now).pipe(Effect.timeout(statementTimeout), Effect.flatMap(Partitions.report))

/** Completes interrupted erasures of websites, even after one fails. */
const resumeErasures = Effect.gen(function* () {
  const ids = yield* Effect.timeout(SiteErasure.unfinished, statementTimeout)
  yield* Exit.asVoidAll(yield* Effect.forEach(ids, (id) => Effect.exit(SiteErasure.erase(id, statementTimeout))))
})

/** Deletes outbox events, deliveries and mails after 30 days, or with what they contain if that expires earlier. */
const deleteDeliveries = Effect.fnUntraced(function* (retention: Retention.Options, now: number) {
  const cutoffs = [retention.submissions, retention.conversations].map(
    Option.match({ onNone: () => Number.NEGATIVE_INFINITY, onSome: (kept) => cutoff(kept, now) })
  )
  const before = Math.max(now - 30 * 24 * hour, ...cutoffs)
  yield* deleteBefore("outbox", "created_at", before)
  yield* deleteBefore("delivery", "created_at", before)
  yield* deleteBefore("mail_item", "created_at", before)
  yield* deleteBefore("mail", "created_at", before)
})

const steps = (retention: Retention.Options) =>
  [
    ["create partitions", ensurePartitions],
    ["delete old visitor salts", deleteSalts],
    ["delete old batch ids", (now: number) => deleteBefore("page_view_batch", "stored_at", now - 24 * hour)],
    ["delete old idempotency keys", (now: number) => deleteBefore("idempotency_key", "used_at", now - 24 * hour)],
    [
      "delete old token reservations",
      (now: number) => deleteBefore("token_reservation", "reserved_at", now - 48 * hour)
    ],
    ["delete old deliveries", (now: number) => deleteDeliveries(retention, now)],
    [
      "delete ended console sessions",
      (now: number) => Effect.timeout(ConsoleSessions.deleteEnded(now), statementTimeout)
    ],
    ["delete expired data", () => Retention.deleteExpired(retention)],
    ["complete the deletion of websites", () => resumeErasures],
    ["close the answers of processes that died", () => Effect.timeout(LapsedAnswers.closeAll, statementTimeout)]
  ] as const

/**
 * Runs every step once, even after one fails, and returns whether all succeeded. Logs failures.
 */
export const round = (retention: Retention.Options): Effect.Effect<boolean, never, SqlClient.SqlClient> =>
  Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    let succeeded = true
    for (const [name, step] of steps(retention)) {
      yield* step(now).pipe(
        Effect.catchCause((cause) =>
          Effect.andThen(
            Effect.sync(() => {
              succeeded = false
            }),
            Effect.logWarning(`Could not ${name}; retrying within a minute`, cause)
          )
        )
      )
    }
    return succeeded
  })

/** Runs a round at once and then every hour, or a minute after a round that failed, until the scope closes. */
export const layer = (retention: Retention.Options): Layer.Layer<never, never, SqlClient.SqlClient> =>
  Layer.effectDiscard(
    round(retention).pipe(
      Effect.flatMap((succeeded) => Effect.sleep(succeeded ? Duration.hours(1) : Duration.minutes(1))),
      Effect.forever,
      Effect.forkScoped
    )
  )
