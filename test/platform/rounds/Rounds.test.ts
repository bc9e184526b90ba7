import { assert, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Logger, Schema } from "effect"
import { TestClock } from "effect/testing"
import * as Rounds from "../../../src/platform/rounds/Rounds.ts"
import { StorageUnavailable } from "../../../src/platform/Storage.ts"

/** Runs a loop for a minute. Its first rounds end as `ends` says, and later rounds succeed. */
const runLoop = Effect.fnUntraced(function* (ends: ReadonlyArray<Effect.Effect<void, unknown>>) {
  let rounds = 0
  const lines: Array<string> = []
  const fiber = yield* Effect.suspend(() => ends[rounds++] ?? Effect.void).pipe(
    Rounds.recover("A round failed"),
    Effect.andThen(Effect.sleep("1 second")),
    Effect.forever,
    Effect.provide(Logger.layer([Logger.map(Logger.formatSimple, (line) => void lines.push(line))])),
    Effect.forkScoped
  )
  yield* TestClock.adjust("1 minute")
  return { fiber, lines, rounds: () => rounds }
})

it.effect("platform/rounds/Rounds: a loop continues after an error, a defect or an interruption within a round", () =>
  Effect.gen(function* () {
    for (const end of [Effect.fail("an error"), Effect.die(new Error("a defect")), Effect.interrupt]) {
      const { lines, rounds } = yield* runLoop([Effect.void, end])
      assert.isAbove(rounds(), 30)
      assert.lengthOf(lines, 1)
      assert.match(lines[0] ?? "", /level=WARN.*A round failed/)
    }
  })
)

it.effect("platform/rounds/Rounds: logs only the first of consecutive failures", () =>
  Effect.gen(function* () {
    const defect = Effect.die(new Error("a defect"))
    const { lines } = yield* runLoop([defect, defect, defect, Effect.void, defect, defect])
    assert.lengthOf(lines, 2)
  })
)

it.effect("platform/rounds/Rounds: an unavailable store is one line that says why and what to do", () =>
  Effect.gen(function* () {
    const refused = new Error("ConnectionError: connect ECONNREFUSED 127.0.0.1:5432")
    for (const [error, text] of [
      [
        new StorageUnavailable({ reason: "unreachable", code: "ECONNREFUSED", cause: refused }),
        `The database cannot be used (${refused.message}). Check that it runs; see hydracore doctor.`
      ],
      [new StorageUnavailable({ reason: "unreachable", code: "42P01" }), "(42P01). See hydracore doctor."],
      [new StorageUnavailable({ reason: "timeout" }), "The database did not answer in time. Check"],
      [
        new StorageUnavailable({ reason: "failed", code: "UNKNOWN_TABLE", setting: "ANALYTICS_URL" }),
        "ClickHouse answered with an error (UNKNOWN_TABLE). See hydracore doctor."
      ]
    ] as const) {
      const { lines } = yield* runLoop([Effect.fail(error), Effect.fail(error)])
      assert.lengthOf(lines, 1)
      assert.match(lines[0] ?? "", /A round failed\. (The database|ClickHouse) /)
      assert.include(lines[0] ?? "", text)
      assert.notMatch(lines[0] ?? "", /\n| {4}at /)
    }
  })
)

it.effect("platform/rounds/Rounds: a loop continues if the log of its failure fails", () =>
  Effect.gen(function* () {
    const broken = Logger.layer([
      Logger.make(() => {
        throw new Error("a defect of the log")
      })
    ])
    for (const loop of [
      (round: Effect.Effect<null>) =>
        round.pipe(
          Rounds.recover("A round failed"),
          Effect.andThen(Effect.sleep("1 second")),
          Effect.forever,
          Effect.forkScoped
        ),
      (round: Effect.Effect<null>) =>
        Rounds.start({ kind: "events", what: "do the work", round, gap: "1 second", startsAtOnce: true }).pipe(
          Effect.provideService(Rounds.Wakeups, Rounds.makeWakeups())
        )
    ]) {
      let rounds = 0
      yield* loop(
        Effect.suspend(() => (rounds++ === 0 ? Effect.die(new Error("a defect")) : Effect.succeed(null)))
      ).pipe(Effect.provide(broken))
      yield* TestClock.adjust("10 seconds")
      assert.isAtLeast(rounds, 2)
    }
  }).pipe(Effect.scoped)
)

it.effect("platform/rounds/Rounds: the interruption of the loop ends it without a log", () =>
  Effect.gen(function* () {
    const { fiber, lines, rounds } = yield* runLoop([])
    const before = rounds()
    yield* Fiber.interrupt(fiber)
    yield* TestClock.adjust("1 minute")
    assert.strictEqual(rounds(), before)
    assert.lengthOf(lines, 0)
  })
)

const Wake = Schema.Struct({
  /** How long after the previous one, in milliseconds. */
  after: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3_000 })),
  /** In how many milliseconds it wakes the loop; null for now. */
  delay: Schema.NullOr(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3_000 })))
})

it.effect.prop(
  "platform/rounds/Rounds: a round follows each wake-up, within the gap or the pause after a failure, and no other round begins",
  { wakes: Schema.Array(Wake), fails: Schema.Array(Schema.Boolean) },
  ({ fails, wakes }) =>
    Effect.gen(function* () {
      const wakeups = Rounds.makeWakeups()
      const begun: Array<number> = []
      yield* Rounds.start({
        kind: "events",
        what: "do the work",
        round: Effect.flatMap(Clock.currentTimeMillis, (now) =>
          fails[begun.push(now) - 1] === true ? Effect.fail("an error") : Effect.succeed(null)
        ),
        gap: "100 millis",
        startsAtOnce: false
      }).pipe(Effect.provideService(Rounds.Wakeups, wakeups), Effect.provide(Logger.layer([])))
      const due: Array<number> = []
      for (const { after, delay } of wakes) {
        yield* TestClock.adjust(after)
        const now = yield* Clock.currentTimeMillis
        due.push(now + (delay ?? 0))
        if (delay === null) wakeups.wake("events")
        else wakeups.wakeAt("events", now + delay)
      }
      yield* TestClock.adjust("2 minutes")
      const longest = fails.includes(true) ? 10_000 : 100
      // Times are rounded up to 50 ms.
      for (const at of due)
        assert.isTrue(
          begun.some((start) => start >= at && start <= at + longest + 50),
          `at ${at}`
        )
      const failed = fails.slice(0, begun.length).filter((one) => one).length
      assert.isAtMost(begun.length, due.length + failed)
      for (const [index, at] of begun.entries()) assert.isAtLeast(at - (begun[index - 1] ?? -100), 100)
    }).pipe(Effect.scoped)
)

it.effect("platform/rounds/Rounds: rounds that may have to wait are repeated for a while after a wake-up", () =>
  Effect.gen(function* () {
    const wakeups = Rounds.makeWakeups()
    let rounds = 0
    yield* Rounds.start({
      kind: "leads",
      what: "do the work",
      round: Effect.sync(() => {
        rounds++
        return null
      }),
      gap: "10 millis",
      startsAtOnce: false,
      poll: { interval: "1 second", times: 3 }
    }).pipe(Effect.provideService(Rounds.Wakeups, wakeups))
    for (const expected of [4, 8]) {
      wakeups.wake("leads")
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(rounds, expected)
    }
  })
)
