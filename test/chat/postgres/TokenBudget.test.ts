import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Option } from "effect"
import * as Instances from "../../../src/chat/InstanceDirectory.ts"
import * as InstanceDirectory from "../../../src/chat/postgres/InstanceDirectory.ts"
import * as TokenBudget from "../../../src/chat/postgres/TokenBudget.ts"
import * as Budget from "../../../src/chat/TokenBudget.ts"
import { suite, usedOf } from "../../suites/TokenBudget.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"

const budget = TokenBudget.layer
const instances = InstanceDirectory.layer()

suite("chat/postgres/TokenBudget", Layer.merge(budget, instances).pipe(Layer.provide(TestClient.layer)))

describe("chat/postgres/TokenBudget: processes", () => {
  it.live("many processes together reserve no more than the limit, even concurrently", () =>
    Effect.gen(function* () {
      // One for each process.
      const budgets = yield* Effect.forEach(Array.from({ length: 4 }), () =>
        Effect.map(Layer.build(Layer.fresh(budget)), (context) => Context.get(context, Budget.TokenBudget))
      )
      const { instance_id: instanceId } = yield* Instances.InstanceDirectory.use(({ create }) =>
        create({ name: "Counted", agent_url: "http://agent" })
      )
      const reserved = yield* Effect.forEach(
        Array.from({ length: 80 }, (_, index) => budgets[index % budgets.length]!),
        (budget) => budget.reserve({ instanceId, limit: 100, min: 10, max: 10 }),
        { concurrency: "unbounded" }
      )
      assert.lengthOf(reserved.filter(Option.isSome), 10)
      assert.strictEqual(yield* usedOf(budgets[0]!, instanceId), 100)
    }).pipe(Effect.scoped, Effect.provide(instances.pipe(Layer.provideMerge(TestClient.layer))))
  )
})
