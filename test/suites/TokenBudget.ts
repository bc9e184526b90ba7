/**
 * The tests that every layer of `TokenBudget` must pass.
 */
import { assert, describe, layer as withLayer } from "@effect/vitest"
import { Effect, type Layer, Option, Schema } from "effect"
import { InstanceDirectory } from "../../src/chat/InstanceDirectory.ts"
import { TokenBudget } from "../../src/chat/TokenBudget.ts"
import { at } from "./VisitorSalts.ts"

const day = 86_400_000
const noon = Date.UTC(2026, 5, 1, 12)

const count = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 50 }))

/** Creates an instance and returns its id. */
const newInstance = InstanceDirectory.use(({ create }) =>
  Effect.map(create({ name: "Counted", agent_url: "http://agent" }), ({ instance_id: instanceId }) => instanceId)
)

/** The tokens that are used or reserved today: those that another reservation cannot have. */
export const usedOf = Effect.fnUntraced(function* (budget: TokenBudget["Service"], instanceId: string) {
  const limit = 1_000_000
  const rest = Option.getOrThrow(yield* budget.reserve({ instanceId, limit, min: 0, max: limit }))
  yield* budget.settle(rest, 0)
  return limit - rest.tokens
})

export const suite = <E>(name: string, layer: Layer.Layer<TokenBudget | InstanceDirectory, E>) =>
  describe(name, () => {
    withLayer(layer, { excludeTestServices: true })((it) => {
      it.effect.prop(
        "reservations and settlements are counted exactly, and open reservations never exceed the limit",
        { demands: Schema.Array(Schema.Tuple([count, count, count])).check(Schema.isMaxLength(8)) },
        ({ demands }) =>
          Effect.gen(function* () {
            const budget = yield* TokenBudget
            const instanceId = yield* newInstance
            const limit = 100
            const reserved = yield* Effect.forEach(
              demands,
              ([one, other]) =>
                budget.reserve({ instanceId, limit, min: Math.min(one, other), max: Math.max(one, other) }),
              { concurrency: "unbounded" }
            )
            const open = Option.getOrElse(Option.all(reserved.filter(Option.isSome)), () => [])
            const sum = open.reduce((sum, { tokens }) => sum + tokens, 0)
            assert.isAtMost(sum, limit)
            assert.strictEqual(yield* usedOf(budget, instanceId), sum)
            const spent = open.map((reservation, index) => [reservation, demands[index]?.[2] ?? 0] as const)
            yield* Effect.forEach(spent, ([reservation, used]) => budget.settle(reservation, used), {
              concurrency: "unbounded",
              discard: true
            })
            assert.strictEqual(
              yield* usedOf(budget, instanceId),
              spent.reduce((sum, [, used]) => sum + used, 0)
            )
          }).pipe(at(noon)),
        { arbitrary: { runs: 20 } }
      )

      it.effect("a reservation is settled once", () =>
        Effect.gen(function* () {
          const budget = yield* TokenBudget
          const instanceId = yield* newInstance
          const demand = { instanceId, limit: 100, min: 10, max: 60 }
          const first = Option.getOrThrow(yield* budget.reserve(demand))
          assert.strictEqual(first.tokens, 60)
          yield* budget.settle(first, 20)
          yield* budget.settle(first, 0)
          assert.strictEqual(yield* usedOf(budget, instanceId), 20)
        }).pipe(at(noon))
      )

      it.effect("reserves the remaining tokens, or nothing if they are too few", () =>
        Effect.gen(function* () {
          const budget = yield* TokenBudget
          const instanceId = yield* newInstance
          const reserve = (min: number, max: number) =>
            Effect.map(
              budget.reserve({ instanceId, limit: 100, min, max }),
              Option.map(({ tokens }) => tokens)
            )
          assert.isTrue(Option.isNone(yield* reserve(101, 200)))
          assert.deepStrictEqual(yield* reserve(10, 70), Option.some(70))
          assert.deepStrictEqual(yield* reserve(10, 70), Option.some(30))
          assert.isTrue(Option.isNone(yield* reserve(1, 1)))
        }).pipe(at(noon))
      )

      it.effect(
        "each day and each instance has its own budget; a later settlement counts for the day of its reservation",
        () =>
          Effect.gen(function* () {
            const budget = yield* TokenBudget
            const [one, other] = [yield* newInstance, yield* newInstance]
            const reserve = (instanceId: string) => budget.reserve({ instanceId, limit: 100, min: 100, max: 100 })
            const today = Option.getOrThrow(yield* at(noon)(reserve(one)))
            assert.isTrue(Option.isNone(yield* at(noon)(reserve(one))))
            assert.isTrue(Option.isSome(yield* at(noon)(reserve(other))))
            const tomorrow = Option.getOrThrow(yield* at(noon + day)(reserve(one)))
            assert.strictEqual(tomorrow.tokens, 100)
            yield* at(noon + day)(budget.settle(today, 70))
            assert.strictEqual(yield* at(noon + day)(usedOf(budget, one)), 100)
          })
      )
    })
  })
