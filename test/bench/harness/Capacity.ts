/**
 * What stands behind the service can carry by itself: page views that one PostgreSQL stores from how many processes, and
 * requests that one Redis limits.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { PgClient } from "@effect/sql-pg"
import { Effect, Redacted, Schema } from "effect"
import { Reactivity } from "effect/reactivity"
import * as PageView from "../../../src/core/analytics/PageView.ts"
import * as UserAgent from "../../../src/core/analytics/UserAgent.ts"
import { storeBatch } from "../../../src/postgres/analytics/AnalyticsRepo.ts"
import { types } from "../../../src/postgres/batch/Columns.ts"
import * as RedisRateLimiter from "../../../src/redis/RateLimiter.ts"
import { RateLimiter } from "../../../src/services/RateLimiter.ts"
import type * as Edge from "./Edge.ts"
import type { Measure } from "./Measure.ts"
import * as Numbers from "./Numbers.ts"
import * as Program from "./Program.ts"
import * as Stage from "./Stage.ts"

export interface Options {
  readonly rounds: number
  readonly seconds: number
}

/** What a process that is busy stores at once. */
const batchSize = 100

const agent = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"

const batchOf = (site: Edge.Site, first: number): ReadonlyArray<PageView.PageView> =>
  Array.from({ length: batchSize }, (_, index) => {
    const number = first + index
    const claim = {
      page_path: `/articles/${number}?utm_source=newsletter&utm_medium=email`,
      screen_width: 1440,
      session_id: `s-${number}`
    }
    return PageView.make(claim, {
      hostedWebsiteId: site.hostedWebsiteId,
      receivedAt: Date.now(),
      address: `10.0.${(number >> 8) & 255}.${number & 255}`,
      userAgent: agent,
      client: UserAgent.parse(agent),
      referrer: PageView.splitReferrer("https://www.example.org/search?q=news"),
      salt: new Uint8Array(32)
    })
  })

/** Repeats something until the time is up, and gives how often it was done in a second. */
const rateOf = <E, R>(seconds: number, lanes: number, once: (number: number) => Effect.Effect<void, E, R>) =>
  Effect.gen(function* () {
    let [begun, done] = [0, 0]
    const start = performance.now()
    const lane = Effect.suspend(() => once(begun++)).pipe(
      Effect.andThen(
        Effect.sync(() => {
          done++
        })
      ),
      Effect.repeat({ while: () => performance.now() - start < seconds * 1000 })
    )
    yield* Effect.all(
      Array.from({ length: lanes }, () => lane),
      { concurrency: "unbounded", discard: true }
    )
    return done / ((performance.now() - start) / 1000)
  })

/** Page views a second that PostgreSQL stores for so many processes, each with one batch after the other. */
const stored = (stage: Stage.Stage, edge: Edge.Edge, writers: number, seconds: number) =>
  Effect.scoped(
    Effect.gen(function* () {
      const url = Redacted.make(stage.urlOf(edge.database))
      const sql = yield* PgClient.make({ url, minConnections: 0, maxConnections: writers, types })
      return yield* rateOf(seconds, writers, (count) =>
        storeBatch(sql, batchOf(edge.site, count * batchSize), randomUUID())
      )
    }).pipe(
      Effect.provide(Reactivity.layer),
      Effect.map((batches) => batches * batchSize),
      Effect.mapError(({ message }) => new Program.BenchError({ message: `No batch was stored: ${message}` }))
    )
  )

const Sizes = Schema.Tuple([Schema.Struct({ bytes: Schema.Finite })])

/** How much room a page view takes with its share of the indexes, in bytes. */
const sizeOf = (stage: Stage.Stage, edge: Edge.Edge) =>
  Stage.onDatabase(stage, edge.database, (sql) =>
    sql`SELECT (SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('page_view'))::float8
      / (SELECT count(*) FROM page_view)::float8 AS bytes`.pipe(
      Effect.flatMap(Schema.decodeUnknownEffect(Sizes)),
      Effect.map(([{ bytes }]) => bytes),
      Effect.mapError(({ message }) => new Program.BenchError({ message: `The table has no size: ${message}` }))
    )
  )

const policy = { name: "analytics", limit: 100, windowMillis: 60_000 }

/** How many requests one process asks Redis about at once. */
const asked = 64

/** Starts a Redis that keeps nothing, and asks it for one client after another; gives the requests a second. */
const limited = (stage: Stage.Stage, seconds: number) =>
  Effect.gen(function* () {
    const port = yield* Program.freePort
    const { fallback, refused } = yield* fallbackThatTells
    yield* Program.serve(
      stage.folder,
      {
        name: "redis-server",
        file: "redis-server",
        args: ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", stage.folder]
      },
      port
    )
    const redis = RedisRateLimiter.layer({ url: Redacted.make(`redis://127.0.0.1:${port}`), fallback })
    const rate = yield* RateLimiter.use((limiter) =>
      rateOf(seconds, asked, (count) =>
        Effect.asVoid(limiter.take(policy, `10.${count >> 16}.${(count >> 8) & 255}.${count & 255}`))
      )
    ).pipe(Effect.provide(redis))
    if (refused() > 0) return yield* new Program.BenchError({ message: "Redis was away for some of the requests." })
    return rate
  }).pipe(Effect.scoped)

/** Takes the place of the limiter that counts while Redis is away, which would otherwise be measured in its place. */
const fallbackThatTells = Effect.sync(() => {
  let count = 0
  const fallback = RateLimiter.of({
    take: () =>
      Effect.sync(() => {
        count++
        return { accepted: true, remaining: 0, resetMillis: 0 }
      })
  })
  return { fallback, refused: () => count }
})

/** For how many processes at once page views are stored. */
const writers = [1, 2, 4]

export const measure = Effect.fnUntraced(function* (stage: Stage.Stage, edge: Edge.Edge, options: Options) {
  const rates = new Map<number, Array<number>>(writers.map((count) => [count, []]))
  const sizes: Array<number> = []
  const limits: Array<number> = []
  for (let round = 0; round < options.rounds; round++) {
    for (const count of Numbers.orderOf(writers, round)) {
      yield* Stage.statements(stage, edge.database, ["TRUNCATE page_view, bot_view"])
      yield* Stage.checkpoint(stage)
      const rate = yield* stored(stage, edge, count, options.seconds)
      console.error(`round ${round + 1}  PostgreSQL: ${Math.round(rate)} page views/s, ${count} batches at a time`)
      rates.get(count)?.push(rate)
    }
    sizes.push(yield* sizeOf(stage, edge))
    const limit = yield* limited(stage, options.seconds).pipe(
      Effect.catch(({ message }) => {
        console.error(`Without Redis: ${message}`)
        return Effect.succeed(undefined)
      })
    )
    if (limit !== undefined) {
      console.error(`round ${round + 1}  Redis: ${Math.round(limit)} requests/s`)
      limits.push(limit)
    }
  }
  const measures: ReadonlyArray<Measure> = [
    {
      id: "database",
      title: `Page views that PostgreSQL stores, ${batchSize} a batch`,
      unit: "rows/s",
      rows: writers.map((count) => ({
        contender: count === 1 ? "one batch after the other" : `${count} batches at a time`,
        samples: rates.get(count) ?? []
      }))
    },
    {
      id: "size",
      title: "Room of a stored page view",
      unit: "bytes",
      rows: [{ contender: "page_view", samples: sizes }]
    },
    {
      id: "redis",
      title: `Requests that Redis limits, ${asked} at a time`,
      unit: "requests/s",
      rows: [{ contender: "redis-server", samples: limits }]
    }
  ]
  return measures
})
