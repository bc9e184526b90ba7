/**
 * A deployment of many websites: page views, the cost without traffic, the first rollup, and what owners read about all of them.
 *
 * @module
 */
import { performance } from "node:perf_hooks"
import { Effect, Schema } from "effect"
import * as Ports from "../../../test/support/Ports.ts"
import * as Edge from "./Edge.ts"
import { type Measure, type Row, rateRow } from "./Measure.ts"
import * as ProcessorTime from "./ProcessorTime.ts"
import type * as Program from "./Program.ts"
import * as Statistics from "./Statistics.ts"
import * as TestBed from "./TestBed.ts"
import * as WebsiteList from "./WebsiteList.ts"
import * as Wrk from "./Wrk.ts"

export interface Options {
  readonly websites: number
  readonly rounds: number
  readonly seconds: number
  readonly connections: number
}

/** A checkout that is measured, and its name in the tables. */
export interface Contender {
  readonly name: string
  readonly edge: Edge.Edge
}

/** How long a process without traffic is watched, and the first rollup at most. */
const watchedSeconds = { idle: 20, rollup: 60 }

/** A measured load follows a load in which each of its websites is looked up: one of this time or, if that is too few, a longer one. */
const warmUpSeconds = 3

/** The days with page views, and the page views of a website on each. */
const [days, perDay] = [10, 2]

/** Some websites have many page views on one of these days. */
const large = { websites: 10, pageViews: 10_000 }

const settings = { OWNER_API: "on", RATE_LIMIT_OWNER: "off", SITE_CACHE: "100000" }

/** Copies of the contender's website, in three time zones. The number of a website ends its tracking token. */
const addWebsites = (edge: Edge.Edge, websites: number): ReadonlyArray<string> => [
  `INSERT INTO site SELECT (jsonb_populate_record(NULL::site, to_jsonb(site) || jsonb_build_object(
      'website_config_id', gen_random_uuid(), 'hosted_website_id', gen_random_uuid(), 'name', 'Website ' || n,
      'tracking_token', '00000000-0000-4000-8000-' || lpad(n::text, 12, '0'),
      'time_zone', (ARRAY['UTC', 'Europe/Berlin', 'America/New_York'])[1 + n % 3]))).*
    FROM site, generate_series(1, ${websites - 1}) AS n
    WHERE website_config_id = '${edge.site.websiteConfigId}'`,
  "VACUUM (ANALYZE) site"
]

/** Says of all websites what a rollup run said of the contender's: that nothing is left to do. */
const markRolledUp = [
  `INSERT INTO rollup_site SELECT (jsonb_populate_record(NULL::rollup_site, to_jsonb(rolled) ||
      jsonb_build_object('hosted_website_id', site.hosted_website_id, 'time_zone', site.time_zone))).*
    FROM (SELECT * FROM rollup_site LIMIT 1) AS rolled, site ON CONFLICT DO NOTHING`,
  "VACUUM (ANALYZE) rollup_site"
]

/** Page views of each website on each of the last days, today included, and no rollups. */
const addPageViews = [
  "TRUNCATE page_view, bot_view, visit, rollup, rollup_day, rollup_month, rollup_site, rollup_stale",
  "SET session_replication_role = replica",
  ...Array.from(
    { length: days },
    (
      _,
      age
    ) => `INSERT INTO page_view (hosted_website_id, received_at, path, utm_source, device_type, screen_width, session_id,
        browser, os, visitor_hash)
      SELECT hosted_website_id, now() - interval '${age} days' - interval '10 minutes' - n * interval '1 minute', '/articles/' || n,
        'newsletter', 'desktop', 1440, 's-' || hosted_website_id, 'Firefox', 'Linux', decode(md5(hosted_website_id::text), 'hex')
      FROM site, generate_series(1, ${perDay}) AS n`
  ),
  `INSERT INTO page_view (hosted_website_id, received_at, path, device_type, screen_width, browser, os, visitor_hash)
    SELECT hosted_website_id, now() - interval '2 days' + n * interval '1 second', '/articles/' || n % 500, 'desktop', 1440,
      'Firefox', 'Linux', decode(md5((n / 3)::text), 'hex')
    FROM (SELECT hosted_website_id FROM site LIMIT ${large.websites}) AS site, generate_series(1, ${large.pageViews}) AS n`,
  "VACUUM (ANALYZE) page_view"
]

const Count = Schema.Tuple([Schema.Struct({ count: Schema.Int })])

