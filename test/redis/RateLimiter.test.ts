import { assert, beforeAll, it } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Logger, Redacted, Schema, Scope } from "effect"
import type { RateLimitDecision, RateLimitPolicy } from "../../src/core/limits/RateLimit.ts"
import * as RedisRateLimiter from "../../src/redis/RateLimiter.ts"
import { RateLimiter } from "../../src/services/RateLimiter.ts"
import { suite } from "../suites/RateLimiter.ts"
import * as TestRedis from "../support/TestRedis.ts"
import { poll } from "../support/Wait.ts"

/** A fallback that must not be used. */
const unused: RateLimiter["Service"] = { take: () => Effect.die(new Error("The fallback must not be used")) }

/** The decision of `spare`, distinguishable from Redis's. */
const spared: RateLimitDecision = { accepted: true, remaining: 123_456, resetMillis: 1 }
const spare: RateLimiter["Service"] = { take: () => Effect.succeed(spared) }

const hour: RateLimitPolicy = { name: "test", limit: 3, windowMillis: 3_600_000 }

/** A limiter with a long default timeout, so that a busy machine does not count as a hanging Redis. */
const limiter = (
  redis: TestRedis.TestRedis,
  fallback: RateLimiter["Service"],
  { logs = Logger.layer([]), timeoutMillis = 20_000 } = {}
) =>
  Layer.build(
    RedisRateLimiter.layer({ url: redis.url, fallback, timeoutMillis, retryMillis: 20 }).pipe(Layer.provide(logs))
  ).pipe(Effect.map((context) => Context.get(context, RateLimiter)))

/** Retries until `by` decides; otherwise the test times out. */
const decidedBy = (by: "redis" | "spare", limiter: RateLimiter["Service"], key: string) =>
  poll(limiter.take(hour, key), ({ remaining }) => (remaining === spared.remaining) === (by === "spare")).pipe(
    Effect.timeout("20 seconds"),
    Effect.orDie
  )

const decisions = (limiter: RateLimiter["Service"], key: string, times: number) =>
  Effect.replicateEffect(limiter.take(hour, key), times)

