import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as ScriptedAgent from "../../src/chat/AgentStream.ts"
import { AgentBroken, type AgentError, AgentRefused } from "../../src/chat/AgentStream.ts"
import type { AgentEvent } from "../../src/chat/agent/Agent.ts"
import { type Scene, Stage, suite } from "../suites/AgentStream.ts"
import { instanceAt } from "../support/TestUpstream.ts"

const accepted = Stream.succeed<AgentEvent>({ _tag: "Accepted" })
const text = (delta: string) => Stream.succeed<AgentEvent>({ _tag: "Text", delta })

const scenes: Record<Scene, Stream.Stream<AgentEvent, AgentError>> = {
  hello: ScriptedAgent.texts(["Hel", "", "lo"], { reason: "length" }),
  refuse: Stream.fail(new AgentRefused({ reason: "scripted" })),
  break: accepted.pipe(Stream.concat(text("Hel")), Stream.concat(Stream.fail(new AgentBroken({ reason: "scripted" })))),
  silent: Stream.never,
  endless: Stream.concat(accepted, Stream.forever(text("on and on")))
}

let open = 0
let received = 0

const script: ScriptedAgent.Script = (request) =>
  Stream.suspend(() => {
    open++
    received++
    return scenes[request.message as Scene]
  }).pipe(Stream.ensuring(Effect.sync(() => open--)))

suite(
  "chat/AgentStream, scripted",
  Layer.merge(
    ScriptedAgent.layerScripted(script),
    Layer.succeed(
      Stage,
      Stage.of({ instance: instanceAt("http://127.0.0.1"), open: () => open, received: () => received })
    )
  )
)

it.effect.prop(
  "a script of texts sends them in order, without the empty ones",
  [Schema.Array(Schema.String)],
  ([list]) =>
    Effect.gen(function* () {
      const events = yield* Stream.runCollect(ScriptedAgent.texts(list))
      assert.deepStrictEqual(events, [
        { _tag: "Accepted" },
        ...list.filter((delta) => delta !== "").map((delta) => ({ _tag: "Text", delta }) as const),
        { _tag: "Finish", reason: "stop" }
      ])
    })
)

it.effect("a delay precedes each text", () =>
  Effect.gen(function* () {
    const events: Array<string> = []
    const fiber = yield* ScriptedAgent.texts(["a", "b"], { delay: "1 second" }).pipe(
      Stream.runForEach((event) => Effect.sync(() => events.push(event._tag))),
      Effect.forkChild({ startImmediately: true })
    )
    yield* TestClock.adjust("999 millis")
    assert.deepStrictEqual(events, ["Accepted"])
    yield* TestClock.adjust("1 millis")
    assert.deepStrictEqual(events, ["Accepted", "Text"])
    yield* TestClock.adjust("1 second")
    yield* Fiber.join(fiber)
    assert.deepStrictEqual(events, ["Accepted", "Text", "Text", "Finish"])
  })
)
