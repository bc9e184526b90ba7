import { assert, beforeAll, it } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Logger, Redacted, Schema, Scope } from "effect"
import type { RateLimitDecision, RateLimitPolicy } from "../../../src/platform/limits/RateLimit.ts"
import { RateLimiter } from "../../../src/platform/limits/RateLimit.ts"
import * as RedisRateLimiter from "../../../src/platform/redis/RateLimiter.ts"
import { suite } from "../../suites/RateLimiter.ts"
import * as TestRedis from "../../support/TestRedis.ts"
import { poll } from "../../support/Wait.ts"

/** A fallback that must not be used. */
const unusedFallback: RateLimiter["Service"] = { take: () => Effect.die(new Error("The fallback must not be used")) }

/** The decision of `fallback`, which Redis never makes. */
const fallbackDecision: RateLimitDecision = { accepted: true, remaining: 123_456, resetMillis: 1 }
const fallback: RateLimiter["Service"] = { take: () => Effect.succeed(fallbackDecision) }

const hour: RateLimitPolicy = { name: "test", limit: 3, windowMillis: 3_600_000 }

/** A limiter with a long default timeout, so that a busy machine does not count as a hanging Redis. */
const limiterOf = (
  redis: TestRedis.TestRedis,
  fallback: RateLimiter["Service"],
  { logs = Logger.layer([]), timeoutMillis = 20_000 } = {}
) =>
  Layer.build(
    RedisRateLimiter.layer({ url: redis.url, fallback, timeoutMillis, retryMillis: 20 }).pipe(Layer.provide(logs))
  ).pipe(Effect.map((context) => Context.get(context, RateLimiter)))

/** Sends requests until Redis decides one, and returns that decision. */
const firstByRedis = (limiter: RateLimiter["Service"], key: string) =>
  poll(limiter.take(hour, key), ({ remaining }) => remaining !== fallbackDecision.remaining).pipe(
    Effect.timeout("60 seconds"),
    Effect.orDie
  )

const decisions = (limiter: RateLimiter["Service"], key: string, times: number) =>
  Effect.replicateEffect(limiter.take(hour, key), times)

