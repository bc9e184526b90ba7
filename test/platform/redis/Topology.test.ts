/**
 * The limiter on a real Redis Cluster, behind real Sentinels, and with URLs that name the wrong kind of server.
 */
import { assert, it } from "@effect/vitest"
import { Effect, Logger, Metric, Redacted } from "effect"
import * as Inspection from "../../../src/cli/doctor/Inspection.ts"
import type { RateLimitPolicy } from "../../../src/platform/limits/RateLimit.ts"
import * as RedisRateLimiter from "../../../src/platform/redis/RateLimiter.ts"
import * as Metrics from "../../../src/platform/telemetry/Metrics.ts"
import * as TestRedis from "../../support/TestRedis.ts"
import * as TestRedisCluster from "../../support/TestRedisCluster.ts"
import { poll } from "../../support/Wait.ts"

const policy: RateLimitPolicy = { name: "test", limit: 1_000, networkLimit: 5_000, windowMillis: 3_600_000 }

const fallbackDecision = { accepted: true, remaining: 123_456, resetMillis: 1 }
const fallback = { take: () => Effect.succeed(fallbackDecision) }

const limiterAt = (url: string) =>
  RedisRateLimiter.make({ url: Redacted.make(url), fallback, timeoutMillis: 5_000, retryMillis: 20 })

/** Half of them are in networks, whose two keys must be in one slot. */
const clients = Array.from({ length: 60 }, (_, index) =>
  index % 2 === 0 ? `198.51.100.${index}` : `2001:db8:${index.toString(16)}:1::/64`
)

/** Counts one request of each client, and returns how many more requests each may send. */
const takeAll = ({ take }: RedisRateLimiter.SharedLimiter) =>
  Effect.forEach(clients, (client) => Effect.map(take(policy, client), ({ remaining }) => remaining), {
    concurrency: 20
  })

const untilRedisDecides = ({ take }: RedisRateLimiter.SharedLimiter) =>
  poll(take(policy, "probe"), ({ remaining }) => remaining !== fallbackDecision.remaining).pipe(
    Effect.timeout("60 seconds"),
    Effect.orDie
  )

/** The value of the gauge that is 1 while the limiter cannot use Redis. */
const awayGauge = Effect.flatMap(Effect.context<never>(), (context) =>
  Effect.sync(() => Metrics.limiterAway({}).valueUnsafe(context).value)
)

const inspectAt = (url: string) => Inspection.redis(Redacted.make(url))

TestRedis.describeWithRedis("platform/redis/RateLimiter: clusters and Sentinels", () => {
  it.live(
    "any node of a cluster leads to all masters, among which the keys are divided; a replica replaces its killed master",
    () => {
      const lines: Array<string> = []
      const logger = Logger.make(({ message }) => lines.push(JSON.stringify(message)))
      return Effect.gen(function* () {
        const { first, masters, replica } = yield* TestRedisCluster.cluster
        const [, second, third] = masters.map(({ url }) => Redacted.value(url))
        const one = yield* limiterAt(second ?? "")
        assert.deepStrictEqual(yield* one.state, { _tag: "Shared", topology: { _tag: "Cluster", masters: 3 } })
        assert.deepStrictEqual(
          yield* takeAll(one),
          clients.map(() => 999)
        )
        // A second limiter, which starts at the replica, continues the same counts.
        assert.deepStrictEqual(
          yield* Effect.scoped(Effect.flatMap(limiterAt(Redacted.value(replica.url)), takeAll)),
          clients.map(() => 998)
        )
        for (const master of masters) assert.isAbove(Number(yield* master.send("DBSIZE")), 1)
        assert.strictEqual((yield* inspectAt(third ?? ""))._tag, "Shared")

        yield* first.kill
        // A request for a key of the dead master ends the connection, so the fallback decides about all clients.
        yield* poll(takeAll(one), (remainders) =>
          remainders.every((remaining) => remaining === fallbackDecision.remaining)
        )
        assert.strictEqual((yield* one.state)._tag, "Alone")
        yield* untilRedisDecides(one)
        assert.strictEqual(yield* awayGauge, 0)
        assert.notInclude(yield* takeAll(one), fallbackDecision.remaining)
        assert.isAbove(Number(yield* replica.send("DBSIZE")), 1)
        const [lost, back] = ["cannot be used", "is back"].map((words) => lines.filter((line) => line.includes(words)))
        assert.isNotEmpty(lost)
        assert.strictEqual(lost?.length, back?.length)
        assert.notInclude(lines.join(), "127.0.0.1")
      }).pipe(
        Effect.scoped,
        Effect.provide(Logger.layer([logger])),
        Effect.provideService(Metric.MetricRegistry, new Map())
      )
    }
  )

  it.live("Sentinels name the master, and after a failover the promoted replica", () =>
    Effect.gen(function* () {
      const { master, replica, sentinel } = yield* TestRedisCluster.sentinel
      const url = `redis+sentinel://127.0.0.1:1,127.0.0.1:${sentinel.port}/edge`
      const one = yield* limiterAt(url)
      assert.deepStrictEqual(yield* one.state, { _tag: "Shared", topology: { _tag: "Sentinel", master: "edge" } })
      assert.deepStrictEqual(
        yield* takeAll(one),
        clients.map(() => 999)
      )
      yield* master.kill
      yield* untilRedisDecides(one)
      // The replica had copied the counts.
      assert.deepStrictEqual(
        yield* takeAll(one),
        clients.map(() => 998)
      )
      assert.isAbove(Number(yield* replica.send("DBSIZE")), clients.length)
      assert.strictEqual((yield* inspectAt(url))._tag, "Shared")

      const faultAt = (address: string) =>
        Effect.map(inspectAt(address), (facts) => facts._tag === "Alone" && facts.error.fault)
      assert.strictEqual(yield* faultAt(`redis://127.0.0.1:${sentinel.port}`), "sentinel")
      assert.strictEqual(yield* faultAt(`redis+sentinel://127.0.0.1:${sentinel.port}/other`), "master")
      assert.strictEqual(yield* faultAt(`redis+sentinel://127.0.0.1:${replica.port}/edge`), "no-sentinel")
      assert.strictEqual(yield* faultAt(`redis://127.0.0.1:1,127.0.0.1:${replica.port}`), "several")
    }).pipe(Effect.scoped, Effect.provide(Logger.layer([])))
  )

  it.live("a replica is reported as a replica and sets the gauge, until it is promoted", () =>
    Effect.gen(function* () {
      const master = yield* TestRedis.started
      const replica = yield* TestRedis.makeWith({ args: ["--replicaof", "127.0.0.1", `${master.port}`] })
      yield* replica.start
      const url = Redacted.value(replica.url)
      const facts = yield* inspectAt(url)
      assert.deepStrictEqual(facts._tag === "Alone" && facts.error.fault, "replica")
      assert.include(facts._tag === "Alone" ? facts.error.reason : "", "it is a replica")
      const one = yield* limiterAt(url)
      assert.deepStrictEqual(yield* one.take(policy, "a"), fallbackDecision)
      assert.strictEqual(yield* awayGauge, 1)
      yield* replica.send("REPLICAOF", "NO", "ONE")
      yield* untilRedisDecides(one)
      assert.strictEqual(yield* awayGauge, 0)
    }).pipe(Effect.scoped, Effect.provide(Logger.layer([])), Effect.provideService(Metric.MetricRegistry, new Map()))
  )
})
