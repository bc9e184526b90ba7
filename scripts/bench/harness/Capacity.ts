/**
 * The capacity of the backends alone: page views that one PostgreSQL stores, and requests that one Redis limits.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { PgClient } from "@effect/sql-pg"
import { Effect, Redacted, Schema } from "effect"
import { Reactivity } from "effect/reactivity"
import * as PageView from "../../../src/analytics/PageView.ts"
import { storeBatch } from "../../../src/analytics/postgres/AnalyticsRepo.ts"
import { RateLimiter } from "../../../src/platform/limits/RateLimit.ts"
import { types } from "../../../src/platform/postgres/Columns.ts"
import * as RedisRateLimiter from "../../../src/platform/redis/RateLimiter.ts"
import * as Ports from "../../../test/support/Ports.ts"
import * as TestTime from "../../../test/support/TestTime.ts"
import type * as Edge from "./Edge.ts"
import * as GrowthTables from "./GrowthTables.ts"
import { batchesRow, batchSize, redisConcurrency, redisServer, sizeRow } from "./GrowthTables.ts"
import { type Measure, rateRow } from "./Measure.ts"
import * as ProcessorTime from "./ProcessorTime.ts"
import * as Program from "./Program.ts"
import * as Statistics from "./Statistics.ts"
import * as TestBed from "./TestBed.ts"
import type * as Wrk from "./Wrk.ts"

export interface Options {
  readonly rounds: number
  readonly seconds: number
}

const userAgent = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"

const batchOf = (site: Edge.Site, first: number): ReadonlyArray<PageView.PageView> =>
  Array.from({ length: batchSize }, (_, index) => {
    const number = first + index
    const sent = {
      page_path: `/articles/${number}?utm_source=newsletter&utm_medium=email`,
      screen_width: 1440,
      session_id: `s-${number}`
    }
    const facts = {
      hostedWebsiteId: site.hostedWebsiteId,
      receivedAt: TestTime.ofMachine(),
      address: `10.0.${(number >> 8) & 255}.${number & 255}`,
      userAgent,
      client: PageView.parseUserAgent(userAgent),
      country: null,
      salt: new Uint8Array(32)
    }
    return PageView.make(sent, facts, PageView.splitReferrer("https://www.example.org/search?q=news"))
  })

/**
 * Repeats `task` in `concurrency` loops for some seconds, and returns what one repetition costs: `own` is counted by `readOwn`,
 * in microseconds, and `postgres` is the processor time of PostgreSQL.
 */
const costOf = <E, R>(
  testBed: TestBed.TestBed,
  readOwn: () => number,
  options: { readonly seconds: number; readonly concurrency: number },
  task: (number: number) => Effect.Effect<void, E, R>
) =>
  Effect.gen(function* () {
    let [begun, done] = [0, 0]
    const before = { own: readOwn(), postgres: ProcessorTime.read(testBed.postmaster) }
    const start = performance.now()
    const loop = Effect.suspend(() => task(begun++)).pipe(
      Effect.andThen(
        Effect.sync(() => {
          done++
        })
      ),
      Effect.repeat({ while: () => performance.now() - start < options.seconds * 1000 })
    )
    yield* Effect.all(
      Array.from({ length: options.concurrency }, () => loop),
      { concurrency: "unbounded", discard: true }
    )
    return {
      requests: done,
      perSecond: done / ((performance.now() - start) / 1000),
      own: (readOwn() - before.own) / done,
      postgres: (ProcessorTime.read(testBed.postmaster) - before.postgres) / done
    } satisfies Wrk.Cost
  })

const ownProcessorMicros = (): number => {
  const { system, user } = process.cpuUsage()
  return system + user
}

/** The cost of batches that PostgreSQL stores on `writers` connections, as if that many processes wrote. */
const measureDatabase = (testBed: TestBed.TestBed, edge: Edge.Edge, writers: number, seconds: number) =>
  Effect.scoped(
    Effect.gen(function* () {
      const url = Redacted.make(testBed.urlOf(edge.database))
      const sql = yield* PgClient.make({ url, minConnections: 0, maxConnections: writers, types })
      return yield* costOf(testBed, ownProcessorMicros, { seconds, concurrency: writers }, (count) =>
        storeBatch(sql, batchOf(edge.site, count * batchSize), randomUUID())
      )
    }).pipe(
      Effect.provide(Reactivity.layer),
      Effect.mapError(({ message }) => new Program.BenchError({ message: `No batch was stored: ${message}` }))
    )
  )