const countRolledUp = (testBed: TestBed.TestBed, edge: Edge.Edge) =>
  TestBed.onDatabase(testBed, edge.database, (sql) =>
    sql`SELECT count(*)::int AS count FROM rollup_site WHERE rolled_before IS NOT NULL`.pipe(
      Effect.flatMap(Schema.decodeUnknownEffect(Count)),
      Effect.map(([{ count }]) => count)
    )
  )

/** The longest delay of the event loop in the last ten seconds, in milliseconds, and the processor times in microseconds. */
const load = (testBed: TestBed.TestBed, pid: number, metricsPort: number) =>
  Effect.promise(async () => {
    const response = await fetch(`http://127.0.0.1:${metricsPort}/metrics`)
    const delay = /hydracore_event_loop_delay_seconds\{[^}]*quantile="1"[^}]*\} (\S+)/.exec(await response.text())?.[1]
    return {
      at: performance.now(),
      stall: Number(delay ?? Number.NaN) * 1000,
      own: ProcessorTime.read(pid),
      store: ProcessorTime.read(testBed.postmaster)
    }
  })

/** Watches a process for some seconds, or until `isDone`. */
const watch = Effect.fnUntraced(function* (
  testBed: TestBed.TestBed,
  pid: number,
  metricsPort: number,
  seconds: number,
  isDone: Effect.Effect<boolean, Program.BenchError> = Effect.succeed(false)
) {
  const before = yield* load(testBed, pid, metricsPort)
  const stalls: Array<number> = []
  for (;;) {
    yield* Effect.sleep("2 seconds")
    const after = yield* load(testBed, pid, metricsPort)
    stalls.push(after.stall)
    const elapsed = (after.at - before.at) / 1000
    if (elapsed < seconds && !(yield* isDone)) continue
    return {
      elapsed,
      stall: Math.max(...stalls),
      own: (after.own - before.own) / elapsed,
      store: (after.store - before.store) / elapsed
    }
  }
})

/** The time and the size of the first answer of `GET /v1/owner/sites`, which is compressed. */
const listWebsites = (testBed: TestBed.TestBed, edge: Edge.Edge, port: number) =>
  Effect.gen(function* () {
    const key = yield* WebsiteList.issueKey(testBed, edge)
    const startedAt = performance.now()
    const bytes = yield* Effect.promise(async () => {
      const response = await fetch(`http://127.0.0.1:${port}/v1/owner/sites`, {
        headers: { authorization: `Bearer ${key}` }
      })
      await response.arrayBuffer()
      return Number(response.headers.get("content-length"))
    })
    return { millis: performance.now() - startedAt, bytes }
  })

/** The cost of page views in turns: of one website while it is the only one, and of 4,000 websites. */
const measureViews = Effect.fnUntraced(function* (
  testBed: TestBed.TestBed,
  { edge, name }: Contender,
  port: number,
  program: Program.Program,
  options: Options
) {
  const active = Math.min(4_000, options.websites - 1)
  const loads = [
    { title: "one website alone", kind: "view", subject: edge.site.trackingToken, websites: 1 },
    {
      title: `${active.toLocaleString("en-US")} of them active`,
      kind: "views",
      subject: String(active),
      websites: active
    }
  ] as const
  const costs = new Map<string, Array<Wrk.Cost>>(loads.map(({ title }) => [title, []]))
  for (let round = 0; round < options.rounds; round++) {
    for (const { kind, subject, title, websites } of Statistics.orderOf(loads, round)) {
      const { connections, seconds } = options
      const load = { port, kind, subject, connections }
      yield* TestBed.awaitQuiet(testBed)
      let warmUp = warmUpSeconds
      while ((yield* Wrk.send(testBed.folder, name, { ...load, seconds: warmUp })).requests < websites) warmUp *= 2
      costs.get(title)?.push(yield* Wrk.measure(testBed, program, name, { ...load, seconds }))
    }
  }
  return [...costs].map(([title, rounds]) => rateRow(`${name}, ${title}`, rounds))
})

