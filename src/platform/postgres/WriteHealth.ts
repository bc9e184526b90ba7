/**
 * Records the outcomes of recent writes, so that the readiness check need not write while they succeed. All services over the
 * same database share one instance, since layers are memoized.
 *
 * @module
 */
import { Cause, Clock, Context, Effect, Exit, Layer, Option } from "effect"
import * as Decision from "../batch/WriteHealth.ts"
import type { RecordRefused, StorageUnavailable } from "../Storage.ts"

export class WriteHealth extends Context.Service<
  WriteHealth,
  {
    /** Records the outcome of a write of this kind. */
    readonly observe: (
      kind: string
    ) => <A, R>(
      write: Effect.Effect<A, StorageUnavailable | RecordRefused, R>
    ) => Effect.Effect<A, StorageUnavailable | RecordRefused, R>
    readonly status: Effect.Effect<Decision.WriteStatus>
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
    let failures = Decision.none
    return {
      observe: (kind) => (write) =>
        Effect.suspend(() => {
          const begun = now()
          return Effect.onExit(write, (exit) =>
            Effect.sync(() => {
              const ended = now()
              const outcome = outcomeOf(exit, ended - begun)
              if (outcome !== undefined) failures = Decision.after(failures, kind, outcome, ended)
            })
          )
        }),
      status: Effect.sync(() => Decision.statusOf(failures, now())),
      clearFailures: Effect.sync(() => {
        failures = Decision.none
      })
    }
  })
)
