import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Result, Stream } from "effect"
import * as ScriptedAgent from "../../src/chat/AgentStream.ts"
import { AgentBroken, AgentRefused, AgentStream } from "../../src/chat/AgentStream.ts"
import type { AgentEvent, AgentRequest } from "../../src/chat/agent/Agent.ts"
import * as Budget from "../../src/chat/TokenBudget.ts"
import { TokenBudget } from "../../src/chat/TokenBudget.ts"
import { usedOf } from "../suites/TokenBudget.ts"
import * as MemoryTokenBudget from "../support/MemoryTokenBudget.ts"
import { instanceAt } from "../support/TestUpstream.ts"
import { until } from "../support/Wait.ts"

const request = (dailyTokens: number | null, maxTokens = 100): AgentRequest => ({
  instance: instanceAt("http://agent", { daily_tokens: dailyTokens, max_tokens: maxTokens }),
  session: "s",
  messages: [{ role: "user", text: "Hi" }]
})
const input = Budget.ofRequest(request(null))
const { instance_id: instanceId } = request(null).instance

const says = (...events: ReadonlyArray<AgentEvent>) =>
  Stream.fromIterable<AgentEvent>([{ _tag: "Accepted" }, ...events])
const hello: AgentEvent = { _tag: "Text", delta: "Hello!" }
const finish: AgentEvent = { _tag: "Finish", reason: "stop" }
const usage = (inputTokens: number, outputTokens: number): AgentEvent => ({ _tag: "Usage", inputTokens, outputTokens })

/** Provides an agent that follows `script`, limited by `budget`. */
const withAgent = (script: ScriptedAgent.Script, budget: Layer.Layer<TokenBudget> = MemoryTokenBudget.layer) =>
  Effect.provide(
    Layer.effect(
      AgentStream,
      Effect.zipWith(AgentStream, TokenBudget, ({ stream }, budget) => {
        const limited = Budget.limiting(budget, stream)
        return AgentStream.of({ stream: (request) => limited(request, request.instance.daily_tokens ?? 0) })
      })
    ).pipe(Layer.provide(ScriptedAgent.layerScripted(script)), Layer.provideMerge(budget))
  )

const ask = (request: AgentRequest) =>
  AgentStream.use((agent) => Effect.result(Stream.runCollect(agent.stream(request))))
const used = TokenBudget.use((budget) => usedOf(budget, instanceId))

describe("chat/TokenBudget: the agent's stream", () => {
  it.effect("counts the usage that the agent reports, or an estimate if it reports none or zeros", () =>
    Effect.gen(function* () {
      yield* ask(request(1000)).pipe(
        Effect.andThen(used),
        withAgent(() => says(hello, usage(20, 30), finish)),
        (run) => Effect.map(run, (tokens) => assert.strictEqual(tokens, 50))
      )
      yield* ask(request(1000)).pipe(
        Effect.andThen(used),
        withAgent(() => says(hello, finish)),
        (run) => Effect.map(run, (tokens) => assert.strictEqual(tokens, input + 2))
      )
      yield* ask(request(1000)).pipe(
        Effect.andThen(used),
        withAgent(() => says(hello, usage(0, 0), finish)),
        (run) => Effect.map(run, (tokens) => assert.strictEqual(tokens, input + 2))
      )
    })
  )

  it.effect("an answer that breaks uses at least the estimate, because only its beginning may be reported", () =>
    Effect.gen(function* () {
      const broken = Stream.fail(new AgentBroken({ reason: "test" }))
      for (const [reported, expected] of [
        [1, input + 100],
        [500, input + 500]
      ] as const) {
        const tokens = yield* ask(request(1000)).pipe(
          Effect.andThen(used),
          withAgent(() => Stream.concat(says({ _tag: "Text", delta: "x".repeat(300) }, usage(input, reported)), broken))
        )
        assert.strictEqual(tokens, expected)
      }
    })
  )

  it.effect("a refusal uses no tokens; an abandoned answer uses those of its request and of its text so far", () =>
    Effect.gen(function* () {
      const refused = yield* ask(request(1000)).pipe(
        Effect.andThen(used),
        withAgent(() => Stream.fail(new AgentRefused({ reason: "test" })))
      )
      assert.strictEqual(refused, 0)
      yield* Effect.gen(function* () {
        let received = 0
        const agent = yield* AgentStream
        const fiber = yield* agent.stream(request(1000)).pipe(
          Stream.runForEach(() => Effect.sync(() => received++)),
          Effect.forkChild({ startImmediately: true })
        )
        yield* until("the text has arrived", () => received === 2)
        assert.strictEqual(yield* used, input + 100)
        yield* Fiber.interrupt(fiber)
        assert.strictEqual(yield* used, input + 2)
      }).pipe(withAgent(() => Stream.concat(says(hello), Stream.never)))
    })
  )

  it.effect("when the tokens are used up, no request is sent, and the error says when the next day begins", () =>
    Effect.gen(function* () {
      const limits: Array<number> = []
      yield* Effect.gen(function* () {
        assert.isTrue(Result.isSuccess(yield* ask(request(input + 150))))
        assert.isTrue(Result.isSuccess(yield* ask(request(input + 150))))
        const result = yield* ask(request(input + 150))
        assert.strictEqual(Result.isFailure(result) ? result.failure._tag : "", "DailyTokensUsed")
        if (Result.isFailure(result) && result.failure._tag === "DailyTokensUsed") {
          assert.strictEqual(result.failure.retryAfter, 86_400)
        }
      }).pipe(
        withAgent(({ instance }) => {
          limits.push(instance.max_tokens)
          return says(hello, usage(input, 70), finish)
        })
      )
      // The second answer is bounded by what is left.
      assert.deepStrictEqual(limits, [100, 150 - input - 70])
    })
  )
})
