import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Logger } from "effect"
import * as ClusterRateLimiter from "../../../src/platform/cluster/RateLimiter.ts"
import type { RateLimitDecision, RateLimitPolicy } from "../../../src/platform/limits/RateLimit.ts"
import { layerMemory, RateLimiter } from "../../../src/platform/limits/RateLimit.ts"
import { suite } from "../../suites/RateLimiter.ts"
import { until } from "../../support/Wait.ts"
import * as Channels from "../../support/WorkerChannels.ts"

/** A fallback that must not be used. */
const unusedFallback: RateLimiter["Service"] = { take: () => Effect.die(new Error("The fallback must not be used")) }

/** A decision that only `fallback` makes, never the primary. */
const fallbackDecision: RateLimitDecision = { accepted: true, remaining: 123_456, resetMillis: 1 }
const fallback: RateLimiter["Service"] = { take: () => Effect.succeed(fallbackDecision) }

const hour: RateLimitPolicy = { name: "test", limit: 3, windowMillis: 3_600_000 }

/** A primary that counts the requests of all connected workers. */
const makePrimary = Effect.gen(function* () {
  const context = yield* Layer.build(layerMemory({ maxKeys: 1000 }))
  const limiter = Context.get(context, RateLimiter)
  const run = Effect.runForkWith(yield* Effect.context())
  return {
    connect: ({ primary }: Channels.Pair) =>
      primary.listen((message) => {
        if (message._tag !== "Take") return
        run(
          Effect.map(ClusterRateLimiter.answer(limiter, message.batch, message.requests), (answer) =>
            primary.send(answer)
          )
        )
      })
  }
})

/** A worker's limiter with a long default timeout, so that a busy machine does not count as a hanging primary. */
const workerOf = (
  pair: Channels.Pair,
  fallback: RateLimiter["Service"],
  { logs = Logger.layer([]), timeoutMillis = 20_000 } = {}
) =>
  Layer.build(
    ClusterRateLimiter.layer({ link: pair.worker, fallback, timeoutMillis, retryMillis: 20 }).pipe(Layer.provide(logs))
  ).pipe(Effect.map((context) => Context.get(context, RateLimiter)))

const connected = Effect.gen(function* () {
  const pair = Channels.make()
  ;(yield* makePrimary).connect(pair)
  return pair
})

suite(
  "platform/cluster/RateLimiter",
  Layer.unwrap(
    Effect.map(connected, ({ worker }) =>
      ClusterRateLimiter.layer({ link: worker, fallback: unusedFallback, timeoutMillis: 20_000 })
    )
  )
)

describe("platform/cluster/RateLimiter: the channel", () => {
  it.live("counts across workers", () =>
    Effect.gen(function* () {
      const primary = yield* makePrimary
      const limiters = yield* Effect.replicateEffect(
        Effect.suspend(() => {
          const pair = Channels.make()
          primary.connect(pair)
          return workerOf(pair, unusedFallback)
        }),
        4
      )
      const policy = { ...hour, limit: 37 }
      const decisions = yield* Effect.all(
        Array.from({ length: 100 }, (_, index) => limiters[index % 4]!.take(policy, "a")),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(decisions.filter(({ accepted }) => accepted).length, 37)
    })
  )

  it.live("sends the requests of one turn of the event loop in one batch, and each request gets its own decision", () =>
    Effect.gen(function* () {
      const pair = yield* connected
      const limiter = yield* workerOf(pair, unusedFallback)
      const other = { ...hour, name: "other", limit: 1 }
      const requests = [
        [hour, "a"],
        [other, "a"],
        [hour, "b"],
        [hour, "a"],
        [other, "a"]
      ] as const
      const decisions = yield* Effect.forEach(requests, ([policy, key]) => limiter.take(policy, key), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(
        decisions.map(({ accepted, remaining }) => [accepted, remaining]),
        [
          [true, 2],
          [true, 0],
          [true, 2],
          [true, 1],
          [false, 0]
        ]
      )
      assert.strictEqual(pair.sent.length, 1)
    })
  )

  it.live("an interrupted request does not affect the rest of its batch", () =>
    Effect.gen(function* () {
      const limiter = yield* workerOf(yield* connected, unusedFallback)
      const interrupted = Effect.raceFirst(limiter.take(hour, "a"), Effect.void)
      const [, decision] = yield* Effect.all([interrupted, limiter.take(hour, "b")], { concurrency: "unbounded" })
      assert.isTrue(decision.accepted)
    })
  )

  it.live("only the first requests wait for a hanging primary, which is used again when it resumes", () => {
    const lines: Array<string> = []
    const logs = Logger.layer([
      Logger.make(({ logLevel, message }) => lines.push(`${logLevel} ${JSON.stringify(message)}`))
    ])
    return Effect.gen(function* () {
      const pair = yield* connected
      const limiter = yield* workerOf(pair, fallback, { logs, timeoutMillis: 1_000 })
      assert.strictEqual((yield* limiter.take(hour, "a")).remaining, 2)
      pair.hold()
      // If each of these requests waited, they would need a quarter of an hour.
      const during = yield* Effect.timeout(Effect.replicateEffect(limiter.take(hour, "a"), 1000), "60 seconds")
      for (const decision of during) assert.deepStrictEqual(decision, fallbackDecision)
      yield* until("the worker sends a probe, which has no requests", () =>
        pair.sent.some((message) => message._tag === "Take" && message.requests.length === 0)
      )
      const sentBefore = pair.sent.length
      yield* Effect.replicateEffect(limiter.take(hour, "a"), 100)
      assert.strictEqual(pair.sent.length, sentBefore, "nothing is sent while the primary hangs")
      pair.release()
      const back = limiter.take(hour, "b").pipe(Effect.repeat({ until: ({ remaining }) => remaining === 2 }))
      yield* Effect.timeout(back, "60 seconds")
      assert.strictEqual(lines.length, 2)
      assert.match(lines[0]!, /^Warn .*The primary does not answer/)
      assert.match(lines[1]!, /^Info .*The primary is back/)
    })
  })

  it.live("the fallback decides the requests that still wait when the worker ends", () =>
    Effect.gen(function* () {
      const pair = yield* connected
      pair.hold()
      const waiting = yield* Effect.scoped(
        Effect.gen(function* () {
          const limiter = yield* workerOf(pair, fallback)
          const fiber = yield* Effect.forkDetach(limiter.take(hour, "a"), { startImmediately: true })
          yield* until("the request is sent", () => pair.sent.length === 1)
          return fiber
        })
      )
      const exit = yield* until("the request is decided", () => waiting.pollUnsafe())
      assert.deepStrictEqual(yield* exit, fallbackDecision)
    })
  )
})