const measureOne = Effect.fnUntraced(function* (testBed: TestBed.TestBed, contender: Contender, options: Options) {
  const { edge, name } = contender
  const say = (text: string) => Effect.sync(() => console.error(`websites, ${name}: ${text}`))
  const [port, metricsPort] = [yield* Ports.free, yield* Ports.free]
  const serve = Edge.serve(testBed, edge, port, { settings: { ...settings, METRICS_PORT: String(metricsPort) } })
  // The other websites are added once no process runs: a rollup run that has begun would go through all of them.
  yield* Effect.scoped(
    Effect.gen(function* () {
      yield* serve
      while ((yield* countRolledUp(testBed, edge)) === 0) yield* Effect.sleep("200 millis")
    })
  )
  yield* TestBed.runStatements(testBed, edge.database, [...addWebsites(edge, options.websites), ...markRolledUp])
  const inUse = yield* Effect.scoped(
    Effect.gen(function* () {
      const program = yield* serve
      yield* Effect.sleep("15 seconds")
      const idle = yield* watch(testBed, program.pid, metricsPort, watchedSeconds.idle)
      yield* say(`idle ${JSON.stringify(idle)}`)
      const list = yield* listWebsites(testBed, edge, port)
      yield* say(`list ${JSON.stringify(list)}`)
      const views = yield* measureViews(testBed, contender, port, program, options)
      yield* say("page views measured")
      return { idle, list, views }
    })
  )
  yield* TestBed.runStatements(testBed, edge.database, addPageViews)
  const rolled = yield* Effect.scoped(
    Effect.gen(function* () {
      const program = yield* serve
      const before = yield* countRolledUp(testBed, edge)
      const isDone = Effect.map(countRolledUp(testBed, edge), (count) => count >= options.websites)
      const watched = yield* watch(testBed, program.pid, metricsPort, watchedSeconds.rollup, isDone)
      const perSecond = ((yield* countRolledUp(testBed, edge)) - before) / watched.elapsed
      yield* say(`first rollup ${JSON.stringify({ ...watched, perSecond })}`)
      // What is left would take very long at a low rate; the statistics are then computed without it.
      if (perSecond >= 100) {
        yield* watch(testBed, program.pid, metricsPort, options.websites / perSecond, isDone)
      }
      return { ...watched, perSecond }
    })
  )
  const startedAt = performance.now()
  yield* Edge.command(testBed, edge.root, edge.database, ["stats", "--all-sites"])
  const statsSeconds = (performance.now() - startedAt) / 1000
  yield* say(`stats --all-sites ${statsSeconds.toFixed(1)} s`)
  return { name, ...inUse, rolled, statsSeconds }
})

/** Measures the contenders one after the other. */
export const measure = Effect.fnUntraced(function* (
  testBed: TestBed.TestBed,
  contenders: ReadonlyArray<Contender>,
  options: Options
) {
  const results = yield* Effect.forEach(contenders, (contender) => measureOne(testBed, contender, options))
  const count = options.websites.toLocaleString("en-US")
  const rows = (of: (result: (typeof results)[number]) => Omit<Row, "contender">) =>
    results.map((result) => ({ contender: result.name, ...of(result) }))
  return [
    {
      id: "websites-views",
      title: `Page views with ${count} websites`,
      unit: "requests/s",
      rows: results.flatMap(({ views }) => views)
    },
    {
      id: "websites-idle",
      title: `Event loop's longest delay without traffic, ${count} websites, and processor time of a second`,
      unit: "ms",
      rows: rows(({ idle }) => ({ samples: [idle.stall], processorTime: { own: [idle.own], store: [idle.store] } }))
    },
    {
      id: "websites-rollup",
      title: "First rollup of websites, and processor time of a second",
      unit: "websites/s",
      rows: rows(({ rolled }) => ({
        samples: [rolled.perSecond],
        processorTime: { own: [rolled.own], store: [rolled.store] }
      }))
    },
    {
      id: "websites-rollup-stall",
      title: "Event loop's longest delay during the first rollup",
      unit: "ms",
      rows: rows(({ rolled }) => ({ samples: [rolled.stall] }))
    },
    {
      id: "websites-list",
      title: `GET /v1/owner/sites with ${count} websites`,
      unit: "ms",
      rows: rows(({ list }) => ({ samples: [list.millis] }))
    },
    {
      id: "websites-list-bytes",
      title: `GET /v1/owner/sites with ${count} websites, size of the compressed answer`,
      unit: "bytes",
      rows: rows(({ list }) => ({ samples: [list.bytes] }))
    },
    {
      id: "websites-stats",
      title: `\`stats --all-sites\` of ${count} websites`,
      unit: "s",
      rows: rows(({ statsSeconds }) => ({ samples: [statsSeconds] }))
    }
  ] satisfies ReadonlyArray<Measure>
})
