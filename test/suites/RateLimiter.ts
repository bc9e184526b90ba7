/**
 * The tests that every layer of `RateLimiter` must pass. Time comes from the TestClock, and only moves forwards, except in
 * the test of a wall clock that jumps back.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer, Schema } from "effect"
import { TestClock } from "effect/testing"
import { RateLimiter, type RateLimitPolicy } from "../../src/platform/limits/RateLimit.ts"
import { decideByTimes } from "../support/RateLimits.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const Policy = Schema.Struct({ limit: between(1, 6), windowMillis: between(1, 3000) })

const Steps = Schema.Array(
  Schema.Struct({
    wait: between(0, 1500),
    key: Schema.Literals(["203.0.113.7", "2001:db8:0:1::/64", "né\u0000\ud800"])
  })
).check(Schema.isMaxLength(40))

const NetworkPolicy = Schema.Struct({
  limit: between(1, 4),
  networkLimit: between(1, 8),
  windowMillis: between(1, 3000)
})

const NetworkSteps = Schema.Array(
  Schema.Struct({
    wait: between(0, 800),
    network: Schema.Literals(["1", "2"]),
    client: Schema.Literals(["0", "a", "ff"])
  })
).check(Schema.isMaxLength(40))

/** A policy and keys that no other run uses, since a layer's store may outlive the test. */
const fresh = <Shape extends Omit<RateLimitPolicy, "name">>(policy: Shape) => {
  const run = randomUUID()
  return { policy: { name: "test", ...policy }, key: (key: string) => `${run} ${key}` }
}

