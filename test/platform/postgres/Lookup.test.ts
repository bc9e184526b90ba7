import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Fiber, Option } from "effect"
import { TestClock } from "effect/testing"
import * as Lookup from "../../../src/platform/postgres/Lookup.ts"
import { StorageUnavailable } from "../../../src/platform/Storage.ts"

/** A mutable store that counts its queries. */
const store = () => {
  const stored = new Map<string, string>()
  const queries: Array<string> = []
  let broken = false
  return {
    stored,
    queries,
    setBroken: (value: boolean) => {
      broken = value
    },
    find: (key: string) =>
      Effect.suspend(() => {
        queries.push(key)
        return broken
          ? Effect.fail(new StorageUnavailable({ reason: "unreachable" }))
          : Effect.succeed(Option.fromUndefinedOr(stored.get(key)))
      })
  }
}

const options = { foundTtl: "10 seconds", unknownTtl: "900 millis", capacity: 3 } as const

describe("platform/postgres/Lookup", () => {
  it.effect("queries a found key once until it expires", () =>
    Effect.gen(function* () {
      const { queries, find, stored } = store()
      stored.set("a", "one")
      const lookup = yield* Lookup.make({ ...options, find })
      yield* lookup("a")
      stored.set("a", "two")
      yield* TestClock.adjust(9999)
      assert.deepStrictEqual(yield* lookup("a"), Option.some("one"))
      assert.strictEqual(queries.length, 1)
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(yield* lookup("a"), Option.some("two"))
    })
  )

  it.effect("an unknown key is found within a second of its creation", () =>
    Effect.gen(function* () {
      const { queries, find, stored } = store()
      const lookup = yield* Lookup.make({ ...options, find })
      yield* lookup("a")
      yield* lookup("a")
      assert.strictEqual(queries.length, 1)
      stored.set("a", "one")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* lookup("a"), Option.some("one"))
    })
  )

  it.effect("concurrent lookups share one query, which survives the interruption of one of them", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      let queries = 0
      const lookup = yield* Lookup.make({
        ...options,
        find: () =>
          Effect.suspend(() => {
            queries++
            return Effect.as(Deferred.await(gate), Option.some("one"))
          })
      })
      const first = yield* Effect.forkChild(lookup("a"), { startImmediately: true })
      const others = yield* Effect.forkChild(Effect.all([lookup("a"), lookup("a")], { concurrency: "unbounded" }), {
        startImmediately: true
      })
      yield* Fiber.interrupt(first)
      yield* Deferred.succeed(gate, undefined)
      assert.deepStrictEqual(yield* Fiber.join(others), [Option.some("one"), Option.some("one")])
      assert.strictEqual(queries, 1)
    })
  )

  it.effect("a query is interrupted when no caller waits", () =>
    Effect.gen(function* () {
      const interrupted = yield* Deferred.make<void>()
      const lookup = yield* Lookup.make<string>({
        ...options,
        find: () => Effect.onInterrupt(Effect.never, () => Deferred.succeed(interrupted, undefined))
      })
      const only = yield* Effect.forkChild(lookup("a"), { startImmediately: true })
      yield* Fiber.interrupt(only)
      yield* Deferred.await(interrupted)
    })
  )

  it.effect("a failure is reported and not cached", () =>
    Effect.gen(function* () {
      const { queries, setBroken, find, stored } = store()
      stored.set("a", "one")
      const lookup = yield* Lookup.make({ ...options, find })
      setBroken(true)
      assert.strictEqual((yield* Effect.flip(lookup("a"))).reason, "unreachable")
      setBroken(false)
      assert.deepStrictEqual(yield* lookup("a"), Option.some("one"))
      assert.strictEqual(queries.length, 2)
    })
  )

  it.effect("beyond its capacity, evicts the least recently used key", () =>
    Effect.gen(function* () {
      const { queries, find } = store()
      const lookup = yield* Lookup.make({ ...options, find })
      for (const key of ["a", "b", "c", "a", "d"]) yield* lookup(key)
      assert.deepStrictEqual(queries, ["a", "b", "c", "d"])
      yield* lookup("a")
      assert.strictEqual(queries.length, 4)
      yield* lookup("b")
      assert.strictEqual(queries.length, 5)
    })
  )

  it.effect("with more capacity than keys, each key is queried once until it expires, and then again", () =>
    Effect.gen(function* () {
      const { queries, find, stored } = store()
      const keys = Array.from({ length: 100 }, (_, index) => String(index))
      for (const key of keys) stored.set(key, "one")
      const lookup = yield* Lookup.make({ ...options, capacity: 160, find })
      for (let round = 0; round < 3; round++) yield* Effect.forEach(keys, lookup)
      assert.deepStrictEqual(queries, keys)
      yield* TestClock.adjust("10 seconds")
      for (const key of keys) stored.set(key, "two")
      assert.deepStrictEqual(
        yield* Effect.forEach(keys, lookup),
        keys.map(() => Option.some("two"))
      )
    })
  )

  it.effect("after an invalidation, does not cache the result of a query that began before it", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      let value = "old"
      const lookup = yield* Lookup.make({
        ...options,
        capacity: 160,
        find: () =>
          Effect.suspend(() => {
            const found = Option.some(value)
            return value === "old" ? Effect.as(Deferred.await(gate), found) : Effect.succeed(found)
          })
      })
      const early = yield* Effect.forkChild(lookup("a"), { startImmediately: true })
      value = "new"
      yield* lookup.invalidate("a")
      assert.deepStrictEqual(yield* lookup("a"), Option.some("new"))
      yield* Deferred.succeed(gate, undefined)
      assert.deepStrictEqual(yield* Fiber.join(early), Option.some("old"))
      assert.deepStrictEqual(yield* lookup("a"), Option.some("new"))
    })
  )

  it.effect("setting the wall clock back does not extend the time to live", () =>
    Effect.gen(function* () {
      const { find, stored } = store()
      const lookup = yield* Lookup.make({ ...options, find })
      yield* TestClock.setTime(7_200_000)
      yield* lookup("a")
      stored.set("a", "one")
      yield* TestClock.setTime(3_600_000)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* lookup("a"), Option.some("one"))
    })
  )

  it.effect("a caller does not get the result of a query that began longer ago than the time to live", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      let value = "old"
      const lookup = yield* Lookup.make({
        foundTtl: "900 millis",
        unknownTtl: "900 millis",
        capacity: 3,
        find: () =>
          Effect.suspend(() => {
            const found = Option.some(value)
            return value === "old" ? Effect.as(Deferred.await(gate), found) : Effect.succeed(found)
          })
      })
      const slow = yield* Effect.forkChild(lookup("a"), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      const late = yield* Effect.forkChild(lookup("a"), { startImmediately: true })
      value = "new"
      yield* Deferred.succeed(gate, undefined)
      assert.deepStrictEqual(yield* Fiber.join(slow), Option.some("old"))
      assert.deepStrictEqual(yield* Fiber.join(late), Option.some("new"))
    })
  )

  it.effect("a query does not run in the context of its first caller", () =>
    Effect.gen(function* () {
      class Request extends Context.Service<Request, string>()("test/Request") {}
      let requestInQuery: Option.Option<string> | undefined
      const lookup = yield* Lookup.make<string>({
        ...options,
        find: () =>
          Effect.map(Effect.serviceOption(Request), (request) => {
            requestInQuery = request
            return Option.none()
          })
      })
      yield* lookup("a").pipe(Effect.provideService(Request, "a body of a megabyte"))
      assert.deepStrictEqual(requestInQuery, Option.none())
    })
  )

  describe("refreshed", () => {
    const many = { ...options, capacity: 1000 }

    /** The lookup of a store, and the queries for several keys. */
    const refreshed = Effect.gen(function* () {
      const { find, queries, stored } = store()
      const together: Array<ReadonlyArray<string>> = []
      const findAll = (keys: ReadonlyArray<string>) =>
        Effect.sync(() => {
          together.push(keys)
          return new Map([...stored].filter(([key]) => keys.includes(key)))
        })
      return { lookup: yield* Lookup.makeRefreshed({ ...many, find, findAll }), queries, stored, together }
    })

    const keys = Array.from({ length: 300 }, (_, index) => `key ${index}`)

    it.effect("keys in use are read again together before they expire, until a minute after their last use", () =>
      Effect.gen(function* () {
        const { lookup, queries, stored, together } = yield* refreshed
        for (const key of keys) stored.set(key, "one")
        yield* Effect.forEach(keys, (key) => lookup(key))
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(together, [])
        for (const key of keys) stored.set(key, "two")
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(together, [keys.slice(0, 250), keys.slice(250)])
        assert.isTrue(
          (yield* Effect.forEach(keys, (key) => lookup(key))).every((found) => Option.contains(found, "two"))
        )
        assert.lengthOf(queries, keys.length)
        yield* TestClock.adjust("2 minutes")
        const last = together.length
        assert.isAtMost(last, 2 * 10)
        yield* TestClock.adjust("1 hour")
        assert.lengthOf(together, last)
      })
    )

    it.effect("a key that is gone is looked up alone, and an unknown key is never read again", () =>
      Effect.gen(function* () {
        const { lookup, queries, stored, together } = yield* refreshed
        stored.set("a", "one")
        yield* lookup("a")
        yield* lookup("unknown")
        stored.delete("a")
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(together, [["a"]])
        assert.deepStrictEqual(yield* lookup("a"), Option.none())
        assert.deepStrictEqual(queries, ["a", "unknown", "a"])
      })
    )

    it.effect("a query that began before an invalidation does not bring the old value back", () =>
      Effect.gen(function* () {
        const gate = yield* Deferred.make<void>()
        const { find, stored } = store()
        stored.set("a", "one")
        const lookup = yield* Lookup.makeRefreshed({
          ...many,
          find,
          findAll: () => Effect.as(Deferred.await(gate), new Map([["a", "one"]]))
        })
        yield* lookup("a")
        yield* TestClock.adjust("9 seconds")
        stored.set("a", "two")
        yield* lookup.invalidate("a")
        assert.deepStrictEqual(yield* lookup("a"), Option.some("two"))
        yield* Deferred.succeed(gate, undefined)
        yield* TestClock.adjust("1 millis")
        assert.deepStrictEqual(yield* lookup("a"), Option.some("two"))
      })
    )
  })
})
