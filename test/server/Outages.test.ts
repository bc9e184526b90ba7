import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Logger, Schema } from "effect"
import { TestClock } from "effect/testing"
import { Reports } from "../../src/analytics/reports/Reports.ts"
import { StorageUnavailable } from "../../src/platform/Storage.ts"
import * as Outages from "../../src/server/Outages.ts"
import { NotReady, Readiness } from "../../src/server/Readiness.ts"
import * as ErrorMapping from "../../src/sites/ErrorMapping.ts"

const down = new StorageUnavailable({ reason: "unreachable", code: "ECONNREFUSED", cause: new Error("secret") })

/** What happens to a store: a request that it makes fail, or a check, and how many milliseconds after the one before. */
const Happening = Schema.Struct({
  is: Schema.Literals(["refused", "answers", "silent"]),
  delay: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 40_000 }))
})

/** The outages of a process whose stores answer or do not, and its log. */
const make = Effect.gen(function* () {
  const lines: Array<string> = []
  const state = { answers: true }
  const check = Effect.suspend(() => (state.answers ? Effect.void : new NotReady({ reason: "database-unreachable" })))
  const currentVisitors = () => Effect.suspend(() => (state.answers ? Effect.succeed(0) : Effect.fail(down)))
  const stores = Layer.merge(Layer.succeed(Readiness, { check }), Layer.mock(Reports)({ currentVisitors }))
  const logger = Logger.make(({ message }) => void lines.push(String(message)))
  const context = yield* Layer.build(Layer.provideMerge(Layer.provide(Outages.layer, stores), Logger.layer([logger])))
  const refuse = (error = down) => Effect.provide(Context.get(context, ErrorMapping.OnUnavailable)(error), context)
  return { lines, refuse, state }
})

describe("server/Outages", () => {
  it.effect("an outage is one line at its begin, one a minute while requests are refused, and one at its end", () =>
    Effect.gen(function* () {
      const { lines, refuse, state } = yield* make
      state.answers = false
      for (let second = 0; second < 70; second++) {
        yield* refuse()
        yield* TestClock.adjust("1 second")
      }
      state.answers = true
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(lines, [
        "The database cannot be used (ECONNREFUSED). Check that it runs; see hydracore doctor. Requests that need it get a 503.",
        "The database cannot be used (ECONNREFUSED). Check that it runs; see hydracore doctor. 61 requests got a 503 in 1m.",
        "The database answers again. 70 requests got a 503 in 1m 11s."
      ])
      yield* refuse()
      assert.lengthOf(lines, 4)
    })
  )

  it.effect("each store has its own outage", () =>
    Effect.gen(function* () {
      const { lines, refuse, state } = yield* make
      state.answers = false
      yield* refuse()
      yield* refuse(new StorageUnavailable({ reason: "timeout", setting: "ANALYTICS_URL" }))
      yield* TestClock.adjust("1 minute")
      assert.lengthOf(lines, 2)
      assert.match(lines[1] ?? "", /^ClickHouse did not answer in time\./)
      state.answers = true
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(lines.slice(2).sort(), [
        "ClickHouse answers again. 1 request got a 503 in 1m 1s.",
        "The database answers again. 1 request got a 503 in 1m 1s."
      ])
    })
  )

  it.effect.prop(
    "every outage begins with a line and ends with one, which counts its requests, and reminders are a minute apart",
    [Schema.Array(Happening)],
    ([happenings]) =>
      Effect.sync(() => {
        let now = 0
        let outage: Outages.Outage | undefined
        let requests = 0
        let lastAnswer: number | undefined
        let loggedAt = 0
        for (const { delay, is } of happenings) {
          now += delay
          if (is === "refused") {
            const step = Outages.refused(outage, down, now)
            const begins = outage === undefined
            requests = begins ? 1 : requests + 1
            assert.strictEqual(step.line !== undefined, begins || now - loggedAt >= Outages.reminderMillis)
            if (step.line !== undefined) loggedAt = now
            outage = step.outage
            lastAnswer = undefined
          } else if (outage !== undefined) {
            lastAnswer = is === "answers" ? (lastAnswer ?? now) : undefined
            const step = Outages.checked(outage, is === "answers", now)
            const ends = lastAnswer !== undefined && now - lastAnswer >= Outages.quietMillis
            assert.strictEqual(step.outage === undefined, ends)
            assert.strictEqual(step.line !== undefined, ends)
            if (ends) assert.include(step.line, `. ${requests} request${requests === 1 ? "" : "s"} got a 503 in `)
            outage = step.outage
          }
        }
      })
  )
})
