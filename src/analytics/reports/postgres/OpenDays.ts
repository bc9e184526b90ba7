/**
 * Stores the visits of open days while they go on.
 *
 * Visits are stored from rows that were received `maxUnmarkedDelay` ago. A row that is added to them later is marked by a trigger
 * (the migration `0041_late_rows`), and reports then compute its whole day from rows. So a long queue must not delay rows: one that
 * waited longer is stored with a later time.
 *
 * A process remembers the websites of which it stored many page views, so that no round has to look at all websites.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { Array as Arr, type Cause, Clock, Context, Duration, Effect, Schema } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import * as Database from "../../../platform/postgres/Database.ts"
import * as Locks from "../../../platform/postgres/Locks.ts"
import * as FailedItems from "../../../platform/rounds/postgres/FailedItems.ts"
import { decodeRows } from "../../../platform/runtime/Rows.ts"
import { dateOf } from "../../../platform/text/Calendar.ts"
import * as LocalTime from "../LocalTime.ts"
import type { LocalDate } from "../Query.ts"
import * as DayRollUp from "./DayRollUp.ts"
import * as RollupState from "./RollupState.ts"

/** A row that is added more than this many milliseconds after it was received is marked. */
export const maxUnmarkedDelay = 5_000

/** How long a row may wait in the queue without a later time. The rest is for its statement, and for clocks that differ. */
export const maxWait = 3_000

/** A row in the queue. Times are in milliseconds since 1970. */
export interface Queued<A> {
  readonly row: A
  readonly queuedAt: number
}

/** The rows as they are stored at `now`. */
export const storedRows = <A extends { readonly receivedAt: number }>(
  queued: ReadonlyArray<Queued<A>>,
  now: number
): ReadonlyArray<A> =>
  queued.map(({ queuedAt, row }) => {
    const late = now - queuedAt - maxWait
    return late > 0 ? { ...row, receivedAt: row.receivedAt + late } : row
  })

/** If more page views than this follow the stored visits, the next visits are stored. */
export const maxTail = 1000

export interface BusySites {
  /**
   * Counts page views that were stored at `now`. Returns when one of their websites will be due, in milliseconds since 1970; null
   * if none has become busy.
   */
  readonly count: (hostedWebsiteIds: Iterable<string>, now: number) => number | null
  /** Adds websites that are due at once. */
  readonly add: (hostedWebsiteIds: Iterable<string>) => void
  /** The websites that are due. */
  readonly due: (now: number) => ReadonlyArray<string>
  /** Removes websites, because their visits were stored at `now`. Those with many page views since then are due later. */
  readonly remove: (hostedWebsiteIds: Iterable<string>, now: number) => void
}

export const makeBusySites = (): BusySites => {
  const counts = new Map<string, number>()
  const dueAt = new Map<string, number>()
  /** When the latest page views of the websites in `dueAt` will be due. */
  const lastDueAt = new Map<string, number>()
  return {
    count: (ids, now) => {
      let at: number | null = null
      for (const id of ids) {
        const times = (counts.get(id) ?? 0) + 1
        counts.set(id, times)
        if (times <= maxTail) continue
        counts.delete(id)
        at = now + maxUnmarkedDelay
        lastDueAt.set(id, at)
        if (!dueAt.has(id)) dueAt.set(id, at)
      }
      return at
    },
    add: (ids) => {
      for (const id of ids) dueAt.set(id, 0)
    },
    due: (now) => [...dueAt].flatMap(([id, at]) => (at <= now ? [id] : [])),
    remove: (ids, now) => {
      for (const id of ids) {
        const last = lastDueAt.get(id)
        lastDueAt.delete(id)
        if (last === undefined || last <= now) dueAt.delete(id)
        else dueAt.set(id, last)
      }
    }
  }
}

/** By default, those of the process. */
export const BusySites = Context.Reference<BusySites>("hydracore/analytics/reports/postgres/BusySites", {
  defaultValue: makeBusySites
})

/** Websites that one statement looks for. */
export const pageSize = 1000

/** Days are rolled up together up to this number of rows, to keep transactions short. */
export const maxRows = 100_000

/** A website or a batch that takes longer goes on in the next round, after the others. In milliseconds. */
export const maxTurn = 10_000

/** Batches that are rolled up at the same time, each on a connection of its own. */
export const maxConcurrent = 4

/** Maximum wait for transactions that are writing. */
const writersTimeout = Duration.seconds(30)

const Now = Schema.Tuple([Schema.Struct({ now: Schema.Finite })])

