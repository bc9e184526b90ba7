/**
 * Reports of the same page views from PostgreSQL and from ClickHouse, queried over the owner API.
 *
 * @module
 */
import { performance } from "node:perf_hooks"
import { Effect, Schema } from "effect"
import * as Ports from "../../../test/support/Ports.ts"
import * as ClickHouse from "./ClickHouse.ts"
import * as Edge from "./Edge.ts"
import type { Measure, Row } from "./Measure.ts"
import * as ProcessorTime from "./ProcessorTime.ts"
import * as Program from "./Program.ts"
import * as ReportData from "./ReportData.ts"
import * as ReportQueries from "./ReportQueries.ts"
import * as TestBed from "./TestBed.ts"
import * as WebsiteList from "./WebsiteList.ts"

export interface Options {
  readonly rounds: number
  /** The number of page views. */
  readonly reported: number
}

const settings = { OWNER_API: "on", RATE_LIMIT_OWNER: "off", REPORT_TIMEOUT: "10 minutes" }

const metrics = ["visitors", "visits", "pageviews", "bounce_rate", "visit_duration"]

const year = { metrics, date_range: "12mo", pagination: { limit: 10 } }

/** Queries, by the name of the row of their times. */
type Dashboards = Readonly<Record<string, ReadonlyArray<Readonly<Record<string, unknown>>>>>

const nineQueries = [
  year,
  { ...year, dimensions: ["time:month"] },
  ...ReportQueries.dimensions.map((dimension) => ({ ...year, dimensions: [dimension] }))
]

/** The queries that both stores answer. */
const dashboards: Dashboards = {
  "nine queries over 12 months": nineQueries,
  "the query for pages among these nine": [{ ...year, dimensions: ["event:page"] }],
  "sources of a page's readers, 30 days": [
    {
      ...year,
      date_range: "30d",
      dimensions: ["visit:source"],
      filters: [["is", "event:page", ["/articles/7"]]]
    }
  ]
}

/** The page views of the burst. */
const burst = 390_000

/** What ClickHouse also answers: while a day is busy, and after a burst of page views. */
const onBusyDay: Dashboards = { "nine queries, with a tenth of a month's page views today": nineQueries }
const afterBurst: Dashboards = {
  [`today's overview after ${burst.toLocaleString("en-US")} page views in a minute`]: [{ ...year, date_range: "day" }]
}

/** A statement that stores page views of today in ClickHouse, two in a visit, as late as `ages`, in milliseconds, allow. */
const addToday = ({ site }: Edge.Edge, views: number, ages: string): string =>
  `INSERT INTO page_view (hosted_website_id, received_at, path, referrer_host, device_type, browser, country, visitor_hash)
    SELECT '${site.hostedWebsiteId}', now64(3) - toIntervalMillisecond(${ages}), '/articles/' || toString(rand(1) % 500),
      'www-' || toString(rand(2) % 300) || '.example.org', ['desktop', 'mobile', 'tablet'][1 + rand(3) % 3],
      ['Chrome', 'Safari', 'Firefox', 'Edge'][1 + rand(4) % 4], ['DE', 'FR', 'US', 'GB'][1 + rand(5) % 4],
      reinterpretAsUUID(MD5('${views} ' || toString(intDiv(number, 2)))) FROM numbers(${views})`

const Answer = Schema.fromJsonString(Schema.Struct({ results: Schema.Unknown }))

/** Asks for a report and returns its results as JSON. */
const ask = (port: number, key: string, body: unknown) =>
  Effect.tryPromise({
    try: async () => {
      const response = await fetch(`http://127.0.0.1:${port}/v1/owner/query`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
        body: JSON.stringify(body)
      })
      const text = await response.text()
      if (response.status !== 200) throw new Error(`${response.status} ${text}`)
      return JSON.stringify(Schema.decodeUnknownSync(Answer)(text).results)
    },
    catch: (cause) => new Program.BenchError({ message: `a report failed: ${cause}` })
  })

/** Times of one row in one round, in milliseconds: `own` and `store` are processor times of the service and of the databases. */
interface Sample {
  readonly wall: number
  readonly own: number
  readonly store: number
}

/**
 * The times of the rows of some dashboards in every round, and the answers. `storePids` are the processes of the databases. An extra
 * first round warms up: its times are not counted.
 */
const measureOne = (
  testBed: TestBed.TestBed,
  edge: Edge.Edge,
  more: Readonly<Record<string, string>>,
  storePids: ReadonlyArray<number>,
  rounds: number,
  rows: Dashboards
) =>
  Effect.scoped(
    Effect.gen(function* () {
      const key = yield* WebsiteList.issueKey(testBed, edge)
      const port = yield* Ports.free
      const program = yield* Edge.serve(testBed, edge, port, { settings: { ...settings, ...more } })
      const now = () => ({
        wall: performance.now(),
        own: ProcessorTime.read(program.pid) / 1000,
        store: storePids.map(ProcessorTime.read).reduce((sum, time) => sum + time) / 1000
      })
      const samples: Record<string, Array<Sample>> = {}
      const answers: Array<string> = []
      for (let round = -1; round < rounds; round++) {
        for (const [name, bodies] of Object.entries(rows)) {
          const before = now()
          for (const body of bodies) {
            const answer = yield* ask(port, key, { site_id: edge.site.websiteConfigId, ...body })
            if (round < 0) answers.push(answer)
          }
          const after = now()
          if (round < 0) continue
          samples[name] = [
            ...(samples[name] ?? []),
            { wall: after.wall - before.wall, own: after.own - before.own, store: after.store - before.store }
          ]
        }
      }
      return { samples, answers }
    })
  )

