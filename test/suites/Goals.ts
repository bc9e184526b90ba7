/**
 * The tests that every layer of `Goals` must pass.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { assert, layer as withLayer } from "@effect/vitest"
import { Effect, type Layer, Option, Result, Schema } from "effect"
import { Goals, kinds, leads } from "../../src/analytics/Goal.ts"
import { GoalId, WebsiteConfigId } from "../../src/platform/Id.ts"
import * as Maximums from "../../src/sites/Maximums.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import { SiteErasure } from "../../src/sites/SiteErasure.ts"

const newSite = Effect.map(
  SiteDirectory.use((sites) => sites.create({ name: "test", origins: [] })),
  ({ websiteConfigId }) => websiteConfigId
)

const Text = Schema.String.check(Schema.makeFilter((text: string) => text.isWellFormed() && !text.includes("\0")))

const Shape = Schema.Struct({
  name: Schema.Union([Schema.Literals(["a", "b", ...Object.values(leads)]), Text]),
  kind: Schema.Literals(kinds),
  value: Text
})

export const suite = <E>(name: string, layer: Layer.Layer<Goals | SiteDirectory | SiteErasure, E>) =>
  withLayer(layer, { excludeTestServices: true })(name, (it) => {
    it.effect.prop(
      "goals are listed unchanged; their names are unique per website and differ from those of leads",
      { shapes: Schema.Array(Shape).check(Schema.isMaxLength(8)) },
      ({ shapes }) =>
        Effect.gen(function* () {
          const goals = yield* Goals
          const [websiteConfigId, other] = [yield* newSite, yield* newSite]
          const taken = new Set<string>(Object.values(leads))
          const created = []
          for (const shape of shapes) {
            const outcome = yield* Effect.result(goals.create(websiteConfigId, shape))
            assert.strictEqual(Result.isFailure(outcome), taken.has(shape.name))
            taken.add(shape.name)
            if (Result.isSuccess(outcome)) created.push(Option.getOrThrow(outcome.success))
          }
          assert.sameDeepMembers([...(yield* goals.list(websiteConfigId))], created)
          const all = yield* goals.all
          assert.deepStrictEqual(
            [websiteConfigId, other].map((id) => all.get(id) ?? []),
            [yield* goals.list(websiteConfigId), []]
          )
          assert.deepStrictEqual(yield* goals.list(other), [])
          for (const goal of created) {
            assert.isFalse(yield* goals.delete(other, goal.goal_id))
            assert.isTrue(yield* goals.delete(websiteConfigId, goal.goal_id))
            assert.isFalse(yield* goals.delete(websiteConfigId, goal.goal_id))
          }
          assert.deepStrictEqual(yield* goals.list(websiteConfigId), [])
        }),
      { arbitrary: { runs: 15 } }
    )

    it.effect("a website has at most 50 goals, also if they are created concurrently", () =>
      Effect.gen(function* () {
        const goals = yield* Goals
        const [websiteConfigId, other] = [yield* newSite, yield* newSite]
        const create = (name: string, site = websiteConfigId) =>
          Effect.result(goals.create(site, { name, kind: "event", value: "a" }))
        const names = Array.from({ length: Maximums.goals.max + 5 }, (_, index) => `goal ${index}`)
        const outcomes = yield* Effect.forEach(names, (name) => create(name), { concurrency: 8 })
        const failures = outcomes.flatMap((outcome) => (Result.isFailure(outcome) ? [outcome.failure._tag] : []))
        assert.deepStrictEqual(
          failures,
          Array.from({ length: 5 }, () => "LimitReached")
        )
        const [first, ...others] = yield* goals.list(websiteConfigId)
        assert.lengthOf(others, Maximums.goals.max - 1)
        if (first === undefined) return
        assert.isTrue(Result.isSuccess(yield* create("goal 0", other)))
        assert.isTrue(yield* goals.delete(websiteConfigId, first.goal_id))
        assert.isTrue(Result.isSuccess(yield* create("another")))
      })
    )

    it.effect("an unknown website has no goals, and an unknown goal cannot be deleted", () =>
      Effect.gen(function* () {
        const goals = yield* Goals
        const websiteConfigId = yield* newSite
        const [unknown, unknownGoal] = [WebsiteConfigId.make(randomUUID()), GoalId.make(randomUUID())]
        const goal = { name: "a", kind: "event", value: "a" } as const
        assert.deepStrictEqual(yield* goals.create(unknown, goal), Option.none())
        assert.deepStrictEqual(yield* goals.list(unknown), [])
        assert.isFalse(yield* goals.delete(websiteConfigId, unknownGoal))
        assert.isFalse(yield* goals.delete(unknown, unknownGoal))
      })
    )

    it.effect("deleting a website deletes its goals, and refuses new ones", () =>
      Effect.gen(function* () {
        const goals = yield* Goals
        const websiteConfigId = yield* newSite
        const goal = { name: "a", kind: "page", value: "/a*" } as const
        assert.isTrue(Option.isSome(yield* goals.create(websiteConfigId, goal)))
        yield* SiteErasure.use(({ erase }) => erase(websiteConfigId))
        assert.deepStrictEqual(yield* goals.list(websiteConfigId), [])
        assert.deepStrictEqual(yield* goals.create(websiteConfigId, { ...goal, name: "b" }), Option.none())
      })
    )
  })
