/** Reports from rollups, from stored visits and from page views equal each other and `Evaluate`. */
import { PgClient } from "@effect/sql-pg"
import { describe, layer } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import * as LocalTime from "../../../../src/analytics/reports/LocalTime.ts"
import * as DayRollUp from "../../../../src/analytics/reports/postgres/DayRollUp.ts"
import * as RollUpLoop from "../../../../src/analytics/reports/postgres/RollUpLoop.ts"
import * as SiteDirectory from "../../../../src/sites/postgres/SiteDirectory.ts"
import * as Sites from "../../../../src/sites/SiteDirectory.ts"
import * as ReportCheck from "../../../support/postgres/ReportCheck.ts"
import { goals, insert, QueryShape, Rows, toLeadsQuery, toQuery } from "../../../support/postgres/ReportRows.ts"
import * as TestClient from "../../../support/postgres/TestClient.ts"

const live = SiteDirectory.layer().pipe(Layer.provideMerge(TestClient.layer))

type Site = Effect.Success<ReturnType<Sites.SiteDirectory["Service"]["create"]>>

const addGoals = Effect.fnUntraced(function* ({ websiteConfigId }: Site) {
  const sql = yield* PgClient.PgClient
  for (const { kind, name, value } of goals) {
    yield* sql`INSERT INTO goal (goal_id, website_config_id, name, kind, value)
      VALUES (gen_random_uuid(), ${websiteConfigId}, ${name}, ${kind}, ${value})`
  }
})

const check = (site: Site, shapes: ReadonlyArray<typeof QueryShape.Type>, when: string) =>
  ReportCheck.check(
    site,
    shapes.flatMap((shape) => [
      toQuery(shape, site.websiteConfigId, site.timeZone),
      toLeadsQuery(shape, site.websiteConfigId, site.timeZone)
    ]),
    when
  )

/** Stores the visits of a day up to a time. */
const advanceTo = (
  sql: PgClient.PgClient,
  site: DayRollUp.Site,
  day: LocalTime.Day,
  horizon: number,
  maxRows: number
) => Effect.repeat(DayRollUp.advance(sql, site, day, horizon, maxRows), { until: (isDone) => isDone })

const Zone = Schema.Literals(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])

describe("analytics/reports/postgres", () => {
  layer(live, { excludeTestServices: true })((it) => {
    it.effect.prop(
      "reports from rollups, visits and rows are equal, before and after rollup runs, late rows, deletions and changes",
      {
        zones: Schema.Struct({ before: Zone, after: Zone }),
        rows: Rows,
        late: Rows,
        shapes: Schema.Tuple([QueryShape]),
        removed: Schema.Literals(["/", "/pricing", "/thanks/1"])
      },
      ({ late, shapes, removed, rows, zones }) =>
        Effect.gen(function* () {
          const sql = yield* PgClient.PgClient
          const sites = yield* Sites.SiteDirectory
          // Two websites with the same visitors, which are rolled up together.
          const both = yield* Effect.all(
            [
              { first: rows, second: late },
              { first: late, second: rows }
            ].map((given) =>
              Effect.map(sites.create({ name: "a", origins: [], timeZone: zones.before }), (site) => ({
                ...given,
                site
              }))
            )
          )
          const each = <E, R>(work: (one: (typeof both)[number]) => Effect.Effect<void, E, R>) =>
            Effect.forEach(both, work, { discard: true })
          const checkBoth = (when: string) => each(({ site }) => check(site, shapes, when))
          yield* each(({ first, site }) => insert(site.hostedWebsiteId, first))
          yield* checkBoth("before the first rollup run")
          yield* RollUpLoop.round
          yield* checkBoth("after the first rollup run")
          yield* each(({ second, site }) => insert(site.hostedWebsiteId, second))
          yield* checkBoth("after late rows")
          yield* RollUpLoop.round
          yield* each(({ site }) => addGoals(site))
          yield* checkBoth("with other goals")
          yield* RollUpLoop.round
          yield* sql`DELETE FROM page_view WHERE path = ${removed}`
          yield* sql`UPDATE event SET received_at = received_at + interval '25 minutes' WHERE path = ${removed}`
          yield* checkBoth("after deletions and changes")
          yield* RollUpLoop.round
          yield* checkBoth("after the rollup run of deletions and changes")
          yield* each(({ site }) => sites.update(site.websiteConfigId, { timeZone: zones.after }))
          const checkMoved = (when: string) =>
            each(({ site }) => check({ ...site, timeZone: zones.after }, shapes, when))
          yield* checkMoved("in another time zone")
          yield* RollUpLoop.round
          yield* checkMoved("after the rollup run in another time zone")
        }),
      { arbitrary: { runs: 3 }, timeout: 240_000 }
    )

    it.effect.prop(
      "reports from stored visits and from rows are equal while the visits of an open day are stored, also with late rows",
      {
        zone: Zone,
        rows: Rows,
        late: Rows,
        shapes: Schema.Array(QueryShape).check(Schema.isMinLength(1), Schema.isMaxLength(2)),
        // The maximum number of rows that a transaction reads.
        chunk: Schema.Literals([1, 7, 100]),
        date: Schema.Literals(["2026-10-24", "2026-10-25", "2026-11-01"]),
        hours: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 27 }))).check(
          Schema.isMinLength(1),
          Schema.isMaxLength(3)
        )
      },
      ({ chunk, date, hours, late, shapes, rows, zone }) =>
        Effect.gen(function* () {
          const sql = yield* PgClient.PgClient
          const site = yield* Sites.SiteDirectory.use((sites) =>
            sites.create({ name: "a", origins: [], timeZone: zone })
          )
          const days = LocalTime.days(zone, date, date)
          const advance = Effect.forEach(hours.toSorted(), (hour) =>
            Effect.forEach(days, (day) =>
              Effect.andThen(
                advanceTo(sql, site, day, day.start + hour * 3_600_000, chunk),
                check(site, shapes, `at ${hour} hours`)
              )
            )
          )
          yield* insert(site.hostedWebsiteId, rows)
          yield* DayRollUp.deleteOutdated(sql, DayRollUp.only(site))
          yield* advance
          yield* insert(site.hostedWebsiteId, late)
          yield* check(site, shapes, "after late rows")
          yield* DayRollUp.deleteOutdated(sql, DayRollUp.only(site))
          yield* advance
          yield* RollUpLoop.round
          yield* check(site, shapes, "after the rollup run")
        }),
      { arbitrary: { runs: 3 }, timeout: 240_000 }
    )
  })
})
