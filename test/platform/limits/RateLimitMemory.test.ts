import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { layerMemory, type RateLimitPolicy, SlidingWindows } from "../../../src/platform/limits/RateLimit.ts"
import { suite } from "../../suites/RateLimiter.ts"
import { decideByTimes } from "../../support/RateLimits.ts"

suite("platform/limits/RateLimit: in memory", layerMemory({ maxKeys: 1000 }))

const collectGarbage = (): void => {
  setFlagsFromString("--expose-gc")
  runInNewContext("gc")()
}

const minute: RateLimitPolicy = { name: "minute", limit: 2, windowMillis: 60_000 }
const second: RateLimitPolicy = { name: "second", limit: 2, windowMillis: 1000 }

describe("platform/limits/RateLimit: in memory: bounds", () => {
  it.prop(
    "never exceeds the bounds on keys and times",
    [
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5 })),
      Schema.Array(
        Schema.Struct({
          wait: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2000 })),
          key: Schema.String,
          policy: Schema.Literals(["minute", "second"])
        })
      ).check(Schema.isMaxLength(60))
    ],
    ([maxKeys, steps]) => {
      const windows = new SlidingWindows({ maxKeys })
      let now = 0
      for (const step of steps) {
        now += step.wait
        windows.take(step.policy === "minute" ? minute : second, step.key, now)
        assert.isAtLeast(windows.size.keys, 1)
        assert.isAtMost(windows.size.keys, maxKeys)
        assert.isAtMost(windows.size.times, 2 * windows.size.keys)
      }
    }
  )

  it.prop(
    "never exceeds the bounds on keys and times with networks, and decides exactly if nothing is evicted",
    [
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 6 })),
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 8 })),
      Schema.Array(
        Schema.Struct({
          wait: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 400 })),
          key: Schema.Literals(["2001:db8:1:a::/64", "2001:db8:1:b::/64", "2001:db8:2:a::/64", "10.0.0.1"]),
          name: Schema.Literals(["one", "other"])
        })
      ).check(Schema.isMaxLength(60))
    ],
    ([maxKeys, networkLimit, steps]) => {
      const [small, large] = [new SlidingWindows({ maxKeys }), new SlidingWindows({ maxKeys: 100 })]
      const accepted = new Map<string, ReadonlyArray<number>>()
      let now = 0
      for (const { key, name, wait } of steps) {
        now += wait
        const policy: RateLimitPolicy = { name, limit: 3, networkLimit, windowMillis: 1000 }
        small.take(policy, key, now)
        assert.isAtMost(small.size.keys, Math.max(2, maxKeys))
        assert.isAtMost(small.size.times, 8 * small.size.keys)
        const keys = [key, ...(key.startsWith("2001") ? [key.slice(0, 10)] : [])].map((each) => `${name} ${each}`)
        const counts = keys.map((each) => (accepted.get(each) ?? []).filter((time) => time > now - 1000).length)
        const isAccepted = counts.every((count, index) => count < [3, networkLimit][index]!)
        assert.strictEqual(large.take(policy, key, now).accepted, isAccepted)
        if (isAccepted) for (const each of keys) accepted.set(each, [...(accepted.get(each) ?? []), now])
      }
    },
    { arbitrary: { runs: 300 } }
  )

  it("a client that its network's limit refuses is not stored", () => {
    const windows = new SlidingWindows({ maxKeys: 100 })
    const policy: RateLimitPolicy = { name: "network", limit: 2, networkLimit: 3, windowMillis: 1000 }
    for (let client = 0; client < 50; client++) windows.take(policy, `2001:db8:1:${client.toString(16)}::/64`, 0)
    assert.strictEqual(windows.size.keys, 4)
  })

  it("counts thousands of clients separately, also after the table has grown", () => {
    const windows = new SlidingWindows({ maxKeys: 100_000 })
    const keys = Array.from({ length: 10_000 }, (_, client) =>
      client % 3 === 0
        ? `10.0.${client >> 8}.${client & 255}`
        : client % 3 === 1
          ? `2001:db8:0:${client.toString(16)}::/64`
          : `2002:${client.toString(16)}:0:1::/64`
    )
    const decideAll = (policy: RateLimitPolicy, now: number) => keys.map((key) => windows.take(policy, key, now))
    for (const remaining of [1, 0]) {
      assert.isTrue(decideAll(minute, 0).every((decision) => decision.remaining === remaining))
    }
    assert.isFalse(decideAll(minute, 1).some(({ accepted }) => accepted))
    assert.isTrue(decideAll(second, 1).every(({ accepted }) => accepted))
    assert.deepStrictEqual(windows.size, { keys: 20_000, times: 30_000 })
  })

  it("evicts thousands of clients and keeps all others", () => {
    const maxKeys = 3_000
    const windows = new SlidingWindows({ maxKeys })
    const keyOf = (client: number) => `10.0.${client >> 8}.${client & 255}`
    for (let client = 0; client < 10_000; client++) {
      // A client that sends again is renewed, so that the order of eviction differs from the order of arrival.
      windows.take(minute, keyOf(client), 0)
      if (client % 3 === 0) windows.take(minute, keyOf(Math.max(0, client - 1_000)), 0)
    }
    assert.strictEqual(windows.size.keys, maxKeys)
    // The last two thousand clients are not evicted. Each sent one request, or two if it was renewed.
    // None of the last thousand was renewed.
    for (let client = 9_000; client < 10_000; client++) {
      assert.strictEqual(windows.take(minute, keyOf(client), 0).remaining, 0, keyOf(client))
    }
    for (let client = 8_001; client < 8_999; client++) {
      const renewed = (client + 1_000) % 3 === 0
      assert.strictEqual(windows.take(minute, keyOf(client), 0).accepted, !renewed, keyOf(client))
    }
  })

  it.prop(
    "one busy client gets the decisions of the exact sliding window",
    [
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 20 })),
      Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 300 }))).check(Schema.isMaxLength(80))
    ],
    ([limit, waits]) => {
      const policy: RateLimitPolicy = { name: "busy", limit, windowMillis: 1000 }
      const windows = new SlidingWindows({ maxKeys: 10 })
      const accepted: Array<number> = []
      let now = 0
      for (const wait of waits) {
        now += wait
        const decision = windows.take(policy, "10.0.0.1", now)
        assert.deepStrictEqual(decision, decideByTimes(policy, accepted, now))
        if (decision.accepted) accepted.push(now)
      }
    },
    { arbitrary: { runs: 300 } }
  )

  it("a client's times keep their order when earlier ones have left the window", () => {
    const policy: RateLimitPolicy = { name: "busy", limit: 4, windowMillis: 1000 }
    const windows = new SlidingWindows({ maxKeys: 10 })
    const accepted: Array<number> = []
    for (const now of [0, 600, 1100, 1200, 1650, 1700, 1750]) {
      const decision = windows.take(policy, "10.0.0.1", now)
      assert.deepStrictEqual(decision, decideByTimes(policy, accepted, now))
      if (decision.accepted) accepted.push(now)
    }
  })

  it.prop(
    "with more clients than keys, decides exactly for the clients that are not evicted",
    [Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 }))).check(Schema.isMaxLength(200))],
    ([clients]) => {
      const maxKeys = 5
      const windows = new SlidingWindows({ maxKeys })
      /** The clients in the table, oldest first, and how many requests of each were accepted. */
      let model: ReadonlyArray<readonly [client: number, acceptedCount: number]> = []
      for (const client of clients) {
        const acceptedCount = model.find(([other]) => other === client)?.[1] ?? 0
        const accepted = acceptedCount < minute.limit
        assert.strictEqual(windows.take(minute, `10.0.0.${client}`, 0).accepted, accepted)
        model = [...model.filter(([other]) => other !== client), [client, acceptedCount + (accepted ? 1 : 0)] as const]
        model = model.slice(-maxKeys)
        assert.strictEqual(windows.size.keys, model.length)
      }
    }
  )

  it("evicts only the longest idle key when there are too many keys", () => {
    const windows = new SlidingWindows({ maxKeys: 3 })
    for (const key of ["a", "b", "c"]) for (let request = 0; request < 2; request++) windows.take(minute, key, 0)
    windows.take(minute, "a", 1)
    windows.take(minute, "d", 2)
    assert.strictEqual(windows.size.keys, 3)
    assert.isFalse(windows.take(minute, "a", 3).accepted)
    assert.isFalse(windows.take(minute, "c", 3).accepted)
    assert.isTrue(windows.take(minute, "b", 3).accepted)
  })

  it("evicts the longest idle key of all policies", () => {
    const windows = new SlidingWindows({ maxKeys: 2 })
    windows.take(second, "a", 0)
    windows.take(minute, "a", 1)
    windows.take(minute, "b", 2)
    assert.strictEqual(windows.take(minute, "a", 3).remaining, 0)
    assert.strictEqual(windows.take(second, "a", 3).remaining, 1)
  })

  it("evicts idle keys, also of a policy that is no longer used", () => {
    const windows = new SlidingWindows({ maxKeys: 100_000 })
    for (let client = 0; client < 1000; client++) {
      windows.take(minute, `client ${client}`, 0)
      windows.take(second, `client ${client}`, 0)
    }
    assert.strictEqual(windows.size.keys, 2000)
    for (let request = 0; request < 200; request++) windows.take(second, "another", 60_000)
    assert.strictEqual(windows.size.keys, 1)
  })

  it("a client that sends continuously is accepted again as soon as its accepted requests leave the window", () => {
    const windows = new SlidingWindows({ maxKeys: 10 })
    const accepted: Array<number> = []
    for (let now = 0; now <= 180_000; now += 500) {
      if (windows.take(minute, "a", now).accepted) accepted.push(now)
    }
    assert.deepStrictEqual(accepted, [0, 500, 60_000, 60_500, 120_000, 120_500, 180_000])
  })

  it("bounds the number of stored times under a large limit", () => {
    const large: RateLimitPolicy = { name: "large", limit: 999_999, windowMillis: 86_400_000 }
    const windows = new SlidingWindows({ maxKeys: 10 })
    for (const key of ["a", "b", "c"]) {
      for (let request = 0; request < 400_000; request++) windows.take(large, key, 0)
      assert.isAtMost(windows.size.times, 1_000_000)
    }
    assert.strictEqual(windows.take(large, "c", 0).remaining, 999_999 - 400_001)
    assert.deepStrictEqual(windows.size, { keys: 2, times: 800_001 })
  })

  it("50,000 clients take at most 25 MB", () => {
    collectGarbage()
    const before = process.memoryUsage().heapUsed
    const maxKeys = 50_000
    const windows = new SlidingWindows({ maxKeys })
    for (let client = 0; client < maxKeys; client++) {
      const key = `10.${client >> 16}.${(client >> 8) & 255}.${client & 255}`
      for (let request = 0; request < 2; request++) windows.take(minute, key, 0)
    }
    collectGarbage()
    assert.deepStrictEqual(windows.size, { keys: maxKeys, times: 2 * maxKeys })
    assert.isBelow(process.memoryUsage().heapUsed - before, 25_000_000)
  })

  it("retains neither long keys nor the headers that short keys were sliced from", () => {
    collectGarbage()
    const before = process.memoryUsage().heapUsed
    const windows = new SlidingWindows({ maxKeys: 10_000 })
    for (let client = 0; client < 250; client++) {
      const address = `2001:db8:${client.toString(16)}:ffff::/64`
      const header = `${"x".repeat(100_000)}${address}`
      // Searching flattens the text, so that a slice of it refers to the whole text.
      windows.take(minute, header.slice(header.indexOf(address)), 0)
      windows.take(minute, header, 0)
    }
    collectGarbage()
    assert.strictEqual(windows.size.keys, 500)
    assert.isBelow(process.memoryUsage().heapUsed - before, 5_000_000)
    assert.strictEqual(windows.take(minute, "2001:db8:1:ffff::/64", 0).remaining, 0)
  })
})
