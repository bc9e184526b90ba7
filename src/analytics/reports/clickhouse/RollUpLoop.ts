/**
 * Rolls up the visits of days: those of every website when its day has ended, others in the background if a report has to compute
 * them from rows, and all of them on demand.
 *
 * @module
 */
import { Array as Arr, Clock, Effect, Layer, Queue, Result } from "effect"
import type { SqlClient } from "effect/sql"
import { ClickHouse } from "../../../platform/clickhouse/ClickHouse.ts"
import * as ClickHouseErrors from "../../../platform/clickhouse/Errors.ts"
import * as Database from "../../../platform/postgres/Database.ts"
import * as FailedItems from "../../../platform/rounds/postgres/FailedItems.ts"
import * as Rounds from "../../../platform/rounds/Rounds.ts"
import type { StorageUnavailable } from "../../../platform/Storage.ts"
import { dateOf } from "../../../platform/text/Calendar.ts"
import { SiteDirectory, type WritableSites } from "../../../sites/SiteDirectory.ts"
import * as LocalTime from "../LocalTime.ts"
import * as DayRollUp from "./DayRollUp.ts"
import * as Reader from "./Reader.ts"
import * as VisitDays from "./VisitDays.ts"
import type * as VisitSql from "./VisitSql.ts"

/** The limits of a statement that computes visits from some hundred thousand rows. */
const limits: Reader.Limits = { seconds: 600, memory: 4_000_000_000 }

/** With fewer rows, ClickHouse takes longer to analyze the statement than to compute the visits. */
const minRows = 1_000

/** The minimum time between two attempts for days of one website that begin with the same day. */
const pauseMillis = 60_000

/** Maximum number of queued requests. Further requests are dropped; the next report repeats them. */
const capacity = 100

interface Request {
  readonly site: VisitSql.ZonedSite
  readonly days: VisitSql.Days
}

/** A day ends at a quarter of an hour, in any time zone. */
const quarterMillis = 15 * 60_000

/** The maximum number of websites whose ids one statement lists. */
const maxListed = 5_000

/** Turns the errors of both databases into those of `Storage`, which the log shows in one line. */
const unavailable = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.mapError(effect, (error) => (ClickHouseErrors.is(error) ? ClickHouseErrors.unavailable(error) : error)).pipe(
    Database.mapErrors
  )

/** Stores visits that reports need, in the background, and those of all days on demand. */
export const make = Effect.gen(function* () {
  const clickhouse = yield* ClickHouse
  const context = yield* Effect.context<ClickHouse | WritableSites>()
  const reader = Reader.make(clickhouse, limits)
  const directory = yield* SiteDirectory
  const requests = yield* Queue.dropping<Request>(capacity)
  const rollUpDays = (site: VisitSql.ZonedSite, options: DayRollUp.Options) =>
    Effect.provideContext(DayRollUp.rollUp(reader, site, options), context)
  const removeReplaced = (hostedWebsiteIds: ReadonlyArray<string>) =>
    Effect.provideContext(DayRollUp.removeReplaced(reader, hostedWebsiteIds), context)

  /** The time of the last attempt, by website and first day. */
  const attempts = new Map<string, number>()
  /** When replaced visits were last deleted, by website. More often would rewrite files of the tables for every rollup run. */
  const removals = new Map<string, number>()
  const attempt = Effect.fnUntraced(function* ({ days, site }: Request) {
    const now = yield* Clock.currentTimeMillis
    const key = `${site.hostedWebsiteId} ${days[0].date}`
    if (now - (attempts.get(key) ?? 0) < pauseMillis) return
    if (attempts.size >= 10 * capacity) attempts.clear()
    attempts.set(key, now)
    const stored = yield* rollUpDays(site, { days, isForced: false, minRows })
    if (stored === 0 || now - (removals.get(site.hostedWebsiteId) ?? 0) < DayRollUp.graceMillis) return
    if (removals.size >= 10 * capacity) removals.clear()
    yield* removeReplaced([site.hostedWebsiteId]).pipe(
      unavailable,
      Effect.tap(() => Effect.sync(() => removals.set(site.hostedWebsiteId, now))),
      Effect.catchCause((cause) =>
        Rounds.logFailure("Could not delete replaced visits; the next rollup run of the website tries again", cause)
      )
    )
  })
  yield* Queue.take(requests).pipe(
    Effect.flatMap(attempt),
    unavailable,
    Effect.catchCause((cause) =>
      Rounds.logFailure("Could not store visits; a later report that needs them tries again", cause)
    ),
    Effect.forever,
    Effect.forkScoped
  )

  const rebuildAll = Effect.fnUntraced(function* (sites: ReadonlyArray<VisitSql.ZonedSite>) {
    for (const [timeZone, alike] of Map.groupBy(sites, (site) => site.timeZone)) {
      for (const some of Arr.chunksOf(alike, maxListed)) {
        const ids = some.map(({ hostedWebsiteId }) => hostedWebsiteId)
        yield* Effect.provideContext(DayRollUp.rollUpAll(reader, ids, timeZone), context)
      }
    }
  })

  return {
    /** Queues the visits of some days to be stored. */
    offer: (site: VisitSql.ZonedSite, parts: ReadonlyArray<VisitSql.Days>): void => {
      for (const days of parts) Queue.offerUnsafe(requests, { site, days })
    },
    /** Stores the visits of all past days of a website, or of all websites. */
    rebuild: (site?: VisitSql.ZonedSite): Effect.Effect<void, ClickHouseErrors.ClickHouseError | StorageUnavailable> =>
      site === undefined ? Effect.flatMap(directory.list, rebuildAll) : rebuildAll([site])
  }
})