const Sizes = Schema.Tuple([Schema.Struct({ bytes: Schema.Finite })])

/** The size of a page view with its share of the indexes, in bytes. */
const sizeOf = (testBed: TestBed.TestBed, edge: Edge.Edge) =>
  TestBed.onDatabase(testBed, edge.database, (sql) =>
    sql`SELECT (SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('page_view'))::float8
      / (SELECT count(*) FROM page_view)::float8 AS bytes`.pipe(
      Effect.flatMap(Schema.decodeUnknownEffect(Sizes)),
      Effect.map(([{ bytes }]) => bytes),
      Effect.mapError(
        ({ message }) => new Program.BenchError({ message: `The size of page_view is unknown: ${message}` })
      )
    )
  )

const policy = { name: "analytics", limit: 100, windowMillis: 60_000 }

/** A fallback that accepts and counts: the real one would hide that Redis is unavailable. */
const countingFallback = Effect.sync(() => {
  let count = 0
  const fallback = RateLimiter.of({
    take: () =>
      Effect.sync(() => {
        count++
        return { accepted: true, remaining: 0, resetMillis: 0 }
      })
  })
  return { fallback, count: () => count }
})

/** Starts a Redis without persistence and measures the cost of limiting a request; each request has another client. */
const measureRedis = (testBed: TestBed.TestBed, seconds: number) =>
  Effect.gen(function* () {
    const port = yield* Ports.free
    const { count, fallback } = yield* countingFallback
    const server = yield* Program.serve(
      testBed.folder,
      {
        name: redisServer,
        file: "redis-server",
        args: ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", testBed.folder]
      },
      port
    )
    const redis = RedisRateLimiter.layer({ url: Redacted.make(`redis://127.0.0.1:${port}`), fallback })
    const readOwn = () => ProcessorTime.read(server.pid)
    const cost = yield* RateLimiter.use((limiter) =>
      costOf(testBed, readOwn, { seconds, concurrency: redisConcurrency }, (client) =>
        Effect.asVoid(limiter.take(policy, `10.${client >> 16}.${(client >> 8) & 255}.${client & 255}`))
      )
    ).pipe(Effect.provide(redis))
    if (count() > 0)
      return yield* new Program.BenchError({ message: "Redis was unavailable for some of the requests." })
    return cost
  }).pipe(Effect.scoped)

/** The numbers of concurrent batches. */
const writerCounts = [1, 2, 4]

/** The measures of all rounds: `batches` by the number of writers. */
export const measuresOf = (results: {
  readonly batches: ReadonlyMap<number, ReadonlyArray<Wrk.Cost>>
  readonly sizes: ReadonlyArray<number>
  readonly redis: ReadonlyArray<Wrk.Cost>
}): ReadonlyArray<Measure> => [
  {
    ...GrowthTables.database,
    rows: [...results.batches].map(([count, costs]) => rateRow(batchesRow(count), costs, batchSize))
  },
  { ...GrowthTables.size, rows: [{ contender: sizeRow, samples: results.sizes }] },
  { ...GrowthTables.redis, rows: [rateRow(redisServer, results.redis)] }
]

export const measure = Effect.fnUntraced(function* (testBed: TestBed.TestBed, edge: Edge.Edge, options: Options) {
  const costs = new Map(writerCounts.map((count) => [count, [] as Array<Wrk.Cost>]))
  const sizes: Array<number> = []
  const redisCosts: Array<Wrk.Cost> = []
  for (let round = 0; round < options.rounds; round++) {
    for (const count of Statistics.orderOf(writerCounts, round)) {
      yield* TestBed.runStatements(testBed, edge.database, ["TRUNCATE page_view, bot_view"])
      yield* TestBed.checkpoint(testBed)
      const cost = yield* measureDatabase(testBed, edge, count, options.seconds)
      const rate = Math.round(cost.perSecond * batchSize)
      console.error(`round ${round + 1}  PostgreSQL: ${rate} page views/s in ${count} concurrent batches`)
      costs.get(count)?.push(cost)
    }
    sizes.push(yield* sizeOf(testBed, edge))
    const redisCost = yield* measureRedis(testBed, options.seconds).pipe(
      Effect.catch(({ message }) => {
        console.error(`Redis is left out: ${message}`)
        return Effect.succeed(undefined)
      })
    )
    if (redisCost !== undefined) {
      console.error(`round ${round + 1}  Redis: ${Math.round(redisCost.perSecond)} requests/s`)
      redisCosts.push(redisCost)
    }
  }
  return measuresOf({ batches: costs, sizes, redis: redisCosts })
})
