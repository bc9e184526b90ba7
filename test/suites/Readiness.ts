/**
 * The tests that every layer of `Readiness` must pass: the state while writes fail.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer, Schedule } from "effect"
import { SubmissionRepo } from "../../src/forms/SubmissionRepo.ts"
import { SubmissionId } from "../../src/platform/Id.ts"
import type { StorageUnavailable } from "../../src/platform/Storage.ts"
import { Readiness } from "../../src/server/Readiness.ts"
import { draft } from "../support/TestSubmissions.ts"

/** A check. It fails if the database does not answer within two seconds. */
export const checkOnce = Effect.flatMap(Readiness, (readiness) => readiness.check)

/** A check that is repeated while the database of a busy machine does not answer in time. */
export const check = Effect.retry(checkOnce, {
  while: ({ code, reason }) => reason === "database-unreachable" && code === undefined,
  schedule: Schedule.spaced("50 millis")
})

/** Stores a submission and returns its id. */
export const write = Effect.suspend(() => {
  const submissionId = SubmissionId.make(randomUUID())
  return Effect.as(
    SubmissionRepo.use((repo) => repo.submit(draft({ submissionId }))),
    submissionId
  )
})

/** Polls readiness until it succeeds, as a load balancer does. */
export const untilReady = Effect.retry(check, Schedule.spaced("50 millis"))

/** Starts and ends a fault in which every write of a layer fails with `StorageUnavailable`. */
export interface Fault<E, R> {
  readonly begin: Effect.Effect<void, E, R>
  readonly end: Effect.Effect<void, E, R>
}

export const suite = <R, E, FE>(
  name: string,
  layer: Layer.Layer<Readiness | SubmissionRepo | R, E>,
  fault: Fault<FE, Readiness | SubmissionRepo | R>
) =>
  describe(name, () => {
    it.live(
      "is not ready while writes fail, and is ready again when writes would succeed, even if no request writes",
      () =>
        Effect.gen(function* () {
          yield* check
          yield* write
          yield* check
          for (let round = 0; round < 2; round++) {
            yield* fault.begin
            assert.strictEqual(((yield* Effect.flip(write)) as StorageUnavailable)._tag, "StorageUnavailable")
            assert.strictEqual((yield* Effect.flip(check)).reason, "database-not-storing")
            yield* fault.end
            yield* untilReady
            yield* write
            yield* check
          }
        }).pipe(Effect.provide(layer))
    )
  })