/** How many ended days are looked at: those that ended while the service or ClickHouse was down are stored later. */
const maxEnded = 7

/** The days that ended last before a time, oldest first. Throws if this program does not know the zone. */
const endedDays = (timeZone: string, until: number): VisitSql.Days | undefined => {
  const today = dateOf(LocalTime.zone(timeZone).toLocal(until))
  const days = LocalTime.days(timeZone, LocalTime.addDays(today, -maxEnded), LocalTime.addDays(today, -1))
  // A date that the time zone skips has no time.
  const found = days.filter(({ end, start }) => start < end)
  return Arr.isReadonlyArrayNonEmpty(found) ? found : undefined
}

/**
 * A round that stores the visits of every website when its day has ended, and those of earlier days of the week that are missing. If two processes run it at once, both may store the same
 * visits, and reports use those of one.
 */
export const makeRound = Effect.gen(function* () {
  const reader = Reader.make(yield* ClickHouse, limits)
  const directory = yield* SiteDirectory

  const store = (ids: ReadonlyArray<string>, timeZone: string, until: number) =>
    Effect.suspend(() => {
      const days = endedDays(timeZone, until)
      return days === undefined ? Effect.void : DayRollUp.rollUpEnded(reader, ids, timeZone, days)
    })

  const batchesOf = Effect.fnUntraced(function* (ids: ReadonlyArray<string>, timeZone: string, until: number) {
    const batches = Effect.suspend(() => {
      const days = endedDays(timeZone, until)
      return days === undefined ? Effect.succeed([]) : DayRollUp.endedBatches(reader, ids, timeZone, days)
    })
    // If a website is at fault, the attempts to store the visits find out which one.
    return yield* Effect.catchCause(batches, (cause) =>
      FailedItems.isAtFault(cause) ? Effect.succeed([ids]) : Effect.failCause(cause)
    )
  })

  /** The last quarter of an hour after which days were looked for that ended, and the last one that was stored, by time zone. */
  let lastQuarter = 0
  const lastEnded = new Map<string, string | undefined>()
  return Effect.gen(function* () {
    const until = (yield* Clock.currentTimeMillis) - VisitDays.settleMillis
    const quarter = Math.floor(until / quarterMillis)
    const due = yield* FailedItems.due("rollup")
    if (quarter === lastQuarter && due.size === 0) return null
    const sites = yield* directory.list
    const ids = new Set<string>(sites.map(({ hostedWebsiteId }) => hostedWebsiteId))
    const deleted = [...due].filter((id) => !ids.has(id))
    if (deleted.length > 0) yield* FailedItems.clear("rollup", deleted)
    const ready = yield* FailedItems.ready("rollup", sites, ({ hostedWebsiteId }) => hostedWebsiteId)
    for (const [timeZone, alike] of Map.groupBy(ready, ({ item }) => item.timeZone)) {
      const again = alike.filter(({ failures }) => failures > 0)
      const date = Result.getOrUndefined(Result.try(() => endedDays(timeZone, until)?.at(-1)?.date))
      const isStored = lastEnded.has(timeZone) && lastEnded.get(timeZone) === date
      const byId = new Map(isStored ? [] : alike.filter(({ failures }) => failures === 0).map((one) => [one.id, one]))
      const batches = yield* Effect.forEach(Arr.chunksOf([...byId.keys()], maxListed), (ids) =>
        batchesOf(ids, timeZone, until)
      )
      yield* FailedItems.batches(
        "rollup",
        [...batches.flat().map((ids) => ids.flatMap((id) => byId.get(id) ?? [])), ...again.map((one) => [one])],
        (some) =>
          store(
            some.map(({ hostedWebsiteId }) => hostedWebsiteId),
            timeZone,
            until
          )
      )
      lastEnded.set(timeZone, date)
    }
    lastQuarter = quarter
    return null
  })
})

/** Runs these rounds until the scope closes, in the process that looks for left-over work. */
export const layer: Layer.Layer<never, never, ClickHouse | SiteDirectory | WritableSites | SqlClient.SqlClient> =
  Layer.effectDiscard(
    Effect.gen(function* () {
      yield* Rounds.start({
        kind: "rollups",
        what: "store the visits of days that ended",
        round: unavailable(yield* makeRound),
        gap: "1 second",
        startsAtOnce: false
      })
    })
  )