TestRedis.describeWithRedis("platform/redis/RateLimiter", () => {
  const scope = Effect.runSync(Scope.make())
  let shared: TestRedis.TestRedis
  beforeAll(async () => {
    shared = await Effect.runPromise(Scope.provide(TestRedis.started, scope))
    return () => Effect.runPromise(Scope.close(scope, Exit.void))
  })

  suite(
    "decisions",
    Layer.unwrap(
      Effect.sync(() =>
        RedisRateLimiter.layer({ url: shared.url, fallback: unusedFallback, time: "process", timeoutMillis: 20_000 })
      )
    )
  )

  it.live("counts across processes with the default clock, which is Redis's", () =>
    Effect.gen(function* () {
      const redis = yield* TestRedis.started
      const [one, other] = [yield* limiterOf(redis, unusedFallback), yield* limiterOf(redis, unusedFallback)]
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

  it.live("stores no client's address, and no key for longer than a window", () =>
    Effect.gen(function* () {
      const redis = yield* TestRedis.started
      yield* (yield* limiterOf(redis, unusedFallback)).take(hour, "203.0.113.77")
      const keys = yield* Schema.decodeUnknownEffect(Schema.Array(Schema.String))(yield* redis.send("KEYS", "*test*"))
      assert.strictEqual(keys.length, 1)
      assert.notInclude(keys[0], "203.0.113.77")
      const ttl = yield* Schema.decodeUnknownEffect(Schema.Int)(yield* redis.send("PTTL", keys[0]!))
      assert.isAbove(ttl, 0)
      assert.isAtMost(ttl, hour.windowMillis)
    })
  )

  it.live("stores no network either", () =>
    Effect.gen(function* () {
      const redis = yield* TestRedis.started
      yield* (yield* limiterOf(redis, unusedFallback)).take({ ...hour, networkLimit: 5 }, "2001:db8:1:2::/64")
      const keys = yield* Schema.decodeUnknownEffect(Schema.Array(Schema.String))(yield* redis.send("KEYS", "*test*"))
      assert.strictEqual(keys.length, 2)
      assert.isFalse(keys.some((key) => key.includes("2001")))
    })
  )

  it.live("a script that Redis no longer caches is loaded again, without use of the fallback", () =>
    Effect.gen(function* () {
      const redis = yield* TestRedis.started
      const one = yield* limiterOf(redis, unusedFallback)
      yield* one.take(hour, "a")
      yield* redis.send("SCRIPT", "FLUSH", "SYNC")
      assert.strictEqual((yield* one.take(hour, "a")).remaining, 1)
    })
  )

  it.live("no request fails when Redis dies, and Redis is used again when it is back", () =>
    Effect.gen(function* () {
      const redis = yield* TestRedis.started
      const one = yield* limiterOf(redis, fallback)
      assert.strictEqual((yield* one.take(hour, "a")).remaining, 2)
      yield* redis.kill
      for (const decision of yield* decisions(one, "a", 50)) assert.deepStrictEqual(decision, fallbackDecision)
      yield* redis.start
      assert.strictEqual((yield* firstByRedis(one, "b")).remaining, 2)
    })
  )

  it.live("the fallback decides the requests that are in flight when Redis dies", () =>
    Effect.gen(function* () {
      const redis = yield* TestRedis.started
      const one = yield* limiterOf(redis, fallback)
      yield* redis.freeze
      const [decided] = yield* Effect.all(
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
      for (const decision of decided) assert.deepStrictEqual(decision, fallbackDecision)
    })
  )

  it.live("only the first requests wait for a hanging Redis, which is used again when it resumes", () =>
    Effect.gen(function* () {
      const redis = yield* TestRedis.started
      const one = yield* limiterOf(redis, fallback, { timeoutMillis: 1_000 })
      yield* redis.freeze
      // If each of these requests waited for Redis, they would need a quarter of an hour.
      const during = yield* decisions(one, "a", 1000).pipe(Effect.timeout("60 seconds"))
      for (const decision of during) assert.deepStrictEqual(decision, fallbackDecision)
      yield* redis.thaw
      yield* firstByRedis(one, "b")
    })
  )

  it.live("a Redis that is down when the limiter starts is used once it is up", () =>
    Effect.gen(function* () {
      const redis = yield* TestRedis.make
      const one = yield* limiterOf(redis, fallback)
      for (const decision of yield* decisions(one, "a", 3)) assert.deepStrictEqual(decision, fallbackDecision)
      yield* redis.start
      assert.strictEqual((yield* firstByRedis(one, "b")).remaining, 2)
    })
  )

  it.live("a Redis that refuses writes counts as unavailable", () =>
    Effect.gen(function* () {
      const redis = yield* TestRedis.started
      const one = yield* limiterOf(redis, fallback)
      yield* redis.send("CONFIG", "SET", "maxmemory", "1")
      for (const decision of yield* decisions(one, "a", 20)) assert.deepStrictEqual(decision, fallbackDecision)
      yield* redis.send("CONFIG", "SET", "maxmemory", "0")
      assert.strictEqual((yield* firstByRedis(one, "b")).remaining, 2)
    })
  )

  it.live("with an invalid URL, the fallback decides", () =>
    Effect.gen(function* () {
      const layer = RedisRateLimiter.layer({ url: Redacted.make("redis://:secret@[nowhere"), fallback }).pipe(
        Layer.provide(Logger.layer([]))
      )
      const one = Context.get(yield* Layer.build(layer), RateLimiter)
      assert.deepStrictEqual(yield* one.take(hour, "a"), fallbackDecision)
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
      const one = yield* limiterOf(redis, fallback, { logs: Logger.layer([logger]) })
      yield* redis.start
      yield* firstByRedis(one, "a")
      assert.match(
        lines.join("\n"),
        /level=WARN.*failed because of an internal error; reconnecting.*the first recovery/s
      )
    })
  })

  it.live("logs each outage and recovery once, without addresses of clients or of Redis", () => {
    const lines: Array<string> = []
    const logger = Logger.make(({ logLevel, message }) => lines.push(`${logLevel} ${JSON.stringify(message)}`))
    return Effect.gen(function* () {
      const redis = yield* TestRedis.started
      const one = yield* limiterOf(redis, fallback, { logs: Logger.layer([logger]) })
      yield* redis.kill
      yield* decisions(one, "203.0.113.77", 100)
      yield* redis.start
      yield* firstByRedis(one, "203.0.113.77")
      assert.strictEqual(lines.length, 2)
      assert.match(lines[0]!, /^Warn .*Redis cannot be used \([A-Za-z]+\)/)
      assert.match(lines[1]!, /^Info .*Redis is back/)
      assert.notMatch(lines.join(), /127\.0\.0\.1|203\.0\.113\.77/)
    })
  })
})