TestRedis.describeWithRedis("redis/RateLimiter", () => {
  const scope = Effect.runSync(Scope.make())
  let shared: TestRedis.TestRedis
  beforeAll(async () => {
    shared = await Effect.runPromise(Scope.provide(TestRedis.started, scope))
    return () => Effect.runPromise(Scope.close(scope, Exit.void))
  })

  suite(
    "the law",
    Layer.unwrap(
      Effect.sync(() =>
        RedisRateLimiter.layer({ url: shared.url, fallback: unused, time: "process", timeoutMillis: 20_000 })
      )
    )
  )

  it.live("counts across processes, by Redis's clock", () =>
    Effect.gen(function* () {
      const redis = yield* TestRedis.started
      const [one, other] = [yield* limiter(redis, unused), yield* limiter(redis, unused)]
      const taken = [yield* one.take(hour, "a"), yield* other.take(hour, "a"), yield* one.take(hour, "a")]
      assert.deepStrictEqual(
        taken.map((decision) => decision.remaining),
        [2, 1, 0]
      )
      const refused = yield* other.take(hour, "a")
      assert.isFalse(refused.accepted)
      assert.isAtMost(refused.resetMillis, hour.windowMillis)
      assert.isAbove(refused.resetMillis, 0)
    })
  )

  it.live("keeps no client's address, and nothing for longer than a window", () =>
    Effect.gen(function* () {
      const redis = yield* TestRedis.started
      yield* (yield* limiter(redis, unused)).take(hour, "203.0.113.77")
      const keys = yield* Schema.decodeUnknownEffect(Schema.Array(Schema.String))(yield* redis.send("KEYS", "*test*"))
      assert.strictEqual(keys.length, 1)
      assert.notInclude(keys[0], "203.0.113.77")
      const ttl = yield* Schema.decodeUnknownEffect(Schema.Int)(yield* redis.send("PTTL", keys[0]!))
      assert.isAbove(ttl, 0)
      assert.isAtMost(ttl, hour.windowMillis)
    })
  )

  it.live("a script that Redis no longer caches is loaded again, without the fallback", () =>
    Effect.gen(function* () {
      const redis = yield* TestRedis.started
      const one = yield* limiter(redis, unused)
      yield* one.take(hour, "a")
      yield* redis.send("SCRIPT", "FLUSH", "SYNC")
      assert.strictEqual((yield* one.take(hour, "a")).remaining, 1)
    })
  )

  it.live("no request fails when Redis dies, and Redis is used again when it is back", () =>
    Effect.gen(function* () {
      const redis = yield* TestRedis.started
      const one = yield* limiter(redis, spare)
      assert.strictEqual((yield* one.take(hour, "a")).remaining, 2)
      yield* redis.kill
      for (const decision of yield* decisions(one, "a", 50)) assert.deepStrictEqual(decision, spared)
      yield* redis.start
      assert.strictEqual((yield* decidedBy("redis", one, "b")).remaining, 2)
    })
  )

  it.live("requests in flight when Redis dies are answered", () =>
    Effect.gen(function* () {
      const redis = yield* TestRedis.started
      const one = yield* limiter(redis, spare)
      yield* redis.freeze
      const [under] = yield* Effect.all(
        [
          Effect.all(
            Array.from({ length: 50 }, () => one.take(hour, "a")),
            { concurrency: "unbounded" }
          ),
          redis.kill
        ],
        {
          concurrency: "unbounded"
        }
      )
      for (const decision of under) assert.deepStrictEqual(decision, spared)
    })
  )

  it.live("only the first requests wait for a hanging Redis, which is used again when it resumes", () =>
    Effect.gen(function* () {
      const redis = yield* TestRedis.started
      const one = yield* limiter(redis, spare, { timeoutMillis: 80 })
      yield* redis.freeze
      // If each of these waited for Redis, they would need 80 seconds.
      const during = yield* decisions(one, "a", 1000).pipe(Effect.timeout("20 seconds"))
      for (const decision of during) assert.deepStrictEqual(decision, spared)
      yield* redis.thaw
      yield* decidedBy("redis", one, "b")
    })
  )

  it.live("a Redis that is down at the start is used once it is up", () =>
    Effect.gen(function* () {
      const redis = yield* TestRedis.make
      const one = yield* limiter(redis, spare)
      for (const decision of yield* decisions(one, "a", 3)) assert.deepStrictEqual(decision, spared)
      yield* redis.start
      assert.strictEqual((yield* decidedBy("redis", one, "b")).remaining, 2)
    })
  )

  it.live("a Redis that refuses writes counts as unavailable", () =>
    Effect.gen(function* () {
      const redis = yield* TestRedis.started
      const one = yield* limiter(redis, spare)
      yield* redis.send("CONFIG", "SET", "maxmemory", "1")
      for (const decision of yield* decisions(one, "a", 20)) assert.deepStrictEqual(decision, spared)
      yield* redis.send("CONFIG", "SET", "maxmemory", "0")
      assert.strictEqual((yield* decidedBy("redis", one, "b")).remaining, 2)
    })
  )

  it.live("an invalid URL uses the fallback", () =>
    Effect.gen(function* () {
      const layer = RedisRateLimiter.layer({ url: Redacted.make("redis://:secret@[nowhere"), fallback: spare }).pipe(
        Layer.provide(Logger.layer([]))
      )
      const one = Context.get(yield* Layer.build(layer), RateLimiter)
      assert.deepStrictEqual(yield* one.take(hour, "a"), spared)
    })
  )

  it.live("a defect is logged, and Redis is used again afterwards", () => {
    const lines: Array<string> = []
    const logger = Logger.map(Logger.formatSimple, (line) => {
      const isFirst = !lines.some((one) => one.includes("Redis is back"))
      lines.push(line)
      if (isFirst && line.includes("Redis is back")) throw new Error("the first recovery")
    })
    return Effect.gen(function* () {
      const redis = yield* TestRedis.make
      const one = yield* limiter(redis, spare, { logs: Logger.layer([logger]) })
      yield* redis.start
      yield* decidedBy("redis", one, "a")
      assert.match(lines.join("\n"), /level=WARN.*failed with a defect; reconnecting.*the first recovery/s)
    })
  })

  it.live("logs each outage and recovery once, without clients, addresses or passwords", () => {
    const lines: Array<string> = []
    const logger = Logger.make(({ logLevel, message }) => lines.push(`${logLevel} ${JSON.stringify(message)}`))
    return Effect.gen(function* () {
      const redis = yield* TestRedis.started
      const one = yield* limiter(redis, spare, { logs: Logger.layer([logger]) })
      yield* redis.kill
      yield* decisions(one, "203.0.113.77", 100)
      yield* redis.start
      yield* decidedBy("redis", one, "203.0.113.77")
      assert.strictEqual(lines.length, 2)
      assert.match(lines[0]!, /^Warn .*Redis cannot be used \([A-Za-z]+\)/)
      assert.match(lines[1]!, /^Info .*Redis is back/)
      assert.notMatch(lines.join(), /127\.0\.0\.1|203\.0\.113\.77/)
    })
  })
})
