/**
 * The tests that every layer of `AgentStream` must pass. The message of a request names the scene that the agent plays.
 */
import { assert, layer as testLayer } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, type Layer, Result, Stream } from "effect"
import { type AgentError, AgentStream } from "../../src/chat/AgentStream.ts"
import type { AgentEvent, AgentRequest } from "../../src/chat/agent/Agent.ts"
import type { Instance } from "../../src/chat/Instance.ts"
import { until } from "../support/Wait.ts"

/**
 * The scenes:
 * - `hello`: sends "Hel", an empty text, "lo" and finishes with `length`.
 * - `refuse`: refuses the request.
 * - `break`: sends "Hel" and fails.
 * - `silent`: never answers.
 * - `endless`: sends "on and on" forever.
 */
export type Scene = "hello" | "refuse" | "break" | "silent" | "endless"

/** The agent under test, and its counts of requests. */
export class Stage extends Context.Service<
  Stage,
  {
    readonly instance: Instance
    /** The number of requests in progress. */
    readonly open: () => number
    /** The number of requests received. */
    readonly received: () => number
  }
>()("hydracore/test/suites/AgentStream/Stage") {}

const request = (instance: Instance, message: Scene): AgentRequest => ({
  instance,
  session: "c-1",
  messages: [{ role: "user", text: message }]
})

/** Requests a scene. Returns all events, and how the stream ended. */
const play = Effect.fnUntraced(function* (scene: Scene) {
  const agent = yield* AgentStream
  const stage = yield* Stage
  const events: Array<AgentEvent> = []
  const result = yield* agent.stream(request(stage.instance, scene)).pipe(
    Stream.runForEach((event) => Effect.sync(() => events.push(event))),
    Effect.result
  )
  return { events, result: result as Result.Result<void, AgentError> }
})

const failureOf = (result: Result.Result<void, AgentError>): string =>
  Result.isFailure(result) ? result.failure._tag : "no failure"

export const suite = (name: string, layer: Layer.Layer<AgentStream | Stage>): void =>
  testLayer(layer)(name, (it) => {
    it.effect("an answer consists of Accepted, non-empty texts and Finish", () =>
      Effect.gen(function* () {
        const { events, result } = yield* play("hello")
        assert.isTrue(Result.isSuccess(result))
        assert.strictEqual(events[0]?._tag, "Accepted")
        assert.deepStrictEqual(events.at(-1), { _tag: "Finish", reason: "length" })
        const texts = events.slice(1, -1).map((event) => (event._tag === "Text" ? event.delta : null))
        assert.isTrue(texts.every((delta) => delta !== null && delta !== ""))
        assert.strictEqual(texts.join(""), "Hello")
      })
    )

    it.effect("if the agent refuses the request, the stream fails without events", () =>
      Effect.gen(function* () {
        const { events, result } = yield* play("refuse")
        assert.deepStrictEqual(events, [])
        assert.strictEqual(failureOf(result), "AgentRefused")
      })
    )

    it.effect("a broken stream fails after its earlier texts", () =>
      Effect.gen(function* () {
        const { events, result } = yield* play("break")
        assert.deepStrictEqual(events, [{ _tag: "Accepted" }, { _tag: "Text", delta: "Hel" }])
        assert.strictEqual(failureOf(result), "AgentBroken")
      })
    )

    it.effect("concurrent answers do not mix", () =>
      Effect.gen(function* () {
        const all = yield* Effect.all(
          Array.from({ length: 20 }, (_, index) => play(index % 2 === 0 ? "hello" : "break")),
          { concurrency: "unbounded" }
        )
        for (const [index, { events, result }] of all.entries()) {
          const texts = events.flatMap((event) => (event._tag === "Text" ? [event.delta] : []))
          assert.strictEqual(texts.join(""), index % 2 === 0 ? "Hello" : "Hel")
          assert.strictEqual(Result.isSuccess(result), index % 2 === 0)
        }
      })
    )

    it.effect("ending the stream early aborts the agent's request", () =>
      Effect.gen(function* () {
        const agent = yield* AgentStream
        const stage = yield* Stage
        const events = yield* agent.stream(request(stage.instance, "endless")).pipe(Stream.take(4), Stream.runCollect)
        assert.strictEqual(events.length, 4)
        yield* until("the agent's request ends", () => stage.open() === 0)
      })
    )

    it.effect("interrupting the stream before an answer aborts the agent's request", () =>
      Effect.gen(function* () {
        const agent = yield* AgentStream
        const stage = yield* Stage
        const before = stage.received()
        const fiber = yield* agent
          .stream(request(stage.instance, "silent"))
          .pipe(Stream.runDrain, Effect.forkChild({ startImmediately: true }))
        yield* until("the agent has the request", () => stage.received() > before && stage.open() === 1)
        yield* Fiber.interrupt(fiber)
        assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(fiber)))
        yield* until("the agent's request ends", () => stage.open() === 0)
      })
    )
  })