const row = (contender: string, samples: ReadonlyArray<Sample>): Row => ({
  contender,
  samples: samples.map(({ wall }) => wall),
  processorTime: { own: samples.map(({ own }) => own * 1000), store: samples.map(({ store }) => store * 1000) }
})

const Bytes = Schema.Tuple([Schema.Struct({ bytes: Schema.Finite })])

/** The size of a page view in PostgreSQL, with its index. */
const sizeInPostgres = (testBed: TestBed.TestBed, edge: Edge.Edge) =>
  TestBed.onDatabase(testBed, edge.database, (sql) =>
    sql
      .unsafe(
        `SELECT (SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('page_view'))::float8
          / (SELECT count(*) FROM page_view) AS bytes`
      )
      .pipe(Effect.flatMap(Schema.decodeUnknownEffect(Bytes)))
  ).pipe(Effect.map(([{ bytes }]) => bytes))

/** The size of a page view in ClickHouse, after the inserted parts are merged. */
const sizeInClickHouse = (clickHouse: ClickHouse.ClickHouse) =>
  ClickHouse.run(clickHouse, "OPTIMIZE TABLE page_view FINAL").pipe(
    Effect.andThen(
      ClickHouse.run(
        clickHouse,
        `SELECT sum(bytes_on_disk) / sum(rows) FROM system.parts
          WHERE active AND database = currentDatabase() AND table = 'page_view' FORMAT TSV`
      )
    ),
    Effect.map(Number)
  )

/** Fills PostgreSQL, copies its page views to ClickHouse, prepares the reports of both and measures them. */
export const measure = Effect.fnUntraced(function* (
  testBed: TestBed.TestBed,
  edge: Edge.Edge,
  clickHouse: ClickHouse.ClickHouse,
  options: Options
) {
  const full = yield* ReportData.fill(testBed, edge, options.reported)
  const command = (args: ReadonlyArray<string>, more?: Readonly<Record<string, string>>) =>
    Edge.command(testBed, full.root, full.database, args, more)
  const rebuild = ["report", "rebuild", "--site", full.site.websiteConfigId]
  yield* command(rebuild)
  yield* command(["analytics", "copy"], clickHouse.settings)
  console.error("stores: the page views are copied")
  yield* command(rebuild, clickHouse.settings)
  const inPostgres = yield* measureOne(testBed, full, {}, [testBed.postmaster], options.rounds, dashboards)
  const measureClickHouse = (rows: Dashboards) =>
    measureOne(testBed, full, clickHouse.settings, [testBed.postmaster, clickHouse.program.pid], options.rounds, rows)
  const inClickHouse = yield* measureClickHouse(dashboards)
  const differing = inPostgres.answers.findIndex((answer, index) => answer !== inClickHouse.answers[index])
  if (differing >= 0) {
    const answers = [inPostgres, inClickHouse].map(({ answers }) => answers[differing]?.slice(0, 400))
    return yield* new Program.BenchError({ message: `the stores give different reports: ${answers.join(" and ")}` })
  }
  // The large website has half of the page views.
  yield* ClickHouse.run(
    clickHouse,
    addToday(full, Math.ceil(options.reported / 2 / 120), "rand64(6) % (toUnixTimestamp64Milli(now64(3)) % 86400000)")
  )
  yield* command(rebuild, clickHouse.settings)
  const busy = yield* measureClickHouse(onBusyDay)
  yield* ClickHouse.run(clickHouse, addToday(full, burst, "rand64(6) % 50000"))
  const later = yield* measureClickHouse(afterBurst)
  const lists = [
    ...(yield* WebsiteList.measure(testBed, full, "PostgreSQL", options.rounds)),
    ...(yield* WebsiteList.measure(testBed, full, "ClickHouse", options.rounds, {
      settings: clickHouse.settings,
      storePids: [testBed.postmaster, clickHouse.program.pid]
    }))
  ]
  const onlyClickHouse = { ...busy.samples, ...later.samples }
  return [
    ...Object.entries(onlyClickHouse).map(
      ([name, samples]): Measure => ({
        id: `store-reports-${name}`,
        title: `Reports of ${options.reported.toLocaleString("en-US")} page views: ${name}`,
        unit: "ms",
        store: "store",
        rows: [row("ClickHouse", samples)]
      })
    ),
    ...Object.keys(dashboards).map(
      (name): Measure => ({
        id: `store-reports-${name}`,
        title: `Reports of ${options.reported.toLocaleString("en-US")} page views: ${name}`,
        unit: "ms",
        store: "store",
        rows: [row("PostgreSQL", inPostgres.samples[name] ?? []), row("ClickHouse", inClickHouse.samples[name] ?? [])]
      })
    ),
    { id: "store-list", title: "The list of 100 websites", unit: "ms", store: "store", rows: lists },
    {
      id: "store-size",
      title: "A page view on disk, with its index",
      unit: "bytes",
      rows: [
        { contender: "PostgreSQL", samples: [yield* sizeInPostgres(testBed, full)] },
        { contender: "ClickHouse", samples: [yield* sizeInClickHouse(clickHouse)] }
      ]
    }
  ] satisfies ReadonlyArray<Measure>
})
