/**
 * Rolls up the visits of past days: in the background if a report has to compute them from rows, and all of them on demand.
 *
 * @module
 */
import { Clock, Effect, Queue, Schema } from "effect"
import type { Interval } from "../../../core/analytics/report/RollupPlan.ts"
import { dayOf } from "../../../core/text/Calendar.ts"
import { decodeRows } from "../../../runtime/Rows.ts"
import type { StorageUnavailable } from "../../../services/Storage.ts"
import type { WritableSites } from "../../../services/sites/WritableSites.ts"
import { ClickHouse } from "../../ClickHouse.ts"
import type { ClickHouseError } from "../../Errors.ts"
import * as DayRollUp from "./DayRollUp.ts"
import { Parameters } from "./Parameters.ts"
import * as Reader from "./Reader.ts"
import * as Superseded from "./Superseded.ts"

/** The limits of a statement that computes visits from some hundred thousand rows. */
const limits: Reader.Limits = { seconds: 600, memory: 4_000_000_000 }

/** With fewer rows, ClickHouse takes longer to analyze the statement than to compute the visits. */
const minRows = 20_000

/** The minimum time between two attempts for intervals of one website that begin on the same day. */
const pauseMillis = 60_000

/** Maximum number of queued requests. Further requests are dropped; the next report repeats them. */
const capacity = 100

interface Request {
  readonly hostedWebsiteId: string
  readonly interval: Interval
}

const Sites = Schema.Array(Schema.Struct({ id: Schema.String }))

const Range = Schema.Tuple([Schema.Struct({ first: Schema.NullOr(Schema.Finite), last: Schema.NullOr(Schema.Finite) })])

export const make = Effect.gen(function* () {
  const clickhouse = yield* ClickHouse
  const context = yield* Effect.context<ClickHouse | WritableSites>()
  const reader = Reader.make(clickhouse, limits)
  const requests = yield* Queue.dropping<Request>(capacity)
  const rollUpDays = (hostedWebsiteId: string, options: DayRollUp.Options) =>
    Effect.provideContext(DayRollUp.rollUp(reader, hostedWebsiteId, options), context)
  const removeReplaced = (hostedWebsiteId: string) =>
    Effect.provideContext(Superseded.remove(reader, hostedWebsiteId), context)

  /** The time of the last attempt, by website and first day. */
  const attempts = new Map<string, number>()
  const attempt = Effect.fnUntraced(function* ({ hostedWebsiteId, interval }: Request) {
    const now = yield* Clock.currentTimeMillis
    const key = `${hostedWebsiteId} ${dayOf(interval.start)}`
    if (now - (attempts.get(key) ?? 0) < pauseMillis) return
    if (attempts.size >= 10 * capacity) attempts.clear()
    attempts.set(key, now)
    const stored = yield* rollUpDays(hostedWebsiteId, { interval, isForced: false, minRows })
    if (stored === 0) return
    yield* removeReplaced(hostedWebsiteId).pipe(
      Effect.catchCause((cause) =>
        Effect.logWarning("Could not delete replaced visits; the next rollup run of the website tries again", cause)
      )
    )
  })
  yield* Queue.take(requests).pipe(
    Effect.flatMap(attempt),
    Effect.catchCause((cause) =>
      Effect.logWarning("Could not store the visits of past days; a later report that needs them tries again", cause)
    ),
    Effect.forever,
    Effect.forkScoped
  )

  /** The websites with page views or events. */
  const sites = reader
    .read(
      "SELECT DISTINCT hosted_website_id AS id FROM page_view UNION DISTINCT SELECT DISTINCT hosted_website_id FROM event",
      new Parameters()
    )
    .pipe(decodeRows(Sites))

  const rebuildSite = Effect.fnUntraced(function* (hostedWebsiteId: string) {
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
    const interval = { start: first, end: last + 1 }
    const stored = yield* rollUpDays(hostedWebsiteId, { interval, isForced: true, minRows: 0 })
    if (stored > 0) yield* removeReplaced(hostedWebsiteId)
  })

  return {
    /** Queues the visits of some intervals to be stored. */
    offer: (hostedWebsiteId: string, intervals: ReadonlyArray<Interval>): void => {
      for (const interval of intervals) Queue.offerUnsafe(requests, { hostedWebsiteId, interval })
    },
    /** Stores the visits of all past days of a website, or of all websites. */
    rebuild: (hostedWebsiteId?: string): Effect.Effect<void, ClickHouseError | StorageUnavailable> =>
      hostedWebsiteId === undefined
        ? Effect.flatMap(sites, (found) => Effect.forEach(found, ({ id }) => rebuildSite(id), { discard: true }))
        : rebuildSite(hostedWebsiteId)
  }
})