/** A time, in milliseconds since 1970. A row that was received before it, but is added from now on, will be marked. */
export const horizon = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const [{ now }] = yield* sql`SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now`.pipe(
    decodeRows(Now)
  )
  yield* Effect.timeout(Locks.awaitWriters(["page_view", "event", "conversion"]), writersTimeout)
  return Math.floor(now) - maxUnmarkedDelay
})

/** The last day that ended before the horizon `before`. */
export const lastClosed = (timeZone: string, before: number): LocalDate =>
  LocalTime.addDays(dateOf(LocalTime.zone(timeZone).toLocal(before - 1)), -1)

/** The day of the horizon `before`. */
const openDays = (timeZone: string, before: number): ReadonlyArray<LocalTime.Day> => {
  const date = LocalTime.addDays(lastClosed(timeZone, before), 1)
  return LocalTime.days(timeZone, date, date)
}

/** Stores the visits of a day before the horizon in several transactions. Returns whether it did before the deadline. */
export const advanceDay = Effect.fnUntraced(function* (
  site: DayRollUp.Site,
  day: LocalTime.Day,
  before: number,
  deadline: number
) {
  const sql = yield* SqlClient.SqlClient
  while ((yield* Clock.currentTimeMillis) < deadline) {
    if (yield* DayRollUp.advance(sql, site, day, before, maxRows)) return true
  }
  return false
})

export type RoundError = SqlError.SqlError | Cause.TimeoutError

/** Of some websites, or of all, those that are rolled up and have many page views after the stored visits of their open day. */
const sitesBehind = Effect.fnUntraced(function* (hostedWebsiteIds: ReadonlyArray<string> | null) {
  const sql = yield* SqlClient.SqlClient
  return yield* sql
    .unsafe(
      `SELECT ${DayRollUp.siteColumns}
      FROM site JOIN rollup_site AS held USING (hosted_website_id) CROSS JOIN LATERAL (
        SELECT greatest(max(ends_at), now() - interval '2 days') AS reached FROM rollup_day
        WHERE rollup_day.hosted_website_id = site.hosted_website_id AND day >= now()::date - 3
      ) AS stored
      WHERE deleted_at IS NULL AND (cardinality($2::uuid[]) = 0 OR site.hosted_website_id = ANY ($2))
        AND held.time_zone = site.time_zone AND version = $1 AND EXISTS (
        SELECT FROM page_view WHERE page_view.hosted_website_id = site.hosted_website_id AND received_at >= reached
          AND received_at < now() - interval '${maxUnmarkedDelay} milliseconds' OFFSET ${maxTail}
      ) ORDER BY created_at`,
      [PgTypes.int4(RollupState.version), Database.uuids(hostedWebsiteIds ?? [])]
    )
    .pipe(DayRollUp.decodeSites)
})

/** Stores the visits of the open days of websites. Returns whether there were any. */
const advanceAll = Effect.fnUntraced(function* (behind: ReadonlyArray<DayRollUp.Site>) {
  const ready = yield* FailedItems.ready("rollup", behind, ({ hostedWebsiteId }) => hostedWebsiteId)
  if (ready.length === 0) return false
  const before = yield* horizon
  yield* FailedItems.each(
    "rollup",
    ready,
    (site) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        Effect.forEach(openDays(site.timeZone, before), (day) => advanceDay(site, day, before, now + maxTurn))
      ).pipe(Effect.catchTag(["SiteChanged", "Busy"], () => Effect.void)),
    maxConcurrent
  )
  return true
})

/** Finds the websites with many page views after their stored visits, for `advanceBusy`. Returns whether there were any. */
export const findBusy: Effect.Effect<boolean, RoundError, SqlClient.SqlClient> = Effect.gen(function* () {
  const { add } = yield* BusySites
  const behind = yield* sitesBehind(null)
  add(behind.map(({ hostedWebsiteId }) => hostedWebsiteId))
  return behind.length > 0
})

/**
 * Stores the visits of the open days of websites of which this process knows that they may have many page views. Returns whether
 * there were any.
 */
export const advanceBusy: Effect.Effect<boolean, RoundError, SqlClient.SqlClient> = Effect.gen(function* () {
  const { due, remove } = yield* BusySites
  let hadWork = false
  const now = yield* Clock.currentTimeMillis
  for (const ids of Arr.chunksOf(due(now), pageSize)) {
    const behind = yield* sitesBehind(ids)
    const isBehind = new Set<string>(behind.map(({ hostedWebsiteId }) => hostedWebsiteId))
    remove(
      ids.filter((id) => !isBehind.has(id)),
      now
    )
    if (yield* advanceAll(behind)) hadWork = true
  }
  return hadWork
})

/** How long after a round that stored visits of open days the next one follows, so that reports sort few rows of a burst. */
export const nextAdvance = Duration.seconds(2)