export const suite = <E>(name: string, layer: Layer.Layer<RateLimiter, E>) =>
  describe(name, () => {
    it.effect.prop(
      "decides by the exact sliding window, for each client separately",
      [Policy, Steps],
      ([policyShape, steps]) =>
        Effect.gen(function* () {
          const limiter = yield* RateLimiter
          const { policy, key } = fresh(policyShape)
          const accepted = new Map<string, Array<number>>()
          let now = 0
          for (const step of steps) {
            yield* TestClock.adjust(step.wait)
            now += step.wait
            const times = accepted.get(step.key) ?? []
            accepted.set(step.key, times)
            const decision = yield* limiter.take(policy, key(step.key))
            assert.deepStrictEqual(decision, decideByTimes(policy, times, now))
            if (decision.accepted) times.push(now)
          }
        }).pipe(Effect.provide(layer))
    )

    it.effect.prop(
      "counts a request of a network's client for both or for neither, by the limits of both",
      [NetworkPolicy, NetworkSteps],
      ([policyShape, steps]) =>
        Effect.gen(function* () {
          const limiter = yield* RateLimiter
          const { policy, key } = fresh(policyShape)
          const ofClient = new Map<string, Array<number>>()
          const ofNetwork = new Map<string, Array<number>>()
          let now = 0
          for (const { client, network, wait } of steps) {
            yield* TestClock.adjust(wait)
            now += wait
            const inWindow = (times: ReadonlyArray<number> = []) =>
              times.filter((time) => time > now - policy.windowMillis)
            const address = `2001:db8:${network}:${client}::/64`
            const [clientTimes, networkTimes] = [inWindow(ofClient.get(address)), inWindow(ofNetwork.get(network))]
            const decision = yield* limiter.take(policy, key(address))
            const hasRoom = [clientTimes.length < policy.limit, networkTimes.length < policy.networkLimit]
            assert.deepStrictEqual(decision.accepted, hasRoom.every(Boolean))
            if (decision.accepted) {
              ofClient.set(address, [...clientTimes, now])
              ofNetwork.set(network, [...networkTimes, now])
              const left = Math.min(policy.limit - clientTimes.length, policy.networkLimit - networkTimes.length)
              assert.strictEqual(decision.remaining, left - 1)
            } else {
              // The oldest request of each full limit must leave the window.
              const oldest = [clientTimes, networkTimes]
                .filter((_, index) => !hasRoom[index])
                .map((times) => times[0] ?? now)
              assert.strictEqual(decision.remaining, 0)
              assert.strictEqual(decision.resetMillis, Math.max(...oldest) + policy.windowMillis - now)
            }
          }
        }).pipe(Effect.provide(layer))
    )

    it.effect(
      "accepts exactly a network's limit of many concurrent requests of its clients, and none of another's",
      () =>
        Effect.gen(function* () {
          const limiter = yield* RateLimiter
          const { policy, key } = fresh({ limit: 5, networkLimit: 37, windowMillis: 60_000 })
          const takes = Array.from({ length: 100 }, (_, index) =>
            limiter.take(policy, key(`2001:db8:1:${(index % 20).toString(16)}::/64`))
          )
          const decisions = yield* Effect.all(takes, { concurrency: "unbounded" })
          assert.strictEqual(decisions.filter(({ accepted }) => accepted).length, 37)
          assert.isTrue((yield* limiter.take(policy, key("2001:db8:2:0::/64"))).accepted)
          assert.isTrue((yield* limiter.take(policy, key("203.0.113.7"))).accepted)
          assert.isTrue(
            (yield* limiter.take({ ...policy, networkLimit: undefined }, key("2001:db8:1:ff::/64"))).accepted
          )
        }).pipe(Effect.provide(layer))
    )

    it.effect("counts a client separately for each policy", () =>
      Effect.gen(function* () {
        const limiter = yield* RateLimiter
        const { policy, key } = fresh({ limit: 1, windowMillis: 1000 })
        assert.isTrue((yield* limiter.take(policy, key("a"))).accepted)
        assert.isFalse((yield* limiter.take(policy, key("a"))).accepted)
        assert.isTrue((yield* limiter.take({ ...policy, name: "other" }, key("a"))).accepted)
      }).pipe(Effect.provide(layer))
    )

    it.effect("accepts exactly the limit of many concurrent requests", () =>
      Effect.gen(function* () {
        const limiter = yield* RateLimiter
        const { policy, key } = fresh({ limit: 37, windowMillis: 60_000 })
        const take = limiter.take(policy, key("a"))
        const decisions = yield* Effect.all(new Array<typeof take>(100).fill(take), { concurrency: "unbounded" })
        assert.strictEqual(decisions.filter((decision) => decision.accepted).length, 37)
        assert.deepStrictEqual(
          decisions.filter((decision) => decision.accepted).map((decision) => decision.remaining),
          Array.from({ length: 37 }, (_, index) => 36 - index)
        )
      }).pipe(Effect.provide(layer))
    )

    it.effect("a client that waits for `resetMillis` is accepted, and one millisecond earlier it is not", () =>
      Effect.gen(function* () {
        const limiter = yield* RateLimiter
        const { policy, key } = fresh({ limit: 3, windowMillis: 10_000 })
        for (let taken = 0; taken < 3; taken++) {
          yield* limiter.take(policy, key("a"))
          yield* TestClock.adjust(700)
        }
        const refused = yield* limiter.take(policy, key("a"))
        assert.isFalse(refused.accepted)
        yield* TestClock.adjust(refused.resetMillis - 1)
        assert.isFalse((yield* limiter.take(policy, key("a"))).accepted)
        yield* TestClock.adjust(1)
        assert.isTrue((yield* limiter.take(policy, key("a"))).accepted)
      }).pipe(Effect.provide(layer))
    )

    it.effect("a wall clock that jumps back an hour neither clears counts nor locks clients out", () =>
      Effect.gen(function* () {
        const limiter = yield* RateLimiter
        const { policy, key } = fresh({ limit: 2, windowMillis: 1000 })
        yield* TestClock.setTime(7_200_000)
        yield* limiter.take(policy, key("a"))
        yield* TestClock.adjust(400)
        yield* limiter.take(policy, key("a"))
        yield* TestClock.setTime(3_600_000)
        const refused = yield* limiter.take(policy, key("a"))
        assert.isFalse(refused.accepted)
        assert.isAtMost(refused.resetMillis, policy.windowMillis)
        yield* TestClock.adjust(policy.windowMillis)
        const later = yield* limiter.take(policy, key("a"))
        assert.deepStrictEqual([later.accepted, later.remaining], [true, 1])
      }).pipe(Effect.provide(layer))
    )
  })
