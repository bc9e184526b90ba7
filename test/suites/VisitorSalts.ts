/**
 * The tests that every layer of `VisitorSalts` must pass. They set the time of day but wait by the real clock, because a
 * TestClock that jumps over days would close a database's connections.
 *
 * @module
 */
import { assert, describe, layer as withLayer } from "@effect/vitest"
import { Clock, Effect, type Layer, Schema } from "effect"
import { daysOfLead, VisitorSalts } from "../../src/analytics/VisitorSalts.ts"

const day = 86_400_000

/** Runs an effect as if the time were `now` (milliseconds since 1970). */
export const at =
  (now: number) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.clockWith((clock) =>
      Effect.provideService(effect, Clock.Clock, {
        currentTimeMillis: Effect.succeed(now),
        currentTimeMillisUnsafe: () => now,
        currentTimeNanos: Effect.succeed(BigInt(now) * 1_000_000n),
        currentTimeNanosUnsafe: () => BigInt(now) * 1_000_000n,
        monotonicTimeNanos: clock.monotonicTimeNanos,
        monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
        sleep: (duration) => clock.sleep(duration)
      })
    )

export const suite = <E>(name: string, layer: Layer.Layer<VisitorSalts, E>) =>
  describe(name, () => {
    withLayer(layer, { excludeTestServices: true })((it) => {
      it.effect.prop(
        "a salt has 32 bytes and is unique to its date, while the date exists in some time zone and two hours longer",
        {
          waits: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 * day }))).check(
            Schema.isMaxLength(6)
          ),
          timeZone: Schema.Literals(["UTC", "Etc/GMT+12", "Pacific/Kiritimati", "America/New_York"])
        },
        ({ timeZone, waits }) =>
          Effect.gen(function* () {
            const salts = yield* VisitorSalts
            const saltOfDay = new Map<number, string>()
            let now = Date.UTC(2026, 11, 31, 23, 59, 59)
            for (const wait of [0, 1000, ...waits]) {
              now += wait
              for (const date of daysOfLead(timeZone, now)) {
                const all = yield* Effect.all([salts.of(date), salts.of(date), salts.of(date)], {
                  concurrency: "unbounded"
                }).pipe(at(now))
                for (const salt of all) {
                  assert.lengthOf(salt, 32)
                  const text = Buffer.from(salt).toString("hex")
                  if (saltOfDay.has(date)) assert.strictEqual(text, saltOfDay.get(date))
                  else assert.notInclude([...saltOfDay.values()], text)
                  saltOfDay.set(date, text)
                }
              }
            }
          }),
        { arbitrary: { runs: 40 } }
      )
    })
  })
