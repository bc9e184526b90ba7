import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { TokenBudget } from "../../../src/chat/TokenBudget.ts"
import { StorageUnavailable } from "../../../src/platform/Storage.ts"
import * as AgentExchange from "../../support/AgentExchange.ts"
import { finishes, says, start } from "../../support/TestUpstream.ts"

const unavailable = Effect.fail(new StorageUnavailable({ reason: "unreachable" }))

const budget = TokenBudget.of({ reserve: () => unavailable, settle: () => unavailable })

it.live(
  "without the store of the budgets no request is sent; an instance without a limit does not need the store",
  () =>
    Effect.gen(function* () {
      let requests = 0
      const { instance } = yield* start((request, response) => {
        requests++
        AgentExchange.streams(says("Hello"), finishes("stop"), AgentExchange.done)(request, response)
      })
      const limited = yield* AgentExchange.ask({ ...instance, daily_tokens: 1_000 })
      assert.strictEqual(AgentExchange.failure(limited.result).tag, "AgentBusy")
      assert.strictEqual(requests, 0)
      const { events } = yield* AgentExchange.ask({ ...instance, daily_tokens: null })
      assert.strictEqual(AgentExchange.textOf(events), "Hello")
      assert.strictEqual(requests, 1)
    }).pipe(Effect.provide(AgentExchange.makeLayer({ budget })), Effect.scoped)
)
