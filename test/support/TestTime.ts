/**
 * The time in tests. Tests take it from here, so that their results do not depend on the day on which they run.
 *
 * @module
 */
import { Clock, Effect, Layer } from "effect"

/**
 * When the clock of tests begins: milliseconds since 1970. `TEST_TIME` sets another time, to run the tests on another day:
 * `TEST_TIME=2028-02-29T23:50:00Z`.
 */
export const start = Date.parse(process.env["TEST_TIME"] ?? "2026-06-17T10:30:00Z")

if (Number.isNaN(start)) throw new Error("TEST_TIME is not a time, such as 2028-02-29T23:50:00Z")

/**
 * The machine's time, for what tests compare with the clock of PostgreSQL or of another process. It is the only place in which
 * tests may read the machine's date.
 */
export const ofMachine = (): number => Date.now()

/** A clock that begins at `start` with the process, and runs at the usual rate. */
const running: Clock.Clock = (() => {
  const millis = () => Math.floor(start + performance.now())
  const nanos = () => BigInt(millis()) * 1_000_000n
  const usual = Clock.Clock.defaultValue()
  return {
    currentTimeMillisUnsafe: millis,
    currentTimeMillis: Effect.sync(millis),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos),
    monotonicTimeNanosUnsafe: () => usual.monotonicTimeNanosUnsafe(),
    monotonicTimeNanos: usual.monotonicTimeNanos,
    sleep: (duration) => usual.sleep(duration)
  }
})()

/** Gives a server in this process, and its tests, a clock that begins at `start`. Not for PostgreSQL, which has its own clock. */
export const layer: Layer.Layer<never> = Layer.succeed(Clock.Clock, running)
