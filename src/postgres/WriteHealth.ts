/**
 * Remembers what became of the last writes, so that readiness need not write while they succeed. One for all services
 * over the same database: layers are built once.
 *
 * @module
 */
import { Cause, Clock, Context, Effect, Exit, Layer, Option } from "effect"
import * as Decision from "../core/data/WriteHealth.ts"
import type { RecordRefused, StorageUnavailable } from "../services/Storage.ts"

export class WriteHealth extends Context.Service<
  WriteHealth,
  {
    /** Remembers what becomes of a write of this kind. */
    readonly observe: (
      kind: string
    ) => <A, R>(
      write: Effect.Effect<A, StorageUnavailable | RecordRefused, R>
    ) => Effect.Effect<A, StorageUnavailable | RecordRefused, R>
    readonly verdict: Effect.Effect<Decision.Verdict>
    /** Forgets the failures: a write of each kind would succeed now. */
    readonly recovered: Effect.Effect<void>
  }
>()("hydracore/postgres/WriteHealth") {}

/** A write that was given up after this time, in milliseconds, failed. Before, its clients may just have gone. */
const slowMillis = 1_000

const outcomeOf = (
  exit: Exit.Exit<unknown, StorageUnavailable | RecordRefused>,
  millis: number
): "stored" | "failed" | undefined => {
  if (Exit.isSuccess(exit)) return "stored"
  const error = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
  // A store that refuses a record at fault is healthy.
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
      verdict: Effect.sync(() => Decision.verdict(failures, now())),
      recovered: Effect.sync(() => {
        failures = Decision.none
      })
    }
  })
)
