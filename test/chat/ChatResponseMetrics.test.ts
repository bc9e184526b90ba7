import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Queue, Stream } from "effect"
import { TestClock } from "effect/testing"
import { AgentBroken, AgentRefused, AgentTimeout, DailyTokensUsed } from "../../src/chat/AgentStream.ts"
import {
  type AgentFailureKind,
  agentFailureKinds,
  type ChatEnd,
  chatEnds
} from "../../src/platform/telemetry/Metrics.ts"
import { type Agent, accepted, driven, respond, stop, text } from "../support/ChatScript.ts"
import * as TestMetrics from "../support/TestMetrics.ts"
import { until } from "../support/Wait.ts"

/** A visitor who reads the whole answer of an agent. */
const visit = (agent: Agent, ...rest: [options?: Parameters<typeof respond>[1], graceExpired?: Effect.Effect<void>]) =>
  respond(agent, ...rest).pipe(
    Effect.flatMap(({ body }) => (body._tag === "Stream" ? Stream.runDrain(body.stream) : Effect.void)),
    Effect.exit,
    Effect.asVoid,
    Effect.scoped
  )

/** The samples of a metric that are not zero, by the values of its label. */
const counted = <Value extends string>(
  metrics: ReturnType<typeof TestMetrics.make>,
  name: string,
  label: string,
  values: ReadonlyArray<Value>
) =>
  Object.fromEntries(
    values
      .map((value) => [value, metrics.value(`${name}{${label}="${value}"}`)] as const)
      .filter(([, count]) => count !== 0)
  )

const ends = (metrics: ReturnType<typeof TestMetrics.make>) =>
  counted(metrics, "chat_streams_total", "reason", chatEnds)

const failures = (metrics: ReturnType<typeof TestMetrics.make>) =>
  counted(metrics, "agent_failures_total", "kind", agentFailureKinds)

const afterAccepting = (end: Agent): Agent => Stream.concat(Stream.succeed(accepted), end)

describe("chat/ChatResponse, its metrics", () => {
  const cases: ReadonlyArray<readonly [string, Agent, ChatEnd | undefined, AgentFailureKind | undefined]> = [
    ["an agent that finishes", Stream.make(accepted, text("a"), stop), "finished", undefined],
    [
      "an agent whose stream breaks off",
      afterAccepting(Stream.fail(new AgentBroken({ reason: "cut" }))),
      "agent-broken",
      "broken"
    ],
    ["an agent that ends without a finish", afterAccepting(Stream.empty), "agent-broken", "broken"],
    ["an agent that stops sending", afterAccepting(Stream.fail(new AgentTimeout())), "agent-timeout", "timeout"],
    [
      "an agent that sends too much text",
      afterAccepting(Stream.concat(Stream.succeed(text("a".repeat(101))), Stream.never)),
      "too-much",
      undefined
    ],
    ["a defect of the service", afterAccepting(Stream.die(new Error("bug"))), "internal", undefined],
    ["an agent that refuses", Stream.fail(new AgentRefused({ reason: "no" })), undefined, "refused"],
    [
      "an agent whose stream breaks off before it accepts",
      Stream.fail(new AgentBroken({ reason: "cut" })),
      undefined,
      "refused"
    ],
    ["an agent that never accepts", Stream.fail(new AgentTimeout()), undefined, "timeout"],
    ["an instance without tokens", Stream.fail(new DailyTokensUsed({ retryAfter: 60 })), undefined, undefined],
    ["an agent without an answer", Stream.empty, undefined, "refused"]
  ]
  for (const [name, agent, end, failure] of cases) {
    it.effect(`${name} counts as ${end ?? "no stream"} and ${failure ?? "no failure"}`, () => {
      const metrics = TestMetrics.make()
      return Effect.gen(function* () {
        yield* visit(agent, { maxBytes: 100 })
        assert.deepStrictEqual(ends(metrics), end === undefined ? {} : { [end]: 1 })
        assert.deepStrictEqual(failures(metrics), failure === undefined ? {} : { [failure]: 1 })
      }).pipe(Effect.provide(metrics.layer))
    })
  }

  it.effect(
    "a stream that the service ends counts by the limit that ended it, an abandoned one as left, and neither as a failure",
    () => {
      const metrics = TestMetrics.make()
      const started = Effect.gen(function* () {
        const { agent, queue } = yield* driven
        yield* Queue.offerAll(queue, [accepted, text("a")])
        const before = metrics.value("chat_tokens_total") ?? 0
        const visitor = yield* Effect.forkChild(visit(agent, { maxDuration: "10 seconds" }))
        yield* until("the chat streams", () => metrics.value("chat_tokens_total") === before + 1)
        return visitor
      })
      return Effect.gen(function* () {
        yield* started
        yield* TestClock.adjust("10 seconds")
        yield* until("the chat is ended", () => ends(metrics)["too-long"] === 1)
        yield* Fiber.interrupt(yield* started)
        assert.deepStrictEqual(ends(metrics), { "too-long": 1, left: 1 })
        // A chat that begins after the grace period is no failure of the agent either.
        yield* visit(Stream.make(accepted, stop), {}, Effect.void)
        assert.deepStrictEqual(failures(metrics), {})
      }).pipe(Effect.provide(metrics.layer))
    }
  )

  it.effect("the time to the first text is measured once per chat, and each piece of text is a token", () => {
    const metrics = TestMetrics.make()
    return Effect.gen(function* () {
      const { agent, queue } = yield* driven
      const visitor = yield* Effect.forkChild(visit(agent), { startImmediately: true })
      yield* Queue.offer(queue, accepted)
      yield* TestClock.adjust("300 millis")
      yield* Queue.offerAll(queue, [text("a"), text("b")])
      yield* until("both texts are counted", () => metrics.value("chat_tokens_total") === 2)
      yield* TestClock.adjust("1 second")
      yield* Queue.offerAll(queue, [text("c"), stop])
      yield* Fiber.join(visitor)
      assert.strictEqual(metrics.value("chat_tokens_total"), 3)
      assert.strictEqual(metrics.value("chat_time_to_first_token_seconds_count"), 1)
      assert.closeTo(metrics.value("chat_time_to_first_token_seconds_sum") ?? 0, 0.3, 1e-6)
    }).pipe(Effect.provide(metrics.layer))
  })
})
