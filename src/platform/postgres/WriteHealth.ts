/**
 * Records the outcomes of recent writes, so that the readiness check need not write while they succeed. All services over the
 * same database share one instance, since layers are memoized.
 *
 * @module
 */
import { Cause, Clock, Context, Effect, Exit, Layer, Option } from "effect"
import type { RecordRefused, StorageUnavailable } from "../Storage.ts"

/** The kinds of writes whose last write failed, with the time of that failure in milliseconds of a monotonic clock. */
export type Failures = ReadonlyMap<string, number>

export const none: Failures = new Map()

/** The failures after one more write. */
export const after = (failures: Failures, kind: string, outcome: "stored" | "failed", now: number): Failures => {
  if (outcome === "stored" && !failures.has(kind)) return failures
  const next = new Map(failures)
  if (outcome === "stored") next.delete(kind)
  else next.set(kind, now)
  return next
}

/** How long a failure counts as current, in milliseconds. */
export const failingMillis = 2_000

/**
 * - `writable`: the last write of every kind succeeded.
 * - `failing`: the last write of a kind failed, less than `failingMillis` ago.
 * - `unknown`: the last write of a kind failed, but each such failure is older. A load balancer may have removed the process
 *   because of the failure, so that the process gets no more writes and must try one itself.
 */
export type WriteStatus = "writable" | "failing" | "unknown"

export const statusOf = (failures: Failures, now: number): WriteStatus => {
  if (failures.size === 0) return "writable"
  for (const failedAt of failures.values()) if (now - failedAt < failingMillis) return "failing"
  return "unknown"
}

export class WriteHealth extends Context.Service<
  WriteHealth,
  {
    /** Records the outcome of a write of this kind. */
    readonly observe: (
      kind: string
    ) => <A, R>(
      write: Effect.Effect<A, StorageUnavailable | RecordRefused, R>
    ) => Effect.Effect<A, StorageUnavailable | RecordRefused, R>
    readonly status: Effect.Effect<WriteStatus>
    /** Call it after a trial write of every kind has succeeded. */
    readonly clearFailures: Effect.Effect<void>
  }
>()("hydracore/platform/postgres/WriteHealth") {}

/**
 * A write that is interrupted after this many milliseconds counts as failed. One that is interrupted earlier does not: its
 * clients may just have disconnected.
 */
const slowMillis = 1_000

const outcomeOf = (
  exit: Exit.Exit<unknown, StorageUnavailable | RecordRefused>,
  millis: number
): "stored" | "failed" | undefined => {
  if (Exit.isSuccess(exit)) return "stored"
  const error = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
  // A store that refuses an invalid record is healthy.
  if (error !== undefined) return error._tag === "StorageUnavailable" ? "failed" : "stored"
  return Cause.hasInterrupts(exit.cause) && millis >= slowMillis ? "failed" : undefined
}

export const layer: Layer.Layer<WriteHealth> = Layer.effect(
  WriteHealth,
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000
    let failures = none
    return {
      observe: (kind) => (write) =>
        Effect.suspend(() => {
          const begun = now()
          return Effect.onExit(write, (exit) =>
            Effect.sync(() => {
              const ended = now()
              const outcome = outcomeOf(exit, ended - begun)
              if (outcome !== undefined) failures = after(failures, kind, outcome, ended)
            })
          )
        }),
      status: Effect.sync(() => statusOf(failures, now())),
      clearFailures: Effect.sync(() => {
        failures = none
      })
    }
  })
)
