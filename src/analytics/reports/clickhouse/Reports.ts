/**
 * Answers queries from the stored visits, page views, events and conversions in ClickHouse.
 *
 * @module
 */
import { Clock, Duration, Effect, Layer, Schema } from "effect"
import { ClickHouse } from "../../../platform/clickhouse/ClickHouse.ts"
import * as Errors from "../../../platform/clickhouse/Errors.ts"
import { decodeRows } from "../../../platform/runtime/Rows.ts"
import { ReportTimeout, ReportTooLarge, type StorageUnavailable } from "../../../platform/Storage.ts"
import { dayMillis } from "../../../platform/text/Calendar.ts"
import type { SiteDirectory, WritableSites } from "../../../sites/SiteDirectory.ts"
import { Goals } from "../../Goal.ts"
import * as ManySites from "../ManySites.ts"
import { currentMillis, EventProperty, latest, type ReportError, type ReportSite, Reports } from "../Reports.ts"
import type { GoalRow } from "../Visits.ts"
import * as Counting from "./Counting.ts"
import * as ManySitesSql from "./ManySites.ts"
import { Parameters } from "./Parameters.ts"
import * as Reader from "./Reader.ts"
import * as RollUpLoop from "./RollUpLoop.ts"

export interface Options {
  /** The timeout of a report. */
  readonly timeout: Duration.Input
  /** The maximum number of bytes of the server's memory for one statement of a report. Default: 2 GB. */
  readonly memory?: number
}

/** The maximum number of websites whose reports are computed at the same time. */
const maxConcurrent = 4

/** How many times the limits of a report those of many websites together are. */
const manySites = 4

const gigabyte = 1_000_000_000

const Properties = Schema.Array(EventProperty)

const Visitors = Schema.Tuple([Schema.Struct({ visitors: Schema.Int })])

/** PostgreSQL provides `Goals`, `SiteDirectory` and `WritableSites`. */
export const layer = (
  options: Options
): Layer.Layer<Reports, never, ClickHouse | Goals | SiteDirectory | WritableSites> =>
  Layer.effect(
    Reports,
    Effect.gen(function* () {
      const clickhouse = yield* ClickHouse
      const goals = yield* Goals
      const limit = Duration.fromInputUnsafe(options.timeout)
      const memory = options.memory ?? 2 * gigabyte
      const tooLong = new ReportTimeout({ limit: Duration.format(limit) })
      const tooLarge = new ReportTooLarge({ limit: `${memory / gigabyte} GB of memory` })
      const rollUps = yield* RollUpLoop.make
      const seconds = Math.max(1, Math.ceil(Duration.toSeconds(limit)))
      const reader = Reader.make(clickhouse, { seconds, memory }, { onUnstored: rollUps.offer })
      const many = Reader.make(clickhouse, { seconds: seconds * manySites, memory: memory * manySites })
      /** Limits the time of a report's reads. The server ends each of their statements after the same time. */
      const limited = <A, E>(
        read: Effect.Effect<A, E | Errors.ClickHouseError>,
        duration = limit
      ): Effect.Effect<A, Exclude<E, Errors.ClickHouseError> | StorageUnavailable | ReportTimeout> =>
        read.pipe(
          Effect.timeoutOrElse({ duration, orElse: () => Effect.fail(tooLong) }),
          Effect.mapError((error) =>
            !Errors.is(error)
              ? (error as Exclude<E, Errors.ClickHouseError> | ReportTimeout)
              : error.reason === "timeout"
                ? tooLong
                : Errors.unavailable(error)
          )
        )
      /** Says that a statement needs too much of the server's memory. */
      const ofStatement = <A, E>(read: Effect.Effect<A, E | Errors.ClickHouseError>) =>
        Effect.catchIf(
          read,
          (error): error is Extract<E | Errors.ClickHouseError, Errors.ClickHouseError> =>
            Errors.is(error) && error.reason === "too-large",
          () => Effect.fail(tooLarge)
        )
      /** Passes the goals of a website to `read`. */
      const withGoals = <A>(
        { websiteConfigId }: ReportSite,
        read: (goals: ReadonlyArray<GoalRow>) => Effect.Effect<A, Errors.ClickHouseError | ReportTooLarge>
      ) => goals.list(websiteConfigId).pipe(Effect.flatMap(read), ofStatement, limited)
      const answer: Reports["Service"]["query"] = (site, query) =>
        withGoals(site, (goalRows) => Counting.answer(reader, site, query, goalRows))
      return {
        query: answer,
        queryAll: Effect.fnUntraced(function* (queries) {
          const usesGoals = queries.some(({ query }) => ManySitesSql.usesGoals(query))
          const goalRows = usesGoals ? yield* goals.all : new Map<string, ReadonlyArray<GoalRow>>()
          const limitedMany = <A>(read: Effect.Effect<A, Errors.ClickHouseError>) =>
            limited(read, Duration.times(limit, manySites))
          return yield* ManySites.answers<ReportError>(
            {
              firstReceived: (sites) => limitedMany(Counting.firstReceived(many, sites)),
              count: (batch, range) =>
                ManySitesSql.count(many, batch, range, (site) => goalRows.get(site.websiteConfigId) ?? []).pipe(
                  Effect.catchIf(
                    ({ reason }) => reason === "too-large",
                    () => Effect.succeed(null)
                  ),
                  limitedMany
                ),
              answer,
              concurrency: maxConcurrent
            },
            queries
          )
        }),
        count: (site, query) => withGoals(site, (goalRows) => Counting.countAll(reader, site, query, goalRows)),
        currentVisitors: Effect.fnUntraced(function* (site) {
          const now = yield* Clock.currentTimeMillis
          const parameters = new Parameters()
          const websiteId = parameters.uuid(site.hostedWebsiteId)
          const rows = ["page_view", "event"].map(
            (table) => `SELECT visitor_hash FROM ${table} WHERE hosted_website_id = ${websiteId}
              AND received_at > ${parameters.time(now - currentMillis)} AND received_at <= ${parameters.time(now)}`
          )
          const [{ visitors }] = yield* reader
            .read(`SELECT uniqExact(visitor_hash) AS visitors FROM (${rows.join(" UNION ALL ")})`, parameters)
            .pipe(decodeRows(Visitors), limited)
          return visitors
        }),
        properties: Effect.fnUntraced(function* (site) {
          const since = (yield* Clock.currentTimeMillis) - latest.days * dayMillis
          const parameters = new Parameters()
          const read = reader.read(
            `SELECT event, arrayJoin(mapKeys(texts)) AS property, count() AS events FROM (
              SELECT toString(name) AS event, property_texts AS texts FROM event
              WHERE hosted_website_id = ${parameters.uuid(site.hostedWebsiteId)}
                AND received_at > ${parameters.time(since)} AND notEmpty(property_texts)
              ORDER BY received_at DESC LIMIT ${latest.events}
            ) GROUP BY event, property ORDER BY events DESC, event, property LIMIT ${latest.properties}`,
            parameters
          )
          return yield* read.pipe(decodeRows(Properties), limited)
        }),
        lastReceived: (sites) =>
          Effect.flatMap(Clock.currentTimeMillis, (now) => limited(ManySitesSql.lastReceived(many, sites, now))),
        rebuild: (site) =>
          rollUps.rebuild(site).pipe(Effect.catchTag("ClickHouseError", (error) => Errors.unavailable(error)))
      }
    })
  )
