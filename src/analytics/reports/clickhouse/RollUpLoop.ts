/**
 * Rolls up the visits of days: in the background if a report has to compute them from rows, and all of them on demand.
 *
 * @module
 */
import { Clock, Effect, Queue, Schema } from "effect"
import { ClickHouse } from "../../../platform/clickhouse/ClickHouse.ts"
import type { ClickHouseError } from "../../../platform/clickhouse/Errors.ts"
import { decodeRows } from "../../../platform/runtime/Rows.ts"
import type { StorageUnavailable } from "../../../platform/Storage.ts"
import { dateOf } from "../../../platform/text/Calendar.ts"
import { SiteDirectory } from "../../../sites/SiteDirectory.ts"
import type { WritableSites } from "../../../sites/WritableSites.ts"
import * as LocalTime from "../LocalTime.ts"
import * as DayRollUp from "./DayRollUp.ts"
import { Parameters } from "./Parameters.ts"
import * as Reader from "./Reader.ts"
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

const Range = Schema.Tuple([Schema.Struct({ first: Schema.NullOr(Schema.Finite), last: Schema.NullOr(Schema.Finite) })])

export const make = Effect.gen(function* () {
  const clickhouse = yield* ClickHouse
  const context = yield* Effect.context<ClickHouse | WritableSites>()
  const reader = Reader.make(clickhouse, limits)
  const directory = yield* SiteDirectory
  const requests = yield* Queue.dropping<Request>(capacity)
  const rollUpDays = (site: VisitSql.ZonedSite, options: DayRollUp.Options) =>
    Effect.provideContext(DayRollUp.rollUp(reader, site, options), context)
  const removeReplaced = (hostedWebsiteId: string) =>
    Effect.provideContext(DayRollUp.removeReplaced(reader, hostedWebsiteId), context)

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
    yield* removeReplaced(site.hostedWebsiteId).pipe(
      Effect.tap(() => Effect.sync(() => removals.set(site.hostedWebsiteId, now))),
      Effect.catchCause((cause) =>
        Effect.logWarning("Could not delete replaced visits; the next rollup run of the website tries again", cause)
      )
    )
  })
  yield* Queue.take(requests).pipe(
    Effect.flatMap(attempt),
    Effect.catchCause((cause) =>
      Effect.logWarning("Could not store visits; a later report that needs them tries again", cause)
    ),
    Effect.forever,
    Effect.forkScoped
  )

  const rebuildSite = Effect.fnUntraced(function* (rolled: VisitSql.ZonedSite) {
    const { hostedWebsiteId, timeZone } = rolled
    const parameters = new Parameters()
    const site = parameters.uuid(hostedWebsiteId)
    const ranges = ["page_view", "event"].map(
      (table) => `SELECT minOrNull(received_at) AS first, maxOrNull(received_at) AS last FROM ${table}
        WHERE hosted_website_id = ${site}`
    )
    const [{ first, last }] = yield* reader
      .read(
        `SELECT toUnixTimestamp64Milli(minOrNull(first)) AS first, toUnixTimestamp64Milli(maxOrNull(last)) AS last
          FROM (${ranges.join(" UNION ALL ")})`,
        parameters
      )
      .pipe(decodeRows(Range))
    if (first === null || last === null) return
    const { toLocal } = LocalTime.zone(timeZone)
    const days = LocalTime.days(timeZone, dateOf(toLocal(first)), dateOf(toLocal(last)))
    const stored = yield* rollUpDays(rolled, { days, isForced: true, minRows: 0 })
    if (stored > 0) yield* removeReplaced(hostedWebsiteId)
  })

  return {
    /** Queues the visits of some days to be stored. */
    offer: (site: VisitSql.ZonedSite, parts: ReadonlyArray<VisitSql.Days>): void => {
      for (const days of parts) Queue.offerUnsafe(requests, { site, days })
    },
    /** Stores the visits of all past days of a website, or of all websites. */
    rebuild: (site?: VisitSql.ZonedSite): Effect.Effect<void, ClickHouseError | StorageUnavailable> =>
      site === undefined
        ? Effect.flatMap(directory.list, (sites) => Effect.forEach(sites, rebuildSite, { discard: true }))
        : rebuildSite(site)
  }
})
